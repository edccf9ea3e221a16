//! Straight-line guest code as operations.

use crate::{Op, Type};

/// The number of the operation that makes a value.
pub type Id = u16;

/// No value.
pub const NONE: Id = Id::MAX;

/// The most operations a block may have.
// LIMIT: ids are 16 bits wide; a block of 64 instructions stays far below.
pub const MAX_INSTS: usize = 4096;

/// One operation at work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inst {
    /// Which operation.
    pub op: Op,
    /// The type it works in: of its result, or of what it stores, sets or compares.
    pub ty: Type,
    /// Its operands; unused ones are [`NONE`].
    pub args: [Id; 4],
    /// What is fixed when the code is written: see the operation's doc sentence.
    pub imm: u64,
}

/// What an operation does besides making a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing: it may be dropped, merged and moved.
    Pure,
    /// Reads guest state.
    Get,
    /// Writes guest state.
    Set,
    /// Reads or writes memory; may trap.
    Memory,
    /// Adds to the sticky floating-point flags.
    Float,
    /// May trap; has no other effect.
    Trap,
    /// Calls a helper, which has declared its effects.
    Helper,
    /// Marks the beginning of a guest instruction.
    Marker,
}

/// How a memory operation is ordered with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Order {
    /// As the host likes.
    Relaxed = 0,
    /// Later accesses stay later.
    Acquire = 1,
    /// Earlier accesses stay earlier.
    Release = 2,
    /// Both.
    AcquireRelease = 3,
    /// Part of one order that all CPUs agree on.
    Sequential = 4,
    /// x86: loads acquire, stores release.
    Tso = 5,
}

/// The fixed part of a memory operation, as it is packed into [`Inst::imm`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemArg {
    /// Added to the address operand.
    pub offset: i32,
    /// The ordering.
    pub order: Order,
    /// The guest's value is big-endian.
    pub big_endian: bool,
}

impl MemArg {
    /// A relaxed little-endian access with the CPU's own rights.
    #[must_use]
    pub const fn plain(offset: i32) -> Self {
        Self {
            offset,
            order: Order::Relaxed,
            big_endian: false,
        }
    }

    /// An access at the address itself, with this ordering.
    #[must_use]
    pub const fn ordered(order: Order) -> Self {
        Self {
            offset: 0,
            order,
            big_endian: false,
        }
    }

    /// The packed form.
    #[must_use]
    pub const fn pack(self) -> u64 {
        self.offset as u32 as u64 | (self.order as u64) << 32 | (self.big_endian as u64) << 40
    }

    /// From the packed form.
    #[must_use]
    pub const fn unpack(imm: u64) -> Self {
        let order = match imm >> 32 & 7 {
            0 => Order::Relaxed,
            1 => Order::Acquire,
            2 => Order::Release,
            3 => Order::AcquireRelease,
            5 => Order::Tso,
            _ => Order::Sequential,
        };
        let big_endian = imm >> 40 & 1 == 1;
        Self {
            offset: imm as u32 as i32,
            order,
            big_endian,
        }
    }
}

/// What a jump through a register most likely is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// Nothing is known.
    Plain,
    /// A call.
    Call,
    /// A return.
    Return,
}

/// How a block ends. Offsets are from the block's first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Goes on at a fixed place.
    Goto(i64),
    /// Goes on at one of two fixed places.
    Branch {
        /// The condition (an `i1`).
        cond: Id,
        /// Where to go if it holds.
        taken: i64,
        /// Where to go if not.
        fall: i64,
    },
    /// Goes on at an address that is a value (an `i64`).
    Jump {
        /// The address.
        target: Id,
        /// What it most likely is.
        hint: Hint,
    },
    /// Goes on at a fixed place, but what translations depend on may have changed: privilege,
    /// address space, mode bits, pending interrupts.
    Next(i64),
    /// A helper has set the program counter, and what translations depend on may have changed.
    Leave,
    /// Raises a trap at the last instruction.
    Trap {
        /// The guest's number of the exception.
        cause: u32,
        /// The value that goes with it (an `i64`).
        value: Id,
    },
}

/// Straight-line guest code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The operations, in order; an operation's number is the name of its value.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub end: End,
    /// How many guest instructions it holds.
    pub insns: u32,
    /// How many bytes of guest code it was made from.
    pub bytes: u32,
}

/// The length of a line, in bytes.
const LINE: u64 = 64;

impl Block {
    /// The guest instructions: number of the marker, offset and length in bytes.
    pub fn markers(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        self.insts
            .iter()
            .enumerate()
            .filter(|(_, inst)| inst.op == Op::Insn)
            .map(|(i, inst)| (i, inst.imm as u32, (inst.imm >> 32) as u32))
    }

    /// Whether an access stays in the 64 bytes that begin at its address without its offset, where
    /// that is known to be a multiple of 64: what is accessed there is on one page.
    #[must_use]
    pub fn stays_in_line(&self, inst: &Inst) -> bool {
        let made = |id: Id| self.insts.get(usize::from(id));
        let clears = |id: &Id| {
            let made = made(*id).filter(|made| made.op == Op::Const);
            made.is_some_and(|made| made.imm % LINE == 0)
        };
        let base = made(inst.args[0]).filter(|base| base.op == Op::And);
        let first = u64::try_from(MemArg::unpack(inst.imm).offset);
        let inside = first.is_ok_and(|first| first + inst.ty.bytes() <= LINE);
        inside && base.is_some_and(|base| base.args[..2].iter().any(clears))
    }

    /// The address behind the block, if it jumps and keeps that address, as calls do.
    #[must_use]
    pub fn kept_by_call(&self) -> Option<Id> {
        if !matches!(self.end, End::Goto(_) | End::Jump { .. }) {
            return None;
        }
        let behind = |id: &Id| {
            let made = self.insts.get(usize::from(*id));
            made.is_some_and(|made| made.op == Op::Pc && made.imm == u64::from(self.bytes))
        };
        self.insts.iter().find_map(|inst| match inst.op {
            Op::Set => Some(inst.args[0]).filter(behind),
            Op::Store => Some(inst.args[1]).filter(behind),
            _ => None,
        })
    }
}

impl Inst {
    /// The type of the value it makes; without a value, the type it works in.
    #[inline]
    #[must_use]
    pub const fn value_type(&self) -> Type {
        match self.op.result().of(self.ty) {
            Some(ty) => ty,
            None => self.ty,
        }
    }

    /// The operands that are used.
    pub fn operands(&self) -> impl Iterator<Item = Id> {
        self.args.into_iter().take_while(|id| *id != NONE)
    }
}
