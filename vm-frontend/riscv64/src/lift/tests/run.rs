//! A hart for tests: bare slots, a handful of bytes, helpers that only take note.

use std::collections::HashMap;

use vm_core::Trap;
use vm_ir::float::RISCV;
use vm_ir::reference::{self, Outside, Purpose, Stop};
use vm_ir::{Block, MemArg, Op, Type, verify};

use crate::helpers::HELPERS;
use crate::slots::{SLOTS, layout};

/// A hart, and what a block left behind.
#[derive(Default)]
pub struct Hart {
    pub slots: Vec<u64>,
    pub outside: World,
    pub trap: Option<(u32, u64)>,
    /// Where it goes on, unless a helper or a trap decides.
    pub pc: Option<u64>,
    /// The block asks for a new look at the world.
    pub fresh: bool,
    /// The orders of its fences.
    pub fences: Vec<u64>,
}

/// Memory, and the helpers called, with their operands.
#[derive(Default, PartialEq, Debug)]
pub struct World {
    memory: HashMap<u64, u8>,
    pub calls: Vec<(u32, [u64; 4])>,
}

/// What every helper answers.
const ANSWER: u64 = 0x1234;

impl Hart {
    pub fn new() -> Self {
        Self {
            slots: vec![0; SLOTS],
            ..Self::default()
        }
    }

    /// Runs a block that stands at `pc`.
    pub fn run(&mut self, block: &Block, pc: u64) {
        let layout = layout();
        verify::verify(block, &layout, &HELPERS).expect("rows write valid blocks");
        let fences = block.insts.iter().filter(|inst| inst.op == Op::Fence);
        self.fences.extend(fences.map(|inst| inst.imm));
        let outside = &mut self.outside;
        let out = reference::run(block, &layout, RISCV, pc, &mut self.slots, outside);
        match out.stop {
            Stop::Trap(trap) => self.trap = Some((trap.cause, trap.value)),
            stop => (self.pc, self.fresh) = (Some(out.pc), stop == Stop::Changed),
        }
    }
}

impl World {
    pub fn write(&mut self, addr: u64, bytes: u64, value: u64) {
        for i in 0..bytes {
            let byte = (value >> (8 * i)) as u8;
            self.memory.insert(addr.wrapping_add(i), byte);
        }
    }

    fn read(&self, addr: u64, bytes: u64, cause: u32) -> Result<u64, Trap> {
        let byte = |i| self.memory.get(&addr.wrapping_add(i)).copied();
        (0..bytes)
            .try_fold(0, |sum, i| Some(sum | u64::from(byte(i)?) << (8 * i)))
            .ok_or(Trap::new(cause, addr))
    }
}

impl Outside for World {
    fn load(&mut self, addr: u64, ty: Type, _: MemArg) -> Result<u64, Trap> {
        self.read(addr, ty.bytes(), 13)
    }

    fn store(&mut self, addr: u64, ty: Type, _: MemArg, value: u64) -> Result<(), Trap> {
        self.read(addr, ty.bytes(), 15)?;
        self.write(addr, ty.bytes(), value);
        Ok(())
    }

    fn probe(&mut self, addr: u64, ty: Type, purpose: Purpose) -> Result<u64, Trap> {
        let reads = matches!(purpose, Purpose::Load | Purpose::Reserve);
        let cause = if reads { 13 } else { 15 };
        self.read(addr, ty.bytes(), cause).map(|_| addr)
    }

    fn call(&mut self, helper: u32, _: &mut [u64], _: u64, args: [u64; 4]) -> Result<u64, Trap> {
        self.calls.push((helper, args));
        Ok(ANSWER)
    }
}
