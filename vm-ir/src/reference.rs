//! The reference run: what a block does, one operation after the other, with nothing clever.
//!
//! Engines are tested against it. Memory and helpers are [`Outside`]; the rest comes from the
//! operation table and from [`eval_float`].

use vm_core::Trap;

use crate::block::{Block, Effect, End, Id, Inst, MemArg, NONE};
use crate::float::{Flags, Rules};
use crate::{Layout, Op, SlotId, Type, eval_float};

/// What an access is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Reads and writes in one step.
    Atomic,
    /// Reads, and reserves what was read.
    Reserve,
}

/// What stands outside a block: memory and helpers.
pub trait Outside {
    /// Loads a value; zero-extended.
    fn load(&mut self, addr: u64, ty: Type, arg: MemArg) -> Result<u64, Trap>;

    /// Stores a value.
    fn store(&mut self, addr: u64, ty: Type, arg: MemArg, value: u64) -> Result<(), Trap>;

    /// Traps as the access would; the physical address.
    fn probe(&mut self, addr: u64, ty: Type, purpose: Purpose) -> Result<u64, Trap>;

    /// Calls the helper of this number for the instruction at `pc`.
    fn call(
        &mut self,
        helper: u32,
        slots: &mut [u64],
        pc: u64,
        args: [u64; 4],
    ) -> Result<u64, Trap>;
}

/// Why a run came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The block is done.
    Went,
    /// The block is done, and what translations depend on may have changed.
    Changed,
    /// An instruction trapped; it has left no trace in the state.
    Trap(Trap),
}

/// What came of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// How many guest instructions are done.
    pub insns: u32,
    /// Where the guest goes on; the address of the instruction that trapped.
    pub pc: u64,
    /// Why.
    pub stop: Stop,
}

/// No address is reserved.
const NO_RESERVATION: u64 = u64::MAX;

/// Runs a valid block that was entered at `pc` over `slots`.
pub fn run(
    block: &Block,
    layout: &Layout,
    rules: Rules,
    pc: u64,
    slots: &mut [u64],
    outside: &mut dyn Outside,
) -> Outcome {
    let mut run = Run {
        insts: &block.insts,
        values: Vec::with_capacity(block.insts.len()),
        layout,
        rules,
        entry: pc,
        insn: (0, 0),
        slots,
        outside,
    };
    for inst in &block.insts {
        if inst.op == Op::SkipIf && run.value(inst.args[0]) != 0 {
            return Outcome {
                insns: block.insns,
                pc: pc.wrapping_add(u64::from(block.bytes)),
                stop: Stop::Went,
            };
        }
        match run.step(inst) {
            Ok(value) => run.values.push(value),
            Err(trap) => return run.trapped(trap),
        }
    }
    let at = |offset: i64| pc.wrapping_add(offset as u64);
    let (pc, stop) = match block.end {
        End::Goto(offset) => (at(offset), Stop::Went),
        End::Branch { cond, taken, fall } => {
            let holds = run.value(cond) != 0;
            (at(if holds { taken } else { fall }), Stop::Went)
        }
        End::Jump { target, .. } => (run.value(target), Stop::Went),
        End::Next(offset) => (at(offset), Stop::Changed),
        End::Leave => (run.slot(u64::from(layout.pc.0)), Stop::Changed),
        End::Trap { cause, value } => return run.trapped(Trap::new(cause, run.value(value))),
    };
    Outcome {
        insns: block.insns,
        pc,
        stop,
    }
}

/// A run on its way.
struct Run<'a> {
    insts: &'a [Inst],
    values: Vec<u64>,
    layout: &'a Layout,
    rules: Rules,
    entry: u64,
    /// How many instructions have begun, and the offset of the last one.
    insn: (u32, u32),
    slots: &'a mut [u64],
    outside: &'a mut dyn Outside,
}

