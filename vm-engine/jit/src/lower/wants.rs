//! Which values of a block are best held as host floats.

use vm_ir::ops::Kind;
use vm_ir::{Block, Effect, Op, Type};

/// For each value whether operations read it as a number of its format and never as an integer.
///
/// A `get` or `load` of such a value is best written as a load of a host float, which spares the
/// way through an integer register. Stores and `set` take either form and do not count.
pub fn wants_float(block: &Block, wants: &mut Vec<bool>) {
    wants.clear();
    wants.resize(block.insts.len(), false);
    for inst in &block.insts {
        let float = reads_floats(inst.op);
        let kinds = inst.op.shape().args;
        for (id, kind) in inst.operands().zip(kinds) {
            let made = &block.insts[usize::from(id)];
            let format = matches!(made.value_type(), Type::I32 | Type::I64);
            if float && format && *kind != Kind::I8 {
                wants[usize::from(id)] = true;
            }
        }
    }
    for inst in block.insts.iter().filter(|inst| !reads_floats(inst.op)) {
        let stored = match inst.op {
            Op::Set => Some(0),
            Op::SetAt | Op::Store => Some(1),
            _ => None,
        };
        for (n, id) in inst.operands().enumerate() {
            if stored != Some(n) {
                wants[usize::from(id)] = false;
            }
        }
    }
}

/// Whether the operation's operands are numbers, but for a rounding mode.
fn reads_floats(op: Op) -> bool {
    op.effect() == Effect::Float && !matches!(op, Op::SToF | Op::UToF)
}

#[cfg(test)]
mod tests {
    use vm_ir::{End, Id, Inst, Type::*, block::NONE};

    use super::*;

    /// One operation and whether its value is held as a float.
    type Line = (Op, Type, &'static [Id], bool);

    fn check(lines: &[Line]) {
        let insts = lines.iter().map(|(op, ty, operands, _)| {
            let mut args = [NONE; 4];
            args[..operands.len()].copy_from_slice(operands);
            let (op, ty, imm) = (*op, *ty, 0);
            Inst { op, ty, args, imm }
        });
        let block = Block {
            insts: insts.collect(),
            end: End::Goto(4),
            insns: 1,
            bytes: 4,
        };
        let mut wants = vec![true; 2];
        wants_float(&block, &mut wants);
        let wanted: Vec<_> = lines.iter().map(|line| line.3).collect();
        assert_eq!(wants, wanted);
    }

    #[test]
    fn values_are_held_as_their_readers_want_them() {
        check(&[
            (Op::Get, I64, &[], true),
            (Op::Get, I64, &[], false),
            (Op::Get, I8, &[], false),
            (Op::FAdd, I64, &[0, 1, 2], true),
            (Op::Set, I64, &[3], false),
            (Op::FMul, I64, &[3, 3, 2], false),
            (Op::Xor, I64, &[1, 5], false),
            (Op::Set, I64, &[6], false),
        ]);
        check(&[
            (Op::Get, I64, &[], false),
            (Op::Load, I32, &[0], true),
            (Op::Const, I8, &[], false),
            (Op::FConvert, I64, &[1, 2], false),
            (Op::Store, I64, &[0, 3], false),
            (Op::SToF, I64, &[0, 2], true),
            (Op::FToS, I64, &[5, 2], false),
            (Op::Get, I16, &[], false),
            (Op::FConvert, I32, &[7, 2], false),
        ]);
    }
}
