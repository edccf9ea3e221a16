//! Status flags and the conditions over them: Intel SDM volume 1, section 3.4.3 and appendix B.

use vm_ir::Type::{I1, I8};
use vm_ir::{Op, SlotId, Val};

use super::Lift;
use crate::slots::{AF, CF, OF, PF, SF, ZF};

/// A condition, in the order of its encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Overflow.
    O,
    /// No overflow.
    NO,
    /// Below.
    B,
    /// Above or equal.
    AE,
    /// Equal.
    E,
    /// Not equal.
    NE,
    /// Below or equal.
    BE,
    /// Above.
    A,
    /// Sign.
    S,
    /// No sign.
    NS,
    /// Parity even.
    P,
    /// Parity odd.
    NP,
    /// Less.
    L,
    /// Greater or equal.
    GE,
    /// Less or equal.
    LE,
    /// Greater.
    G,
}

impl<'a> Lift<'a> {
    /// A flag.
    #[must_use]
    pub fn flag(&self, flag: SlotId) -> Val<'a> {
        self.get(I1, flag)
    }

    /// Writes a flag, unless a locked update must be tried again.
    pub fn set_flag(&self, flag: SlotId, value: Val<'a>) {
        let value = match self.again.get() {
            Some(again) => self.select(again, self.flag(flag), value),
            None => value,
        };
        self.out.set(flag, value);
    }

    /// Whether a condition holds.
    #[must_use]
    pub fn holds(&self, condition: Condition) -> Val<'a> {
        use Condition as C;
        let less = || self.flag(SF) ^ self.flag(OF);
        match condition {
            C::O => self.flag(OF),
            C::NO => !self.flag(OF),
            C::B => self.flag(CF),
            C::AE => !self.flag(CF),
            C::E => self.flag(ZF),
            C::NE => !self.flag(ZF),
            C::BE => self.flag(CF) | self.flag(ZF),
            C::A => !(self.flag(CF) | self.flag(ZF)),
            C::S => self.flag(SF),
            C::NS => !self.flag(SF),
            C::P => self.flag(PF),
            C::NP => !self.flag(PF),
            C::L => less(),
            C::GE => !less(),
            C::LE => less() | self.flag(ZF),
            C::G => !(less() | self.flag(ZF)),
        }
    }

    /// The highest bit.
    #[must_use]
    pub fn top(&self, value: Val<'a>) -> Val<'a> {
        value.lts(self.constant(value.ty, 0))
    }

    /// One bit, as a truth value.
    #[must_use]
    pub fn bit(&self, value: Val<'a>, bit: u32) -> Val<'a> {
        value.extract(bit, 1).trunc(I1)
    }

    /// Whether a value is zero.
    #[must_use]
    pub fn is_zero(&self, value: Val<'a>) -> Val<'a> {
        value.eq(self.constant(value.ty, 0))
    }

    /// Whether a value is not zero.
    #[must_use]
    pub fn is_set(&self, value: Val<'a>) -> Val<'a> {
        value.ne(self.constant(value.ty, 0))
    }

    /// Whether the low byte has an even number of ones.
    #[must_use]
    pub fn parity(&self, result: Val<'a>) -> Val<'a> {
        !result.trunc(I8).popcnt().trunc(I1)
    }

    /// Zero, sign and parity of a result.
    pub fn result_flags(&self, result: Val<'a>) {
        self.set_flag(ZF, self.is_zero(result));
        self.set_flag(SF, self.top(result));
        self.set_flag(PF, self.parity(result));
    }

    /// The carry between bits 3 and 4, told from operands and result.
    fn half_carry(&self, a: Val<'a>, b: Val<'a>, result: Val<'a>) -> Val<'a> {
        self.bit(a ^ b ^ result, 4)
    }

    /// The flags of a sum with a carry in; `carry` says whether CF is among them.
    pub fn sum_flags(&self, [a, b, c]: [Val<'a>; 3], result: Val<'a>, carry: bool) {
        if carry {
            self.set_flag(CF, self.out.op(Op::Carry, a.ty, &[a, b, c]));
        }
        self.set_flag(OF, self.out.op(Op::OverAdd, a.ty, &[a, b, c]));
        self.set_flag(AF, self.half_carry(a, b, result));
        self.result_flags(result);
    }

    /// The flags of a difference with a borrow in; `carry` says whether CF is among them.
    pub fn difference_flags(&self, [a, b, c]: [Val<'a>; 3], result: Val<'a>, carry: bool) {
        if carry {
            self.set_flag(CF, self.out.op(Op::Borrow, a.ty, &[a, b, c]));
        }
        self.set_flag(OF, self.out.op(Op::OverSub, a.ty, &[a, b, c]));
        self.set_flag(AF, self.half_carry(a, b, result));
        self.result_flags(result);
    }

    /// The flags of a logical result: no carry, no overflow.
    pub fn logic_flags(&self, result: Val<'a>) {
        self.set_flag(CF, self.no());
        self.set_flag(OF, self.no());
        // Undefined in the manuals; processors clear it.
        self.set_flag(AF, self.no());
        self.result_flags(result);
    }
}
