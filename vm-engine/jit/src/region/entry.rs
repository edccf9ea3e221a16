//! What a region asks once, where it is entered: slots that no block sets have the same value
//! wherever it goes.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use vm_engine_interp::native::Places;
use vm_ir::{Block, Effect, Id, Inst, Op, Type};

use super::flow::Set;
use super::singles::{asks_box, unboxes};
use super::state::place;
use super::writer::Writer;
use crate::body::{STRUCT, host_type};
use crate::lower::{self, LID, boxed};

/// An order of a slot that no block sets and a constant: operation, type, slot, constant.
pub type Guard = (Op, Type, u64, u64);

impl Writer<'_, '_, '_> {
    /// Whether no block sets a slot.
    fn is_fixed(&self, index: usize) -> bool {
        self.slots.set >> index & 1 == 0
    }

    /// Loads a slot; a single is taken out of its box.
    pub(super) fn load_slot(&mut self, index: usize) -> Value {
        let (cpu, at) = (self.cx.cpu, place(self.slots.numbers[index]));
        let ty = self.slots.types[index];
        let builder = &mut *self.cx.builder;
        if ty != types::F32 {
            return builder.ins().load(ty, STRUCT, cpu, at);
        }
        let word = builder.ins().load(types::I64, STRUCT, cpu, at);
        let is_box = IntCC::UnsignedGreaterThanOrEqual;
        let is_box = builder.ins().icmp_imm_s(is_box, word, LID as i64);
        let inner = builder.ins().ireduce(types::I32, word);
        let instead = i64::from(self.slots.singles.instead);
        let instead = builder.ins().iconst(types::I32, instead);
        let inner = builder.ins().select(is_box, inner, instead);
        if self.slots.singles.odd >> index & 1 == 1 {
            let bit = self.odd_bit(index);
            let builder = &mut *self.cx.builder;
            let bit = builder.ins().iconst(types::I64, bit);
            let none = builder.ins().iconst(types::I64, 0);
            let bit = builder.ins().select(is_box, none, bit);
            let all = match self.odd_at_entry {
                Some(odd) => builder.ins().bor(odd, bit),
                None => bit,
            };
            self.odd_at_entry = Some(all);
        }
        let flags = MemFlagsData::new();
        self.cx.builder.ins().bitcast(types::F32, flags, inner)
    }

    /// The bit of a slot among the odd ones.
    pub(super) fn odd_bit(&self, index: usize) -> i64 {
        let below = self.slots.singles.odd & ((1 << index) - 1);
        // There are no more floating-point registers than a word has bits; see `Singles`.
        1 << below.count_ones()
    }

    /// Where all slots have been loaded: what is fixed, and what follows from it.
    pub(super) fn fix(&mut self, values: Vec<Value>) {
        let region = self.region;
        for (index, value) in values.into_iter().enumerate() {
            let fixed = self.is_fixed(index);
            self.fixed.push(fixed.then_some(value));
        }
        for inst in region.blocks.iter().flat_map(|block| &block.insts) {
            self.fix_narrow(inst);
        }
        let mut uses = Vec::new();
        for block in &region.blocks {
            for inst in block
                .insts
                .iter()
                .filter(|i| i.op.effect() == Effect::Float)
            {
                uses.extend(self.limit_asked(block, inst));
            }
        }
        if !self.sets_flags() {
            self.cx.keep_limits(uses);
        }
        for block in &region.blocks {
            for inst in &block.insts {
                self.fix_trap(block, inst);
            }
        }
    }

    /// Part of a slot that is fixed.
    fn fix_narrow(&mut self, inst: &Inst) {
        if inst.op != Op::Get || inst.ty == Type::I64 || self.fixed_part(inst).is_some() {
            return;
        }
        let Some(index) = self.slots.index(inst.imm) else {
            return;
        };
        if let Some(value) = self.fixed[index].filter(|_| self.slots.types[index] != types::F32) {
            let whole = self.cx.int(value);
            let cut = self.cx.builder.ins().ireduce(host_type(inst.ty), whole);
            let cut = self.cut(cut, inst.ty);
            self.parts.push(((inst.imm, inst.ty), cut));
        }
    }

    /// What a `get` of less than a fixed slot gives.
    pub(super) fn fixed_part(&self, inst: &Inst) -> Option<Value> {
        let mut parts = self.parts.iter();
        let part = parts.find(|(what, _)| *what == (inst.imm, inst.ty))?;
        Some(part.1)
    }

    /// Whether a block writes the sticky floating-point flags.
    fn sets_flags(&self) -> bool {
        let mut all = self.region.blocks.iter().flat_map(|block| &block.insts);
        all.any(|inst| inst.op == Op::Set && inst.imm == self.fp_flags)
    }

    /// The format and the rounding mode of which an operation asks whether the host will do, if
    /// the mode is fixed.
    fn limit_asked(&mut self, block: &Block, inst: &Inst) -> Option<(Type, Value)> {
        let asks = matches!(
            inst.op,
            Op::FAdd | Op::FSub | Op::FMul | Op::FDiv | Op::FSqrt | Op::FMulAdd
        );
        let converts = matches!(inst.op, Op::FConvert | Op::SToF | Op::UToF);
        if !(asks || converts) || inst.ty < Type::I32 {
            return None;
        }
        let mode = inst.operands().last()?;
        let mode = block.insts.get(usize::from(mode))?;
        let mode = match mode.op {
            Op::Const => lower::op(&mut self.cx, Op::Const, mode.ty, mode.ty, mode.imm, &[]),
            Op::Get => self.fixed_part(mode)?,
            _ => return None,
        };
        Some((inst.ty, mode))
    }

    /// Whether what a trap asks has been asked at the entry.
    pub(super) fn is_guarded(&self, block: &Block, inst: &Inst) -> bool {
        let guard = self.guard(block, inst);
        guard.is_some_and(|guard| self.guards.contains(&guard))
    }

    /// Whether a trap has a condition that is asked at the entry; which.
    pub(super) fn guard(&self, block: &Block, inst: &Inst) -> Option<Guard> {
        let made = |n: usize, of: &Inst| block.insts.get(usize::from(of.args[n])).copied();
        if inst.op != Op::TrapIf {
            return None;
        }
        let order = made(0, inst)?;
        if !matches!(order.op, Op::Eq | Op::Ne | Op::LtU | Op::GeU) {
            return None;
        }
        let (get, number) = (made(0, &order)?, made(1, &order)?);
        let known = get.op == Op::Get && number.op == Op::Const;
        (known && self.fixed_part(&get).is_some())
            .then_some((order.op, get.ty, get.imm, number.imm))
    }

    fn fix_trap(&mut self, block: &Block, inst: &Inst) {
        let Some(guard) = self.guard(block, inst) else {
            return;
        };
        let (op, ty, slot, number) = guard;
        if self.guards.contains(&guard) {
            return;
        }
        self.guards.push(guard);
        let mut parts = self.parts.iter();
        let Some((_, part)) = parts.find(|(what, _)| *what == (slot, ty)) else {
            return;
        };
        let part = *part;
        let number = lower::op(&mut self.cx, Op::Const, ty, ty, number, &[]);
        let traps = lower::op(&mut self.cx, op, ty, ty, 0, &[part, number]);
        self.refuse = Some(match self.refuse {
            Some(other) => self.cx.builder.ins().bor(other, traps),
            None => traps,
        });
    }

    /// Before the head of an entry: if an instruction somewhere would trap, the interpreter goes
    /// on instead, one instruction at a time for as long as that is so.
    pub(super) fn refuse_if(&mut self, bad: Value, entry: usize) {
        (self.at, self.site, self.dirty) = (entry, 0, 0);
        // The gate gives back what the block has taken.
        let insns = i64::from(self.region.blocks[entry].insns);
        let on = self.unless(bad);
        let fuel = self.fuel();
        let builder = &mut *self.cx.builder;
        let less = builder.ins().iadd_imm_s(fuel, -insns);
        self.set_fuel(less);
        self.leave_alone();
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
    }

    /// A single in its box, as an integer.
    pub(super) fn boxed(&mut self, single: Value) -> Value {
        let int = self.cx.int(single);
        let builder = &mut *self.cx.builder;
        let wide = builder.ins().uextend(types::I64, int);
        let lid = builder.ins().iconst(types::I64, LID as i64);
        builder.ins().bor(wide, lid)
    }

    /// Part of what is in a box.
    pub(super) fn part(&mut self, single: Value, ty: Type) -> Value {
        if ty == Type::I32 {
            return single;
        }
        let int = self.cx.int(single);
        let cut = self.cx.builder.ins().ireduce(host_type(ty), int);
        self.cut(cut, ty)
    }

    /// The single in a box that an operation makes, for a slot that has nothing else.
    pub(super) fn single(&mut self, id: Id) -> Value {
        let block = &self.region.blocks[self.at];
        if let Some(inner) = boxed(block, id) {
            let value = self.value(inner);
            return self.cx.float(value);
        }
        let whole = self.word(id);
        let low = self.cx.builder.ins().ireduce(types::I32, whole);
        self.cx.float(low)
    }

    /// The value of an operation that puts singles in boxes or takes them out, if that is known
    /// without it.
    pub(super) fn boxing(&mut self, inst: &Inst) -> Option<Value> {
        let block = &self.region.blocks[self.at];
        let is_single = |slot| {
            let index = self.slots.index(slot)?;
            (self.slots.types[index] == types::F32).then_some(())
        };
        if let Some(slot) = asks_box(block, inst) {
            // What was none has become the number that it counts as.
            is_single(slot)?;
            return Some(self.cx.builder.ins().iconst(types::I8, 1));
        }
        if let Some((slot, _)) = unboxes(block, inst) {
            is_single(slot)?;
            return Some(self.value(inst.args[1]));
        }
        if inst.op == Op::Trunc && inst.ty == Type::I32 {
            let inner = boxed(block, inst.args[0])?;
            return Some(self.value(inner));
        }
        None
    }

    /// A single in its box, where memory is to have it.
    pub(super) fn store_boxed(&mut self, index: usize, value: Value, cpu: Value) {
        let at = place(self.slots.numbers[index]);
        let ambiguous = self.slots.singles.odd & !self.must;
        let base = match self.odd {
            Some(odd) if ambiguous >> index & 1 == 1 => {
                // What is odd has not been set: memory keeps it, and the number goes nowhere.
                let bit = self.odd_bit(index);
                let builder = &mut *self.cx.builder;
                let odd = builder.use_var(odd);
                let is_odd = builder.ins().band_imm_u(odd, bit);
                let aside = i64::from(Places::RESULT - at);
                let aside = builder.ins().iadd_imm_s(cpu, aside);
                builder.ins().select(is_odd, aside, cpu)
            }
            _ => cpu,
        };
        // HOST-ARCH: where there are gates, a word's high half stands behind the low one.
        let builder = &mut *self.cx.builder;
        builder.ins().store(STRUCT, value, base, at);
        let lid = builder.ins().iconst(types::I32, -1);
        builder.ins().store(STRUCT, lid, base, at + 4);
    }

    /// Where a block ends: what it has set is odd no more.
    pub(super) fn settle_odd(&mut self) {
        let Some(odd) = self.odd else { return };
        let begin: Set = self.slots.singles.must[self.at];
        let new = self.slots.singles.odd & self.must & !begin;
        let bits = (0..self.slots.numbers.len()).filter(|n| new >> n & 1 == 1);
        let bits = bits.fold(0, |all, n| all | self.odd_bit(n));
        if bits != 0 {
            let builder = &mut *self.cx.builder;
            let before = builder.use_var(odd);
            let after = builder.ins().band_imm_s(before, !bits);
            builder.def_var(odd, after);
        }
    }
}