impl Run<'_> {
    fn value(&self, id: Id) -> u64 {
        self.values.get(usize::from(id)).copied().unwrap_or(0)
    }

    fn slot(&self, slot: u64) -> u64 {
        self.slots.get(slot as usize).copied().unwrap_or(0)
    }

    fn set(&mut self, slot: u64, value: u64) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = value;
        }
    }

    fn pc(&self) -> u64 {
        self.entry.wrapping_add(u64::from(self.insn.1))
    }

    fn trapped(&self, trap: Trap) -> Outcome {
        Outcome {
            insns: self.insn.0.saturating_sub(1),
            pc: self.pc(),
            stop: Stop::Trap(trap),
        }
    }

    /// The type of the first operand, which conversions start from.
    fn from(&self, inst: &Inst) -> Type {
        let operand = self.insts.get(usize::from(inst.args[0]));
        operand.map_or(Type::I64, Inst::value_type)
    }

    fn step(&mut self, inst: &Inst) -> Result<u64, Trap> {
        let args @ [a, b, c, _] = inst.args.map(|id| self.value(id));
        let (ty, imm) = (inst.ty, inst.imm);
        let group = (imm & 0xffff).wrapping_add(a & (imm >> 16).wrapping_sub(1));
        match inst.op.effect() {
            Effect::Pure if inst.op == Op::Pc => {
                return Ok(self.entry.wrapping_add(imm) & ty.mask());
            }
            Effect::Pure if inst.op != Op::FClass => {
                let value = inst.op.eval_imm(ty, self.from(inst), [a, b, c], imm);
                return Ok(value.expect("a pure operation has a meaning in the table"));
            }
            Effect::Pure | Effect::Float => return Ok(self.float(inst, args)),
            Effect::Get if inst.op == Op::Get => return Ok(self.slot(imm) & ty.mask()),
            Effect::Get => return Ok(self.slot(group) & ty.mask()),
            Effect::Set if inst.op == Op::Set => self.set(imm, a & ty.mask()),
            Effect::Set => self.set(group, b & ty.mask()),
            Effect::Memory => return self.memory(inst, args),
            Effect::Trap if inst.op == Op::TrapIf && a != 0 => {
                return Err(Trap::new(imm as u32, b));
            }
            Effect::Trap => {}
            Effect::Helper => {
                let pc = self.pc();
                return self.outside.call(imm as u32, self.slots, pc, args);
            }
            Effect::Marker => self.insn = (self.insn.0 + 1, imm as u32),
        }
        Ok(0)
    }

    fn float(&mut self, inst: &Inst, args: [u64; 4]) -> u64 {
        let slot = u64::from(self.layout.fp_flags.0);
        let sticky = self.slot(slot);
        let flags = Flags(sticky as u8);
        let out = eval_float(inst.op, inst.ty, self.from(inst), args, self.rules, flags)
            .expect("a floating-point operation has a meaning");
        if out.flags.0 != 0 {
            self.set(slot, sticky | u64::from(out.flags.0));
        }
        out.bits & inst.value_type().mask()
    }

    fn memory(&mut self, inst: &Inst, [a, b, c, _]: [u64; 4]) -> Result<u64, Trap> {
        let (ty, arg) = (inst.ty, MemArg::unpack(inst.imm));
        let addr = a.wrapping_add(i64::from(arg.offset) as u64);
        match inst.op {
            Op::Load => self.outside.load(addr, ty, arg),
            Op::Store => {
                self.outside.store(addr, ty, arg, b)?;
                Ok(0)
            }
            Op::LoadRes => {
                let physical = self.outside.probe(addr, ty, Purpose::Reserve)?;
                let value = self.outside.load(addr, ty, arg)?;
                self.reserve(physical, value, ty.bytes());
                Ok(value)
            }
            Op::StoreCond => {
                let physical = self.outside.probe(addr, ty, Purpose::Atomic)?;
                let [at, value, bytes] = self.reservation().map(|slot| self.slot(slot));
                let holds = at == physical
                    && bytes == ty.bytes()
                    && self.outside.load(addr, ty, arg)? == value;
                if holds {
                    self.outside.store(addr, ty, arg, b)?;
                }
                self.reserve(NO_RESERVATION, 0, 0);
                Ok(u64::from(holds))
            }
            Op::ProbeLoad | Op::ProbeStore => {
                let load = inst.op == Op::ProbeLoad;
                let purpose = if load { Purpose::Load } else { Purpose::Store };
                self.outside.probe(addr, ty, purpose)?;
                Ok(0)
            }
            Op::Fence => Ok(0),
            op => {
                self.outside.probe(addr, ty, Purpose::Atomic)?;
                let old = self.outside.load(addr, ty, arg)?;
                if let Some(new) = exchanged(op, ty, old, b, c) {
                    self.outside.store(addr, ty, arg, new)?;
                }
                Ok(old)
            }
        }
    }

    fn reservation(&self) -> [u64; 3] {
        let SlotId(first) = self.layout.reservation;
        [0, 1, 2].map(|i| u64::from(first) + i)
    }

    fn reserve(&mut self, physical: u64, value: u64, bytes: u64) {
        for (slot, value) in self.reservation().into_iter().zip([physical, value, bytes]) {
            self.set(slot, value);
        }
    }
}

/// What an atomic operation leaves in memory; `None` if it leaves it alone.
fn exchanged(op: Op, ty: Type, old: u64, b: u64, c: u64) -> Option<u64> {
    let meaning = match op {
        Op::Cas => return (old == b).then_some(c),
        Op::AmoSwap => return Some(b),
        Op::AmoAdd => Op::Add,
        Op::AmoAnd => Op::And,
        Op::AmoOr => Op::Or,
        Op::AmoXor => Op::Xor,
        Op::AmoMinS => Op::MinS,
        Op::AmoMaxS => Op::MaxS,
        Op::AmoMinU => Op::MinU,
        Op::AmoMaxU => Op::MaxU,
        _ => unreachable!("the table knows no other memory operation"),
    };
    meaning.eval(ty, ty, old, b, 0)
}

const _: () = assert!(NONE as usize > crate::block::MAX_INSTS);
