//! A run of one block on bare slots and a handful of bytes, straight from the operation table.

use std::collections::HashMap;

use vm_ir::Type::I64;
use vm_ir::float::{Flags, RISCV};
use vm_ir::{Block, End, Id, Inst, MemArg, Op, Type, eval_float};

use crate::slots::{FFLAGS, SLOTS};

/// What the block left behind.
#[derive(Default)]
pub struct Hart {
    pub slots: Vec<u64>,
    pub memory: HashMap<u64, u8>,
    /// Helpers called, with the operands that were given.
    pub calls: Vec<(u32, Vec<u64>)>,
    pub trap: Option<(u32, u64)>,
    /// Where it goes on, unless a helper or a trap decides.
    pub pc: Option<u64>,
    /// The block asks for a new look at the world.
    pub fresh: bool,
    pub fences: Vec<u64>,
    pub reserved: Option<u64>,
}

/// What every helper answers.
pub const ANSWER: u64 = 0x1234;

impl Hart {
    pub fn new() -> Self {
        Self {
            slots: vec![0; SLOTS],
            ..Self::default()
        }
    }

    pub fn read(&self, addr: u64, bytes: u64) -> Option<u64> {
        let byte = |i| self.memory.get(&addr.wrapping_add(i)).copied();
        (0..bytes).try_fold(0, |sum, i| Some(sum | u64::from(byte(i)?) << (8 * i)))
    }

    pub fn write(&mut self, addr: u64, bytes: u64, value: u64) {
        for i in 0..bytes {
            self.memory
                .insert(addr.wrapping_add(i), (value >> (8 * i)) as u8);
        }
    }

    /// Runs a block that stands at `pc`; also holds the rule that nothing is set before an
    /// operation of the same instruction that may trap.
    pub fn run(&mut self, block: &Block, pc: u64) {
        let mut values = vec![0_u64; block.insts.len()];
        let mut types = vec![I64; block.insts.len()];
        let mut set = false;
        for (i, inst) in block.insts.iter().enumerate() {
            types[i] = inst.op.shape().result.of(inst.ty).unwrap_or(inst.ty);
            match inst.op {
                Op::Insn => set = false,
                Op::Set => set = true,
                Op::TrapIf | Op::Load | Op::Store | Op::LoadRes | Op::StoreCond => {
                    assert!(!set, "{:?} behind a set", inst.op);
                }
                _ => {}
            }
            let args: Vec<u64> = inst.operands().map(|id| values[usize::from(id)]).collect();
            let from = inst
                .operands()
                .next()
                .map_or(I64, |id| types[usize::from(id)]);
            values[i] = self.step(inst, &args, from, pc);
            if self.trap.is_some() {
                return;
            }
        }
        self.finish(block.end, &values, pc);
    }

    fn finish(&mut self, end: End, values: &[u64], pc: u64) {
        let value = |id: Id| values[usize::from(id)];
        let at = |offset: i64| Some(pc.wrapping_add(offset as u64));
        match end {
            End::Goto(offset) => self.pc = at(offset),
            End::Branch { cond, taken, fall } => {
                self.pc = at(if value(cond) == 1 { taken } else { fall });
            }
            End::Jump { target, .. } => self.pc = Some(value(target)),
            End::Next(offset) => (self.pc, self.fresh) = (at(offset), true),
            End::Leave => self.fresh = true,
            End::Trap { cause, value: v } => self.trap = Some((cause, value(v))),
        }
    }

    fn step(&mut self, inst: &Inst, args: &[u64], from: Type, pc: u64) -> u64 {
        let arg = |i: usize| args.get(i).copied().unwrap_or(0);
        let slot = inst.imm as usize;
        match inst.op {
            Op::Insn => 0,
            Op::Pc => pc.wrapping_add(inst.imm),
            Op::Get => self.slots[slot] & inst.ty.mask(),
            Op::Set => {
                self.slots[slot] = arg(0);
                0
            }
            Op::TrapIf => {
                if arg(0) == 1 {
                    self.trap = Some((inst.imm as u32, arg(1)));
                }
                0
            }
            Op::Call => {
                self.calls.push((inst.imm as u32, args.to_vec()));
                ANSWER
            }
            Op::Fence => {
                self.fences.push(inst.imm);
                0
            }
            op if op.shape().effect == vm_ir::Effect::Memory => self.access(inst, args),
            op => {
                let three = [arg(0), arg(1), arg(2)];
                if let Some(value) = op.eval_imm(inst.ty, from, three, inst.imm) {
                    return value;
                }
                let four = [arg(0), arg(1), arg(2), arg(3)];
                let sticky = Flags(self.slots[usize::from(FFLAGS.0)] as u8);
                if op == Op::FClass {
                    return eval_float(op, inst.ty, from, four, RISCV, sticky)
                        .map_or(0, |out| out.bits);
                }
                let out = eval_float(op, inst.ty, from, four, RISCV, sticky).expect("an operation");
                self.slots[usize::from(FFLAGS.0)] |= u64::from(out.flags.0);
                out.bits
            }
        }
    }

    fn access(&mut self, inst: &Inst, args: &[u64]) -> u64 {
        let ty = inst.ty;
        let addr = args[0].wrapping_add(MemArg::unpack(inst.imm).offset as u64);
        let Some(old) = self.read(addr, ty.bytes()) else {
            let store = !matches!(inst.op, Op::Load | Op::LoadRes | Op::ProbeLoad);
            self.trap = Some((if store { 15 } else { 13 }, addr));
            return 0;
        };
        let value = args.get(1).copied().unwrap_or(0);
        let (pure, result) = match inst.op {
            Op::Load => return old,
            Op::LoadRes => {
                self.reserved = Some(addr);
                return old;
            }
            Op::ProbeLoad | Op::ProbeStore => return 0,
            Op::Store => {
                return {
                    self.write(addr, ty.bytes(), value);
                    0
                };
            }
            Op::StoreCond => {
                let good = self.reserved.take() == Some(addr);
                if good {
                    self.write(addr, ty.bytes(), value);
                }
                return u64::from(good);
            }
            Op::AmoSwap => {
                return {
                    self.write(addr, ty.bytes(), value);
                    old
                };
            }
            Op::AmoAdd => (Op::Add, old),
            Op::AmoAnd => (Op::And, old),
            Op::AmoOr => (Op::Or, old),
            Op::AmoXor => (Op::Xor, old),
            Op::AmoMinS => (Op::MinS, old),
            Op::AmoMaxS => (Op::MaxS, old),
            Op::AmoMinU => (Op::MinU, old),
            Op::AmoMaxU => (Op::MaxU, old),
            op => panic!("no row uses {op:?}"),
        };
        let new = pure.eval(ty, ty, old, value, 0).expect("a pure operation");
        self.write(addr, ty.bytes(), new);
        result
    }
}
