//! Operations that reach beyond their words: memory, helpers, traps, floating-point flags and
//! slots that are chosen at run time.

use vm_ir::block::NONE;
use vm_ir::{Block, Effect, Frontend, Helper, Id, Inst, MemArg, Op, Order, Type};

use super::{Flattener, Kind, Place, TooLarge, value_type};
use crate::flat::{A, B, C, D};
use crate::handlers::Arithmetic;
use crate::memory::Memory;

impl Flattener {
    pub(super) fn effect(
        &mut self,
        block: &Block,
        id: Id,
        inst: &Inst,
        frontend: &dyn Frontend,
    ) -> Result<(), TooLarge> {
        let args = &inst.args[..inst.operands().count()];
        let mut words = [self.zero; 4];
        for (place, arg) in [A, B, C].into_iter().zip(args) {
            words[place] = self.word_of(*arg)?;
        }
        let fourth = match args.get(3) {
            Some(arg) => self.word_of(*arg)?,
            None => self.zero,
        };
        let arg = MemArg::unpack(inst.imm);
        // Plain handlers load with acquire and store with release order, which is all but this.
        let last = inst.op == Op::Store && arg.order == Order::Sequential;
        let plain = !arg.big_endian && !last;
        let offset = i64::from(arg.offset) as u64;
        let helpers = frontend.helpers();
        let (kind, imm) = match inst.op {
            Op::Load if plain => (
                Memory::Load {
                    ty: inst.ty,
                    sext: false,
                },
                offset,
            ),
            Op::Store if plain => (Memory::Store { ty: inst.ty }, offset),
            Op::Call => {
                if changes_state(helpers, inst) {
                    self.save_aliases(None)?;
                }
                (
                    Memory::Call,
                    inst.imm & 0xffff_ffff | u64::from(fourth) << 32,
                )
            }
            Op::TrapIf => (Memory::TrapIf, inst.imm),
            // How far the exit is away is known when the block ends.
            Op::SkipIf => (Memory::SkipIf, 0),
            Op::GetAt | Op::SetAt => {
                self.save_aliases(None)?;
                return self.slot_at(id, inst, words, args);
            }
            op if op.shape().effect == Effect::Float || op == Op::FClass => {
                let from = args.first().map_or(inst.ty, |arg| value_type(block, *arg));
                let flags = frontend.layout().fp_flags.0;
                self.save_aliases(Some((flags, NONE)))?;
                let flags = u64::from(flags);
                let imm = from as u64 | flags << 8 | u64::from(fourth) << 24;
                (Memory::Float { op, ty: inst.ty }, imm)
            }
            op => {
                // The reservation lives in slots.
                if matches!(op, Op::LoadRes | Op::StoreCond) {
                    self.save_aliases(None)?;
                }
                (Memory::Special { op, ty: inst.ty }, inst.imm)
            }
        };
        for arg in args {
            self.release(*arg);
        }
        if inst.op.has_result() {
            words[D] = self.temp()?;
            self.places[usize::from(id)] = Place::Word(words[D], value_type(block, id));
        }
        self.emit(Kind::Memory(kind), words, imm);
        Ok(())
    }

    fn slot_at(
        &mut self,
        id: Id,
        inst: &Inst,
        mut words: [u16; 4],
        args: &[Id],
    ) -> Result<(), TooLarge> {
        for arg in args {
            self.release(*arg);
        }
        let kind = if inst.op == Op::GetAt {
            words[D] = self.temp()?;
            self.places[usize::from(id)] = Place::Dirty(words[D]);
            if inst.ty == Type::I64 {
                self.places[usize::from(id)] = Place::Word(words[D], Type::I64);
            }
            Arithmetic::GetAt
        } else {
            // The whole slot is written.
            let value = self.places[usize::from(args[1])];
            if !matches!(value, Place::Word(_, clean) if clean <= inst.ty) {
                let (from, d) = (words[B], self.temp()?);
                let mask = inst.ty.mask();
                self.emit(Kind::Arithmetic(Arithmetic::Mask), [d, from, 0, 0], mask);
                words[B] = d;
            }
            Arithmetic::SetAt
        };
        self.emit(Kind::Arithmetic(kind), words, inst.imm);
        Ok(())
    }
}

fn changes_state(helpers: &[Helper], inst: &Inst) -> bool {
    helpers
        .get(inst.imm as usize)
        .is_none_or(|helper| helper.effects.writes)
}
