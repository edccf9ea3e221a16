//! Operations that have no effect but their value.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use vm_ir::{Id, Inst, Op, Type};

use super::writer::Writer;
use crate::body::host_type;
use crate::lower;

impl Writer<'_, '_, '_> {
    /// Writes an operation that has no effect but its value.
    pub(super) fn calculation(&mut self, inst: &Inst) -> Value {
        if let Some(value) = self.boxing(inst).or_else(|| self.widened(inst)) {
            return value;
        }
        let mut args = [self.cx.cpu; 4];
        let mut count = 0;
        for id in inst.operands() {
            args[count] = self.value(id);
            count += 1;
        }
        let block = &self.region.blocks[self.at];
        let from = block.insts.get(usize::from(inst.args[0]));
        let from = from.map_or(inst.ty, Inst::value_type);
        let args = &args[..count];
        let value = lower::op(&mut self.cx, inst.op, inst.ty, from, inst.imm, args);
        self.note_root(inst, value);
        value
    }

    /// The value of an operation on what was loaded or extended just before, if less will do.
    fn widened(&mut self, inst: &Inst) -> Option<Value> {
        let [a, b, ..] = inst.args;
        let made = |id: Id| self.region.blocks[self.at].insts.get(usize::from(id));
        let to = host_type(inst.ty);
        if inst.op == Op::Zext {
            let wide = *self.wide.get(&a)?;
            return Some(if to == types::I64 {
                wide
            } else {
                self.cx.builder.ins().ireduce(to, wide)
            });
        }
        if inst.op != Op::And || inst.ty == Type::I1 {
            return None;
        }
        let (value, mask) = match (self.constant(a), self.constant(b)) {
            (None, Some(mask)) => (a, mask),
            (Some(mask), None) => (b, mask),
            _ => return None,
        };
        // The copies of the sign are cut off again.
        let inner = made(value).filter(|made| made.op == Op::Sext)?;
        let from = made(inner.args[0])?.value_type();
        if from == Type::I1 || mask as u64 > from.mask() {
            return None;
        }
        let narrow = self.int(inner.args[0]);
        let builder = &mut *self.cx.builder;
        let wide = builder.ins().uextend(to, narrow);
        Some(builder.ins().band_imm_s(wide, mask))
    }

    /// The number that an operation makes, if it is a constant.
    pub(super) fn constant(&self, id: Id) -> Option<i64> {
        let inst = self.region.blocks[self.at].insts.get(usize::from(id))?;
        (inst.op == Op::Const).then_some(inst.imm as i64)
    }
}
