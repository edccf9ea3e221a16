//! The lifter itself: registers, flags, conditions.

use vm_ir::Type::{I1, I32, I64};
use vm_ir::{Builder, Hint, Op, SlotId, Type, Val};

use crate::slots;

/// A general register by its number; 31 is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gpr(pub u8);

/// A general register by its number; 31 is the stack pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spr(pub u8);

/// A condition by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cond(pub u8);

/// How a second operand is shifted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// To the left.
    Lsl,
    /// To the right, zeroes coming in.
    Lsr,
    /// To the right, the sign coming in.
    Asr,
    /// Turned right.
    Ror,
}

impl Shift {
    /// The shift of this number.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number & 3 {
            0 => Self::Lsl,
            1 => Self::Lsr,
            2 => Self::Asr,
            _ => Self::Ror,
        }
    }
}

/// The register for return addresses.
pub const LR: Gpr = Gpr(30);

/// Writes the operations of guest instructions, one after the other.
#[derive(Debug)]
pub struct Lift<'a> {
    pub(super) out: &'a Builder,
}

impl<'a> Lift<'a> {
    /// A lifter that writes into `out`.
    #[must_use]
    pub fn new(out: &'a Builder) -> Self {
        Self { out }
    }

    /// A constant.
    #[must_use]
    pub fn imm(&self, ty: Type, value: u64) -> Val<'a> {
        self.out.constant(ty, value)
    }

    /// The low bits of a general register.
    #[must_use]
    pub fn r(&self, ty: Type, r: Gpr) -> Val<'a> {
        if r.0 == 31 {
            self.out.constant(ty, 0)
        } else {
            self.out.get(ty, SlotId(slots::X.0 + u16::from(r.0)))
        }
    }

    /// A general register.
    #[must_use]
    pub fn x(&self, r: Gpr) -> Val<'a> {
        self.r(I64, r)
    }

    /// The low word of a general register.
    #[must_use]
    pub fn w(&self, r: Gpr) -> Val<'a> {
        self.r(I32, r)
    }

    /// The low bits of a general register or the stack pointer.
    #[must_use]
    pub fn sp(&self, ty: Type, r: Spr) -> Val<'a> {
        // The stack pointer's slot stands behind those of the others.
        self.out.get(ty, SlotId(slots::X.0 + u16::from(r.0)))
    }

    /// Writes a general register, zero-extended; what is written to 31 is lost.
    pub fn set(&self, r: Gpr, value: Val<'a>) {
        if r.0 != 31 {
            self.out.set(SlotId(slots::X.0 + u16::from(r.0)), value);
        }
    }

    /// Writes a general register or the stack pointer, zero-extended.
    pub fn set_sp(&self, r: Spr, value: Val<'a>) {
        self.out.set(SlotId(slots::X.0 + u16::from(r.0)), value);
    }

    /// The flags as truth values: N, Z, C, V.
    #[must_use]
    pub fn flags(&self) -> [Val<'a>; 4] {
        [slots::N, slots::Z, slots::C, slots::V].map(|slot| self.out.get(I1, slot))
    }

    /// Writes the flags: N, Z, C, V.
    pub fn set_flags(&self, flags: [Val<'a>; 4]) {
        for (slot, flag) in [slots::N, slots::Z, slots::C, slots::V]
            .into_iter()
            .zip(flags)
        {
            self.out.set(slot, flag);
        }
    }

    fn flag(&self, slot: SlotId) -> Val<'a> {
        self.out.get(I1, slot)
    }

    /// Whether a condition holds.
    #[must_use]
    pub fn holds(&self, cond: Cond) -> Val<'a> {
        let truth = match cond.0 >> 1 {
            0 => self.flag(slots::Z),
            1 => self.flag(slots::C),
            2 => self.flag(slots::N),
            3 => self.flag(slots::V),
            4 => self.flag(slots::C).andnot(self.flag(slots::Z)),
            5 => self.flag(slots::N).eq(self.flag(slots::V)),
            6 => self
                .flag(slots::N)
                .eq(self.flag(slots::V))
                .andnot(self.flag(slots::Z)),
            _ => return self.imm(I1, 1),
        };
        if cond.0 & 1 == 1 { !truth } else { truth }
    }

    /// The second if the condition holds, else the third.
    #[must_use]
    pub fn select(&self, cond: Cond, yes: Val<'a>, no: Val<'a>) -> Val<'a> {
        self.out.select(self.holds(cond), yes, no)
    }

    /// The address of the current instruction plus a constant.
    #[must_use]
    pub fn pc(&self, offset: i64) -> Val<'a> {
        self.out.pc(offset)
    }

    /// The address of the current instruction's page plus a constant.
    #[must_use]
    pub fn page(&self, offset: i64) -> Val<'a> {
        (self.out.pc(0) & !0xfff) + offset
    }

    /// Ends the block with a jump by a distance.
    pub fn goto(&self, distance: i64) {
        self.out.goto(distance);
    }

    /// Ends the block with a jump by a distance, and writes the address of the next instruction.
    pub fn call(&self, distance: i64) {
        self.set(LR, self.pc(4));
        self.out.goto(distance);
    }

    /// Ends the block with a jump by a distance if the condition holds.
    pub fn branch(&self, cond: Val<'a>, distance: i64) {
        self.out.branch(cond, distance);
    }

    /// Whether a value is zero.
    #[must_use]
    pub fn is_zero(&self, value: Val<'a>) -> Val<'a> {
        value.eq(self.imm(value.ty, 0))
    }

    /// Whether a bit is set.
    #[must_use]
    pub fn bit(&self, value: Val<'a>, bit: u32) -> Val<'a> {
        value.extract(bit, 1).trunc(I1)
    }

    /// Ends the block with a jump to a register.
    pub fn jump(&self, target: Gpr, hint: Hint) {
        self.out.jump(self.x(target), hint);
    }

    /// Ends the block with a jump to a register, and writes the address of the next instruction.
    pub fn jump_and_link(&self, target: Gpr) {
        let to = self.x(target);
        self.set(LR, self.pc(4));
        self.out.jump(to, Hint::Call);
    }

    /// Does nothing.
    pub fn nothing(&self) {}

    pub(super) fn op(&self, op: Op, ty: Type, args: &[Val<'a>]) -> Val<'a> {
        self.out.op(op, ty, args)
    }
}
