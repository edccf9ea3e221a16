//! Floating point: boxes, rounding modes, and the state's dirt.

use vm_ir::Type::{I8, I16, I32, I64};
use vm_ir::{Op, Type, Val};

use super::integer::{Fpr, Lift, f_slot};
use crate::fields::status;
use crate::helper_ids::FLOAT_DIRTY;
use crate::slots::{FFLAGS, FRM, MSTATUS};
use crate::trap::cause;

/// The rounding mode number that stands for the one in `frm`.
const DYNAMIC: u32 = 7;

/// The quiet NaN that every operation delivers, and that a wrongly boxed number counts as.
const fn quiet_nan(ty: Type) -> u64 {
    match ty {
        I16 => 0x7e00,
        I32 => 0x7fc0_0000,
        _ => 0x7ff8_0000_0000_0000,
    }
}

const fn sign_bit(ty: Type) -> i64 {
    1 << (ty.bits() - 1)
}

/// The ones around a number of this type in its box.
const fn lid(ty: Type) -> u64 {
    !ty.mask()
}

/// What an instruction makes of another number's sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// Itself.
    Other,
    /// The opposite.
    Not,
    /// The sign of the product of both.
    Product,
}

impl<'a> Lift<'a> {
    /// The low bits of a floating-point register, as they are.
    #[must_use]
    pub fn f_raw(&self, ty: Type, r: Fpr) -> Val<'a> {
        self.out.get(ty, f_slot(r))
    }

    /// A number in a floating-point register: NaN if it is narrower and not boxed.
    #[must_use]
    pub fn f(&self, ty: Type, r: Fpr) -> Val<'a> {
        let value = self.f_raw(ty, r);
        if ty == I64 || self.is_boxed(ty, r) {
            return value;
        }
        // All ones above the number: no smaller than the lid alone.
        let whole = self.out.get(I64, f_slot(r));
        let good = whole.geu(self.imm(lid(ty) as i64));
        self.select(good, value, self.out.constant(ty, quiet_nan(ty)))
    }

    /// Writes a number into a floating-point register, boxed if it is narrower.
    pub fn set_f(&self, r: Fpr, value: Val<'a>) {
        let ty = value.ty;
        let whole = if ty == I64 {
            value
        } else {
            value.zext(I64) | lid(ty) as i64
        };
        self.touch_float();
        self.out.set(f_slot(r), whole);
        // A boxed half is a boxed single too: the box's ones are above both.
        self.note_boxed(I32, r, ty != I64);
        self.note_boxed(I16, r, ty == I16);
    }

    fn boxed(&self, ty: Type) -> &std::cell::Cell<u32> {
        let [singles, halves] = &self.boxed;
        if ty == I32 { singles } else { halves }
    }

    fn is_boxed(&self, ty: Type, r: Fpr) -> bool {
        self.boxed(ty).get() >> r.0 & 1 == 1
    }

    fn note_boxed(&self, ty: Type, r: Fpr, yes: bool) {
        let (set, bit) = (self.boxed(ty), 1 << r.0);
        set.set(if yes {
            set.get() | bit
        } else {
            set.get() & !bit
        });
    }

    /// Before the current instruction writes floating-point state: marks it dirty, and has the
    /// block end behind the instruction, as the mode changes with it.
    pub(super) fn touch_float(&self) {
        if self.mode.float_asks() {
            if !self.float_known.replace((true, true)).1 {
                let status = self.out.get(I64, MSTATUS);
                self.out.set(MSTATUS, status | status::FS as i64);
            }
        } else if !self.mode.float_dirty() && !self.dirtied.replace(true) {
            self.call(FLOAT_DIRTY, &[]);
        }
    }

    /// Has the current instruction trap if floating point is off; false if that is known.
    pub(super) fn needs_float(&self) -> bool {
        let (known, dirty) = self.float_known.get();
        if self.mode.float_asks() && !known {
            let status = self.out.get(I64, MSTATUS);
            let off = (status & status::FS as i64).eq(self.imm(0));
            self.out.trap_if(off, cause::ILLEGAL, self.insn_value());
            self.float_known.set((true, dirty));
        }
        !self.mode.float_off()
    }

    /// Whether the current instruction has marked the state dirty; asked once an instruction.
    pub(super) fn take_dirtied(&self) -> bool {
        self.dirtied.replace(false)
    }

    /// The rounding mode of an instruction.
    fn rounding(&self, rm: u32) -> Val<'a> {
        if rm != DYNAMIC {
            return self.out.constant(I8, u64::from(rm));
        }
        let mode = self.out.get(I8, FRM);
        if !self.frm_valid.replace(true) {
            let bad = mode.geu(self.out.constant(I8, 5));
            self.out.trap_if(bad, cause::ILLEGAL, self.insn_value());
        }
        mode
    }

    /// `frm` has been written.
    pub(super) fn forget_rounding(&self) {
        self.frm_valid.set(false);
    }

    /// Writes the rounded result of an operation whose last operand is the rounding mode.
    pub fn float<const N: usize>(&self, op: Op, d: Fpr, args: &[Val<'a>; N], rm: u32) {
        let rm = self.rounding(rm);
        let ty = args.first().map_or(I64, |value| value.ty);
        let mut all = [rm; 4];
        for (to, from) in all.iter_mut().zip(args) {
            *to = *from;
        }
        self.touch_float();
        let used = all.get(..N + 1).unwrap_or(&all);
        self.set_f(d, self.out.op(op, ty, used));
    }

    /// The rounded result of a conversion.
    #[must_use]
    pub fn convert(&self, op: Op, ty: Type, value: Val<'a>, rm: u32) -> Val<'a> {
        let rm = self.rounding(rm);
        self.touch_float();
        self.out.op(op, ty, &[value, rm])
    }

    /// The result of an operation that does not round, but may raise flags.
    #[must_use]
    pub fn quiet(&self, op: Op, ty: Type, args: &[Val<'a>]) -> Val<'a> {
        self.touch_float();
        self.out.op(op, ty, args)
    }

    /// The class of a number.
    #[must_use]
    pub fn class(&self, value: Val<'a>) -> Val<'a> {
        self.out.op(Op::FClass, value.ty, &[value])
    }

    /// A number with the other sign.
    #[must_use]
    pub fn negate(&self, value: Val<'a>) -> Val<'a> {
        value ^ sign_bit(value.ty)
    }

    /// Writes the number in a register with a sign that comes of another's.
    pub fn set_signed(&self, ty: Type, d: Fpr, [a, b]: [Fpr; 2], by: Sign) {
        let (value, bit) = (self.f(ty, a), sign_bit(ty));
        let signed = if a == b {
            match by {
                Sign::Other => value,
                Sign::Not => self.negate(value),
                Sign::Product => value & !bit,
            }
        } else {
            let other = self.f(ty, b);
            match by {
                Sign::Other => (value & !bit) | (other & bit),
                Sign::Not => (value & !bit) | (!other & bit),
                Sign::Product => value ^ (other & bit),
            }
        };
        self.set_f(d, signed);
    }

    /// A floating-point CSR: `fflags` (1), `frm` (2) or both in `fcsr` (3).
    pub(super) fn read_fcsr(&self, number: u32) -> Val<'a> {
        let flags = || self.out.get(I64, FFLAGS);
        let mode = || self.out.get(I64, FRM);
        match number {
            1 => flags(),
            2 => mode(),
            _ => mode() << 5 | flags(),
        }
    }

    /// Writes a floating-point CSR.
    pub(super) fn write_fcsr(&self, number: u32, value: Val<'a>) {
        self.touch_float();
        if number != 1 {
            let mode = if number == 2 { value } else { value >> 5 };
            self.out.set(FRM, mode & 7);
            self.forget_rounding();
        }
        if number != 2 {
            self.out.set(FFLAGS, value & 31);
        }
    }
}
