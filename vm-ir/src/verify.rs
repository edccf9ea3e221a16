//! Refuses blocks that an engine must not run.
//!
//! A frontend is trusted to write valid blocks, so engines verify in tests and debug builds only;
//! the passes and engines rely on what is checked here.

use thiserror::Error;

use crate::block::{Block, Effect, End, Id, Inst, MAX_INSTS, MemArg, NONE};
use crate::ops::Kind;
use crate::{Helper, Layout, Op, Type};

/// Why a block is not valid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    /// There are more operations than [`MAX_INSTS`].
    #[error("the block has {0} operations, more than {MAX_INSTS}")]
    TooLong(usize),
    /// The first operation is no marker.
    #[error("the block does not begin with an instruction")]
    NoInsn,
    /// An operand is made at the operation itself, behind it or not at all.
    #[error("v{0} is not made before")]
    Undefined(Id),
    /// An operand is an operation without a value.
    #[error("v{0} is no value")]
    NoValue(Id),
    /// Operands are missing, or there are too many.
    #[error("it takes {wants} operands, not {has}")]
    Count {
        /// How many the table says.
        wants: usize,
        /// How many there are.
        has: usize,
    },
    /// An operand has another type than the table says.
    #[error("v{id} is {has}, not {wants}")]
    Mismatch {
        /// The operand.
        id: Id,
        /// Its type.
        has: &'static str,
        /// What is wanted.
        wants: &'static str,
    },
    /// The operation does not work in this type.
    #[error("it does not work in {0}")]
    Width(&'static str),
    /// A conversion in the wrong direction.
    #[error("it does not lead from {0} to {1}")]
    Direction(&'static str, &'static str),
    /// A slot that the layout has not.
    #[error("there is no slot {0}")]
    Slot(u64),
    /// A group of slots whose size is no power of two.
    #[error("a group cannot have {0} slots")]
    Group(u64),
    /// A helper that the architecture has not.
    #[error("there is no helper {0}")]
    Helper(u64),
    /// The fixed part says something that the operation does not know.
    #[error("its fixed part cannot be {0:#x}")]
    Imm(u64),
    /// A trap would find state that the same instruction has changed.
    #[error("it may trap, but v{0} has changed state in the same instruction")]
    Torn(Id),
    /// An instruction does not begin where the one before ends.
    #[error("the instruction begins at +{has:#x}, not at +{wants:#x}")]
    Gap {
        /// Where the one before ends.
        wants: u64,
        /// Where it begins.
        has: u64,
    },
    /// An instruction follows one whose rest may be skipped.
    #[error("the instruction before may skip the rest of the block")]
    Skipped,
    /// The block's own counts are wrong.
    #[error("the block counts {insns} instructions of {bytes} bytes, its head says otherwise")]
    Counts {
        /// Counted instructions.
        insns: u32,
        /// Their bytes.
        bytes: u64,
    },
}

/// A fault and where it is.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {fault}")]
pub struct Invalid {
    /// The line in the text form: the head is line 1, operation `i` is line `i + 2`.
    pub line: usize,
    /// What is wrong there.
    #[source]
    pub fault: Fault,
}

/// Checks a block against the operation table, the layout and the invariants of the crate.
pub fn verify(block: &Block, layout: &Layout, helpers: &[Helper]) -> Result<(), Invalid> {
    let at = |line: usize| move |fault| Invalid { line, fault };
    let count = block.insts.len();
    if count > MAX_INSTS {
        return Err(at(1)(Fault::TooLong(count)));
    }
    let mut walk = Walk {
        insts: &block.insts,
        slots: layout.slots.len() as u64,
        helpers,
        insns: 0,
        bytes: 0,
        changed: None,
        skips: false,
    };
    for (i, inst) in block.insts.iter().enumerate() {
        walk.inst(i, inst).map_err(at(i + 2))?;
    }
    walk.end(&block.end).map_err(at(count + 2))?;
    let (insns, bytes) = (walk.insns, walk.bytes);
    if (block.insns, u64::from(block.bytes)) == (insns, bytes) {
        Ok(())
    } else {
        Err(at(1)(Fault::Counts { insns, bytes }))
    }
}

struct Walk<'a> {
    insts: &'a [Inst],
    slots: u64,
    helpers: &'a [Helper],
    insns: u32,
    bytes: u64,
    /// The first operation of the current instruction that changes guest state.
    changed: Option<Id>,
    /// Whether an operation may skip the rest of the block.
    skips: bool,
}

