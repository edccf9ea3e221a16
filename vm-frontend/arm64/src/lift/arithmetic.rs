//! Sums with flags, shifts, fields, multiplication and division.

use vm_ir::Type::{I1, I8, I16, I32, I64};
use vm_ir::{Op, Type, Val};

use super::{Cond, Gpr, Lift, Shift};
use crate::isa::Extended;

/// A result and the flags that go with it.
type Flagged<'a> = (Val<'a>, [Val<'a>; 4]);

impl<'a> Lift<'a> {
    fn flagged(&self, result: Val<'a>, carry: Val<'a>, overflow: Val<'a>) -> Flagged<'a> {
        let zero = self.imm(result.ty, 0);
        (result, [result.lts(zero), result.eq(zero), carry, overflow])
    }

    fn plus(&self, a: Val<'a>, b: Val<'a>, carry: Option<Val<'a>>) -> Flagged<'a> {
        let sum = match carry {
            Some(carry) => a + b + carry.zext(a.ty),
            None => a + b,
        };
        let args = [a, b, carry.unwrap_or_else(|| self.imm(I1, 0))];
        let carry = self.op(Op::Carry, a.ty, &args);
        let overflow = self.op(Op::OverAdd, a.ty, &args);
        self.flagged(sum, carry, overflow)
    }

    fn minus(&self, a: Val<'a>, b: Val<'a>, borrow: Option<Val<'a>>) -> Flagged<'a> {
        let difference = match borrow {
            Some(borrow) => a - b - borrow.zext(a.ty),
            None => a - b,
        };
        let args = [a, b, borrow.unwrap_or_else(|| self.imm(I1, 0))];
        let carry = !self.op(Op::Borrow, a.ty, &args);
        let overflow = self.op(Op::OverSub, a.ty, &args);
        self.flagged(difference, carry, overflow)
    }

    fn set_flagged(&self, d: Gpr, (value, flags): Flagged<'a>) {
        self.set_flags(flags);
        self.set(d, value);
    }

    /// Sum, with flags.
    pub fn adds(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        self.set_flagged(d, self.plus(a, b, None));
    }

    /// Difference, with flags.
    pub fn subs(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        self.set_flagged(d, self.minus(a, b, None));
    }

    /// Sum with the carry flag.
    pub fn adc(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        self.set(d, a + b + self.flags()[2].zext(a.ty));
    }

    /// Sum with the carry flag, with flags.
    pub fn adcs(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        self.set_flagged(d, self.plus(a, b, Some(self.flags()[2])));
    }

    /// Difference with the carry flag, which is clear for a borrow.
    pub fn sbc(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        let borrow = !self.flags()[2];
        self.set(d, a - b - borrow.zext(a.ty));
    }

    /// Difference with the carry flag, with flags.
    pub fn sbcs(&self, d: Gpr, a: Val<'a>, b: Val<'a>) {
        self.set_flagged(d, self.minus(a, b, Some(!self.flags()[2])));
    }

    /// Writes a result of logic, with flags.
    pub fn logic_flags(&self, d: Gpr, value: Val<'a>) {
        let off = self.imm(I1, 0);
        self.set_flagged(d, self.flagged(value, off, off));
    }

    fn compare(&self, cond: Cond, otherwise: u32, (_, flags): Flagged<'a>) {
        let holds = self.holds(cond);
        let mut bit = 4;
        self.set_flags(flags.map(|flag| {
            bit -= 1;
            let other = self.imm(I1, u64::from(otherwise >> bit & 1));
            self.out.select(holds, flag, other)
        }));
    }

    /// The flags of a difference if the condition holds, else those given.
    pub fn ccmp(&self, cond: Cond, otherwise: u32, a: Val<'a>, b: Val<'a>) {
        self.compare(cond, otherwise, self.minus(a, b, None));
    }

    /// The flags of a sum if the condition holds, else those given.
    pub fn ccmn(&self, cond: Cond, otherwise: u32, a: Val<'a>, b: Val<'a>) {
        self.compare(cond, otherwise, self.plus(a, b, None));
    }

    /// A register, shifted.
    #[must_use]
    pub fn shifted(&self, ty: Type, r: Gpr, (shift, by): (Shift, u32)) -> Val<'a> {
        let value = self.r(ty, r);
        if by == 0 {
            return value;
        }
        let by = self.imm(ty, u64::from(by));
        match shift {
            Shift::Lsl => value << by,
            Shift::Lsr => value >> by,
            Shift::Asr => value.shrs(by),
            Shift::Ror => value.rotr(by),
        }
    }

    /// A register, extended and shifted.
    #[must_use]
    pub fn extended(&self, ty: Type, e: Extended) -> Val<'a> {
        let from = [I8, I16, I32, I64][e.option as usize & 3].min(ty);
        let low = self.r(from, e.reg);
        let wide = if e.option & 4 == 0 {
            low.zext(ty)
        } else {
            low.sext(ty)
        };
        if e.shift == 0 {
            wide
        } else {
            wide << i64::from(e.shift)
        }
    }

    /// Sixteen bits of a register replaced.
    #[must_use]
    pub fn keep(&self, ty: Type, d: Gpr, (place, value): (u32, u64)) -> Val<'a> {
        self.r(ty, d).deposit(place, 16, self.imm(ty, value))
    }

    /// The field from bit `turn` to bit `top`, zero-extended; or the low bits, moved up.
    #[must_use]
    pub fn ubfm(&self, ty: Type, a: Gpr, turn: u32, top: u32) -> Val<'a> {
        let value = self.r(ty, a);
        if top >= turn {
            value.extract(turn, top - turn + 1)
        } else {
            value.extract(0, top + 1) << i64::from(ty.bits() - turn)
        }
    }

    /// The same, sign-extended.
    #[must_use]
    pub fn sbfm(&self, ty: Type, a: Gpr, turn: u32, top: u32) -> Val<'a> {
        let above = ty.bits() - 1 - top;
        let up = self.r(ty, a) << i64::from(above);
        let down = if top >= turn {
            above + turn
        } else {
            above + turn - ty.bits()
        };
        up.shrs(self.imm(ty, u64::from(down)))
    }

    /// The same, into a register that keeps its other bits.
    #[must_use]
    pub fn bfm(&self, ty: Type, d: Gpr, a: Gpr, turn: u32, top: u32) -> Val<'a> {
        let (old, value) = (self.r(ty, d), self.r(ty, a));
        if top >= turn {
            let bits = top - turn + 1;
            old.deposit(0, bits, value.extract(turn, bits))
        } else {
            old.deposit(ty.bits() - turn, top + 1, value)
        }
    }

    /// A register's worth of bits out of two registers.
    #[must_use]
    pub fn extr(&self, ty: Type, high: Gpr, low: Gpr, from: u32) -> Val<'a> {
        let low = self.r(ty, low);
        if from == 0 {
            return low;
        }
        let high = self.r(ty, high) << i64::from(ty.bits() - from);
        high | (low >> i64::from(from))
    }

    /// Unsigned quotient; zero when divided by zero.
    #[must_use]
    pub fn udiv(&self, a: Val<'a>, b: Val<'a>) -> Val<'a> {
        self.out
            .select(self.is_zero(b), self.imm(a.ty, 0), a.divu(b))
    }

    /// Signed quotient; zero when divided by zero.
    #[must_use]
    pub fn sdiv(&self, a: Val<'a>, b: Val<'a>) -> Val<'a> {
        self.out
            .select(self.is_zero(b), self.imm(a.ty, 0), a.divs(b))
    }

    /// How many bits below the highest one are equal to it.
    #[must_use]
    pub fn cls(&self, a: Val<'a>) -> Val<'a> {
        // Where neighbours are equal, a bit of this is clear; the top one always is.
        let changes = a ^ a.shrs(self.imm(a.ty, 1));
        changes.clz() - 1
    }

    /// The bytes of each halfword in the other order.
    #[must_use]
    pub fn rev16(&self, a: Val<'a>) -> Val<'a> {
        let low = 0x00ff_00ff_00ff_00ff;
        ((a >> 8) & low) | ((a & low) << 8)
    }

    /// The bytes of each word in the other order.
    #[must_use]
    pub fn rev32(&self, a: Val<'a>) -> Val<'a> {
        a.bswap().rotr(self.imm(I64, 32))
    }

    /// The product of two words, sign-extended first.
    #[must_use]
    pub fn smull(&self, a: Gpr, b: Gpr) -> Val<'a> {
        self.w(a).sext(I64) * self.w(b).sext(I64)
    }

    /// The product of two words, zero-extended first.
    #[must_use]
    pub fn umull(&self, a: Gpr, b: Gpr) -> Val<'a> {
        self.w(a).zext(I64) * self.w(b).zext(I64)
    }
}
