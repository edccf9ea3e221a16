//! The lifter itself: registers, memory, jumps, fences, illegal instructions.

use std::cell::Cell;

use vm_ir::Type::{I32, I64};
use vm_ir::{Builder, End, MemArg, Op, Order, SlotId, Type, Val};

use crate::isa::jump_hint;
use crate::slots::{self, Mode};
use crate::trap::cause;

/// An integer register by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Xpr(pub u8);

/// A floating-point register by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fpr(pub u8);

/// The register that is zero.
pub const ZERO: Xpr = Xpr(0);
/// The register for return addresses.
pub const RA: Xpr = Xpr(1);
/// The stack pointer.
pub const SP: Xpr = Xpr(2);

/// Writes the operations of guest instructions, one after the other.
#[derive(Debug)]
pub struct Lift<'a> {
    pub(super) out: &'a Builder,
    /// The mode that the code runs in.
    pub mode: Mode,
    /// The encoding of the current instruction; its trap value if it is illegal.
    pub(super) insn: Cell<u32>,
    /// Whether the dynamic rounding mode is known to be valid.
    pub(super) frm_valid: Cell<bool>,
    /// Whether the current instruction has made the floating-point state dirty.
    pub(super) dirtied: Cell<bool>,
    /// What the block has made sure of, where the mode does not say it: that floating point is
    /// on, and that its state is dirty.
    pub(super) float_known: Cell<(bool, bool)>,
    /// The registers known to hold a boxed single or a boxed half.
    pub(super) boxed: [Cell<u32>; 2],
}

impl<'a> Lift<'a> {
    /// A lifter that writes into `out`.
    #[must_use]
    pub fn new(out: &'a Builder, mode: Mode) -> Self {
        Self {
            out,
            mode,
            insn: Cell::new(0),
            frm_valid: Cell::new(false),
            dirtied: Cell::new(false),
            float_known: Cell::new((false, false)),
            boxed: [Cell::new(0), Cell::new(0)],
        }
    }

    /// A constant.
    #[must_use]
    pub fn imm(&self, value: i64) -> Val<'a> {
        self.out.imm(value)
    }

    /// A 32-bit constant.
    #[must_use]
    pub fn imm_w(&self, value: i64) -> Val<'a> {
        self.out.constant(I32, value as u64)
    }

    /// An integer register.
    #[must_use]
    pub fn x(&self, r: Xpr) -> Val<'a> {
        self.x_as(I64, r)
    }

    /// The low word of an integer register.
    #[must_use]
    pub fn w(&self, r: Xpr) -> Val<'a> {
        self.x_as(I32, r)
    }

    /// The low bits of an integer register.
    #[must_use]
    pub fn x_as(&self, ty: Type, r: Xpr) -> Val<'a> {
        if r == ZERO {
            self.out.constant(ty, 0)
        } else {
            self.out.get(ty, x_slot(r))
        }
    }

    /// An integer register plus a constant.
    #[must_use]
    pub fn x_plus(&self, r: Xpr, value: i64) -> Val<'a> {
        match (r, value) {
            (ZERO, _) => self.imm(value),
            (_, 0) => self.x(r),
            _ => self.x(r) + value,
        }
    }

    /// The low word of an integer register plus a constant.
    #[must_use]
    pub fn w_plus(&self, r: Xpr, value: i64) -> Val<'a> {
        match (r, value) {
            (ZERO, _) => self.imm_w(value),
            (_, 0) => self.w(r),
            _ => self.w(r) + value,
        }
    }

    /// Writes an integer register; what is written to `x0` is lost.
    pub fn set_x(&self, r: Xpr, value: Val<'a>) {
        if r != ZERO {
            self.out.set(x_slot(r), value);
        }
    }

    /// Writes an integer register with a word, sign-extended.
    pub fn set_w(&self, r: Xpr, value: Val<'a>) {
        if r != ZERO {
            self.out.set(x_slot(r), value.sext(I64));
        }
    }

    /// The second if the condition holds, else the third.
    #[must_use]
    pub fn select(&self, cond: Val<'a>, yes: Val<'a>, no: Val<'a>) -> Val<'a> {
        self.out.select(cond, yes, no)
    }

    /// Loads from a register plus a constant.
    #[must_use]
    pub fn load(&self, ty: Type, base: Xpr, offset: i64) -> Val<'a> {
        self.out
            .load(ty, self.x(base), MemArg::plain(offset as i32))
    }

    /// Stores to a register plus a constant.
    pub fn store(&self, base: Xpr, offset: i64, value: Val<'a>) {
        self.out
            .store(self.x(base), value, MemArg::plain(offset as i32));
    }

    /// The address of the current instruction plus a constant.
    #[must_use]
    pub fn pc(&self, offset: i64) -> Val<'a> {
        self.out.pc(offset)
    }

    /// Writes the address of the next instruction.
    pub fn link(&self, r: Xpr) {
        if r != ZERO {
            let (_, bytes) = self.out.insn();
            self.set_x(r, self.pc(i64::from(bytes)));
        }
    }

    /// Ends the block with a jump by a distance.
    pub fn goto(&self, distance: i64) {
        self.out.goto(distance);
    }

    /// Ends the block with a jump by a distance if the condition holds.
    pub fn branch(&self, cond: Val<'a>, distance: i64) {
        self.out.branch(cond, distance);
    }

    /// Ends the block with a jump to a register plus a constant, its lowest bit cleared, and
    /// writes the address of the next instruction.
    pub fn jump(&self, link: Xpr, base: Xpr, offset: i64) {
        let target = self.x_plus(base, offset) & !1;
        self.link(link);
        self.out.jump(target, jump_hint(link.0, base.0));
    }

    /// Ends the block behind the current instruction: the world may have changed.
    pub fn next(&self) {
        self.out.next();
    }

    /// Does nothing.
    pub fn nothing(&self) {}

    /// Orders accesses: `fence`, with its predecessor and successor sets.
    pub fn fence(&self, before: u32, after: u32) {
        if before == 0 || after == 0 {
            return;
        }
        // Devices' outputs are writes and their inputs reads: bits I, O, R, W.
        let (writes, reads) = (0b0101, 0b1010);
        let order = if before & writes != 0 && after & reads != 0 {
            Order::Sequential
        } else {
            Order::AcquireRelease
        };
        self.fence_of(order);
    }

    /// Orders all accesses but loads behind stores: `fence.tso`.
    pub fn fence_tso(&self) {
        self.fence_of(Order::AcquireRelease);
    }

    fn fence_of(&self, order: Order) {
        self.out.push(Op::Fence, I64, &[], order as u64);
    }

    /// Ends the block with an illegal-instruction exception.
    pub fn illegal(&self) {
        let insn = self.insn_value();
        self.out.trap(cause::ILLEGAL, insn);
    }

    pub(super) fn insn_value(&self) -> Val<'a> {
        self.imm(i64::from(self.insn.get()))
    }

    pub(super) fn call(&self, helper: u32, args: &[Val<'a>]) -> Val<'a> {
        self.out.call(helper, args)
    }

    pub(super) fn end(&self, end: End) {
        self.out.end(end);
    }
}

const fn x_slot(r: Xpr) -> SlotId {
    SlotId(slots::X.0 + r.0 as u16)
}

pub(super) const fn f_slot(r: Fpr) -> SlotId {
    SlotId(slots::F.0 + r.0 as u16)
}