impl Walk<'_> {
    fn inst(&mut self, i: usize, inst: &Inst) -> Result<(), Fault> {
        if i == 0 && inst.op != Op::Insn {
            return Err(Fault::NoInsn);
        }
        self.operands(i, inst)?;
        width(inst)?;
        self.conversion(inst)?;
        self.fixed(inst)?;
        if self.may_trap(inst)
            && let Some(changed) = self.changed
        {
            return Err(Fault::Torn(changed));
        }
        self.skips |= inst.op == Op::SkipIf;
        if inst.op == Op::Insn {
            self.marker(inst)?;
        } else if self.changes_state(inst) {
            self.changed.get_or_insert(i as Id);
        }
        Ok(())
    }

    fn operands(&self, i: usize, inst: &Inst) -> Result<(), Fault> {
        let wants = inst.op.shape().args;
        let has = inst.operands().count();
        let rest = inst.args[has..].iter().all(|id| *id == NONE);
        let few = inst.op == Op::Call && has <= wants.len();
        if !rest || (has != wants.len() && !few) {
            let has = inst.args.iter().filter(|id| **id != NONE).count();
            let wants = wants.len();
            return Err(Fault::Count { wants, has });
        }
        for (&id, kind) in inst.args.iter().zip(wants).take(has) {
            self.operand(i, id, kind.of(inst.ty))?;
        }
        Ok(())
    }

    fn operand(&self, i: usize, id: Id, wants: Option<Type>) -> Result<(), Fault> {
        let made = self.insts[..i].get(usize::from(id));
        let made = made.ok_or(Fault::Undefined(id))?;
        if !made.op.has_result() {
            return Err(Fault::NoValue(id));
        }
        let has = made.value_type();
        match wants {
            Some(wants) if wants != has => Err(Fault::Mismatch {
                id,
                has: has.name(),
                wants: wants.name(),
            }),
            _ => Ok(()),
        }
    }

    fn conversion(&self, inst: &Inst) -> Result<(), Fault> {
        if inst.op.shape().args.first() != Some(&Kind::Any) {
            return Ok(());
        }
        let from = self.insts[usize::from(inst.args[0])].value_type();
        let to = inst.ty;
        let right = match inst.op {
            Op::Zext | Op::Sext => from < to,
            Op::Trunc => from > to,
            Op::FConvert => is_float(from) && is_float(to) && from != to,
            Op::FToS | Op::FToU => is_float(from) && to > Type::I1,
            Op::SToF | Op::UToF => from > Type::I1 && is_float(to),
            _ => true,
        };
        if right {
            Ok(())
        } else {
            Err(Fault::Direction(from.name(), to.name()))
        }
    }

    fn fixed(&self, inst: &Inst) -> Result<(), Fault> {
        let imm = inst.imm;
        let refuse = |wrong: bool| {
            if wrong { Err(Fault::Imm(imm)) } else { Ok(()) }
        };
        match inst.op {
            Op::Const => refuse(imm & !inst.ty.mask() != 0),
            Op::Pc | Op::Insn => Ok(()),
            Op::Extract | Op::Deposit => {
                let (from, bits) = (imm & 0xff, imm >> 8);
                refuse(bits == 0 || from.saturating_add(bits) > u64::from(inst.ty.bits()))
            }
            Op::Get | Op::Set if imm < self.slots => Ok(()),
            Op::Get | Op::Set => Err(Fault::Slot(imm)),
            Op::GetAt | Op::SetAt => {
                let (first, count) = (imm & 0xffff, imm >> 16);
                if !count.is_power_of_two() {
                    return Err(Fault::Group(count));
                }
                let end = first.saturating_add(count);
                if end > self.slots {
                    return Err(Fault::Slot(end - 1));
                }
                Ok(())
            }
            Op::Fence => refuse(imm > 5),
            Op::Call if imm < self.helpers.len() as u64 => Ok(()),
            Op::Call => Err(Fault::Helper(imm)),
            Op::TrapIf => refuse(imm > u64::from(u32::MAX)),
            op if op.effect() == Effect::Memory => refuse(MemArg::unpack(imm).pack() != imm),
            _ => refuse(imm != 0),
        }
    }

    fn effects(&self, inst: &Inst) -> Option<crate::Effects> {
        let helper = usize::try_from(inst.imm).ok()?;
        self.helpers.get(helper).map(|helper| helper.effects)
    }

    fn may_trap(&self, inst: &Inst) -> bool {
        match inst.op.effect() {
            Effect::Memory => inst.op != Op::Fence,
            Effect::Trap => true,
            Effect::Helper => self.effects(inst).is_none_or(|effects| effects.traps),
            _ => false,
        }
    }

    /// Memory is not counted: an instruction with two stores has none of its state changed
    /// between them, and what architectures say of the first one differs.
    fn changes_state(&self, inst: &Inst) -> bool {
        match inst.op.effect() {
            Effect::Set | Effect::Float => true,
            Effect::Memory => matches!(inst.op, Op::LoadRes | Op::StoreCond),
            Effect::Helper => self.effects(inst).is_none_or(|effects| effects.writes),
            _ => false,
        }
    }

    fn marker(&mut self, inst: &Inst) -> Result<(), Fault> {
        if self.skips {
            return Err(Fault::Skipped);
        }
        let (has, bytes) = (inst.imm & 0xffff_ffff, inst.imm >> 32);
        let wants = self.bytes;
        if has != wants {
            return Err(Fault::Gap { wants, has });
        }
        self.bytes += bytes;
        self.insns += 1;
        self.changed = None;
        Ok(())
    }

    fn end(&self, end: &End) -> Result<(), Fault> {
        let count = self.insts.len();
        match *end {
            End::Branch { cond, .. } => self.operand(count, cond, Some(Type::I1)),
            End::Jump { target, .. } => self.operand(count, target, Some(Type::I64)),
            End::Trap { value, .. } => {
                self.operand(count, value, Some(Type::I64))?;
                self.changed.map_or(Ok(()), |id| Err(Fault::Torn(id)))
            }
            End::Goto(_) | End::Next(_) | End::Leave => Ok(()),
        }
    }
}

