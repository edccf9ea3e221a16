//! From guest code to operations: the lifter that rows write with, and the loop over a block.
//!
//! [`Lift`] is the `t` of a row's meaning. Its parts: operands, flags, then one file a group of
//! instructions that share more than an operand or two.

mod arithmetic;
mod bits;
mod block;
mod control;
mod flags;
mod multiply;
mod operand;
mod shift;
mod string;

use std::cell::Cell;

use iced_x86::Instruction;
use vm_ir::Type::{I1, I8, I16, I32, I64};
use vm_ir::{Builder, MemArg, Order, SlotId, Type, Val};

use crate::trap;

pub use bits::Change;
pub use block::lift;
pub use flags::Condition;
pub use shift::Way;

/// How every plain access is ordered.
const TSO: MemArg = MemArg::ordered(Order::Tso);

/// Writes the operations of one guest instruction.
pub struct Lift<'a> {
    out: &'a Builder,
    /// The instruction, decoded as if it stood at address 0.
    insn: Instruction,
    /// Whether a locked update must be tried again, so that flags keep their values.
    again: Cell<Option<Val<'a>>>,
}

impl<'a> Lift<'a> {
    /// A lifter of this instruction.
    pub(crate) fn new(out: &'a Builder, insn: Instruction) -> Self {
        Self {
            out,
            insn,
            again: Cell::new(None),
        }
    }

    /// The instruction.
    #[must_use]
    pub fn insn(&self) -> &Instruction {
        &self.insn
    }

    /// A constant.
    #[must_use]
    pub fn constant(&self, ty: Type, value: u64) -> Val<'a> {
        self.out.constant(ty, value)
    }

    /// What does not hold.
    #[must_use]
    pub fn no(&self) -> Val<'a> {
        self.out.constant(I1, 0)
    }

    /// What holds.
    #[must_use]
    pub fn yes(&self) -> Val<'a> {
        self.out.constant(I1, 1)
    }

    /// The second if the condition holds, else the third.
    #[must_use]
    pub fn select(&self, cond: Val<'a>, yes: Val<'a>, no: Val<'a>) -> Val<'a> {
        self.out.select(cond, yes, no)
    }

    /// The value cut or zero-extended to a type.
    #[must_use]
    pub fn fit(&self, value: Val<'a>, ty: Type) -> Val<'a> {
        if value.ty > ty {
            value.trunc(ty)
        } else {
            value.zext(ty)
        }
    }

    fn get(&self, ty: Type, slot: SlotId) -> Val<'a> {
        self.out.get(ty, slot)
    }

    /// Does nothing.
    pub fn nothing(&self) {}

    /// Ends the block with an exception.
    pub fn raise(&self, cause: u32) {
        self.out.trap(cause, self.constant(I64, 0));
    }

    /// Ends the block: the instruction is none, or none that is known here.
    pub fn invalid(&self) {
        self.raise(trap::INVALID_OPCODE);
    }
}

/// The type of a number of bytes; wider ones do not occur in integer instructions.
const fn type_of(bytes: usize) -> Type {
    match bytes {
        1 => I8,
        2 => I16,
        4 => I32,
        _ => I64,
    }
}