const fn is_float(ty: Type) -> bool {
    matches!(ty, Type::I16 | Type::I32 | Type::I64)
}

/// Whether the operation works in its type.
fn width(inst: &Inst) -> Result<(), Fault> {
    let ty = inst.ty;
    let shape = inst.op.shape();
    let right = match inst.op {
        Op::BSwap | Op::OrBytes => ty >= Type::I8,
        Op::SToF | Op::UToF | Op::FClass => is_float(ty),
        Op::FToS | Op::FToU => true,
        Op::Pc | Op::Call | Op::TrapIf | Op::SkipIf | Op::Insn | Op::Fence => ty == Type::I64,
        _ if shape.effect == Effect::Float => is_float(ty),
        _ if shape.effect == Effect::Memory => ty >= Type::I8,
        _ => true,
    };
    if right {
        Ok(())
    } else {
        Err(Fault::Width(ty.name()))
    }
}

#[cfg(test)]
mod tests {
    use vm_core::Entropy;

    use super::*;
    use crate::sample::{self, HELPERS};

    /// One instruction that adds a slot to itself.
    fn block() -> Block {
        let inst = |op, args: &[Id], imm| {
            let mut all = [NONE; 4];
            all[..args.len()].copy_from_slice(args);
            let ty = Type::I64;
            let args = all;
            Inst { op, ty, args, imm }
        };
        Block {
            insts: vec![
                inst(Op::Insn, &[], 4 << 32),
                inst(Op::Get, &[], 1),
                inst(Op::Add, &[1, 1], 0),
                inst(Op::Set, &[2], 1),
            ],
            end: End::Goto(4),
            insns: 1,
            bytes: 4,
        }
    }

    fn check(spoil: impl FnOnce(&mut Block), said: &str) {
        let mut block = block();
        spoil(&mut block);
        let found = verify(&block, &sample::layout(), HELPERS);
        let found = found.map_or_else(|invalid| invalid.to_string(), |()| "fine".to_owned());
        assert_eq!(found, said);
    }

    #[test]
    fn what_no_text_can_say_is_refused() {
        check(|_| {}, "fine");
        check(|b| b.insts[2].args[0] = 2, "line 4: v2 is not made before");
        check(|b| b.insts[2].args[1] = 3, "line 4: v3 is not made before");
        check(
            |b| b.insts[2].args[0] = 900,
            "line 4: v900 is not made before",
        );
        check(|b| b.insts[2].args[0] = 0, "line 4: v0 is no value");
        check(
            |b| b.insts[2].args[3] = 1,
            "line 4: it takes 2 operands, not 3",
        );
        check(
            |b| b.insts[2].args[0] = NONE,
            "line 4: it takes 2 operands, not 1",
        );
        check(
            |b| b.insts[2].imm = 7,
            "line 4: its fixed part cannot be 0x7",
        );
        check(
            |b| b.insts[0].ty = Type::I8,
            "line 2: it does not work in i8",
        );
        check(
            |b| b.insts[1].imm = 1 << 40,
            "line 3: there is no slot 1099511627776",
        );
        check(
            |b| b.end = End::Trap { cause: 1, value: 3 },
            "line 6: v3 is no value",
        );
        check(
            |b| b.insts.resize(MAX_INSTS + 1, b.insts[1]),
            "line 1: the block has 4097 operations, more than 4096",
        );
        check(|b| b.insts.resize(MAX_INSTS, b.insts[1]), "fine");
        check(
            |b| {
                b.insts[1].op = Op::Load;
                b.insts[1].args[0] = 0;
            },
            "line 3: v0 is no value",
        );
        check(
            |b| {
                b.insts[3].op = Op::Load;
                b.insts[3].imm = 1 << 41;
            },
            "line 5: its fixed part cannot be 0x20000000000",
        );
    }

    /// Changes one operand somewhere to any number: either the block stays valid, or it is
    /// refused; it is never a panic.
    #[test]
    fn spoilt_operands_never_panic() {
        let layout = sample::layout();
        let mut refused = 0;
        for seed in 0..4_000 {
            let mut random = Entropy::new(seed);
            let mut block = sample::block(&mut random, 4);
            let mut next = |bound: usize| random.next_u64() as usize % bound;
            let count = block.insts.len();
            let inst = &mut block.insts[next(count)];
            match next(4) {
                0 => inst.args[next(4)] = next(count + 2) as Id,
                1 => inst.imm ^= 1 << next(64),
                2 => inst.ty = Type::ALL[next(5)],
                _ => inst.op = Op::ALL[next(Op::ALL.len())],
            }
            refused += u32::from(verify(&block, &layout, HELPERS).is_err());
        }
        assert!(refused > 2_000, "only {refused} refused");
    }
}
