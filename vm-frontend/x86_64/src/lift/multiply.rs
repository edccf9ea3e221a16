//! Products, quotients and widened signs.

use iced_x86::Register;
use vm_ir::Type::{I8, I16, I32, I64};
use vm_ir::{Op, Type, Val};

use super::Lift;
use super::operand::part;
use crate::slots::{CF, OF};
use crate::trap;

impl<'a> Lift<'a> {
    /// Whether the high half of a signed product says more than the sign of the low one.
    fn leaves_signed(&self, low: Val<'a>, high: Val<'a>) -> Val<'a> {
        let sign = low.shrs(self.constant(low.ty, u64::from(low.ty.bits() - 1)));
        high.ne(sign)
    }

    /// Writes a double-width result: AX for bytes, else the high register and the accumulator.
    fn set_double(&self, low: Val<'a>, high: Val<'a>) {
        if low.ty == I8 {
            self.set_accumulator(low.zext(I16).deposit(8, 8, high.zext(I16)));
        } else {
            self.set_accumulator(low);
            self.set_high(high);
        }
    }

    /// Accumulator times operand into the double width.
    pub fn multiply_wide(&self, signed: bool) {
        let b = self.read(0);
        let a = self.accumulator(b.ty);
        let low = a * b;
        let high = if signed { a.mulhs(b) } else { a.mulhu(b) };
        let over = if signed {
            self.leaves_signed(low, high)
        } else {
            self.is_set(high)
        };
        self.set_double(low, high);
        self.set_flag(CF, over);
        self.set_flag(OF, over);
    }

    /// Signed product in one, two or three operands.
    pub fn multiply_signed(&self) {
        let (a, b) = match self.insn.op_count() {
            1 => return self.multiply_wide(true),
            2 => (self.read(0), self.read(1)),
            _ => (self.read(1), self.read(2)),
        };
        let low = a * b;
        let over = self.leaves_signed(low, a.mulhs(b));
        self.write(0, low);
        self.set_flag(CF, over);
        self.set_flag(OF, over);
    }

    /// The dividend: AX for bytes, else the high register and the accumulator; low, high.
    fn dividend(&self, ty: Type) -> (Val<'a>, Val<'a>) {
        let high = if ty == I8 {
            Register::AH
        } else {
            part(Register::RDX, ty)
        };
        (self.accumulator(ty), self.register(high))
    }

    /// The double width divided by the operand; a quotient that does not fit is a divide error.
    pub fn divide(&self, signed: bool) {
        let d = self.read(0);
        let (low, high) = self.dividend(d.ty);
        let (q, r) = if signed {
            (Op::DivWideS, Op::RemWideS)
        } else {
            (Op::DivWideU, Op::RemWideU)
        };
        let quotient = self.out.op(q, d.ty, &[high, low, d]);
        let remainder = self.out.op(r, d.ty, &[high, low, d]);
        let over = if signed {
            // What was cut off the quotient is missing from the high half of the way back.
            let product = quotient * d;
            let carry = self
                .out
                .op(Op::Carry, d.ty, &[product, remainder, self.no()]);
            let sign = remainder.shrs(self.constant(d.ty, u64::from(d.ty.bits() - 1)));
            let back = quotient.mulhs(d) + sign + carry.zext(d.ty);
            back.ne(high)
        } else {
            high.geu(d)
        };
        let zero = self.constant(I64, 0);
        self.out.trap_if(self.is_zero(d) | over, trap::DIVIDE, zero);
        self.set_double(quotient, remainder);
    }

    /// The accumulator's lower half sign-extended to a type.
    pub fn extend_accumulator(&self, to: Type) {
        let from = match to {
            I16 => I8,
            I32 => I16,
            _ => I32,
        };
        self.set_accumulator(self.accumulator(from).sext(to));
    }

    /// The accumulator's sign into the high register.
    pub fn extend_into_high(&self, ty: Type) {
        let value = self.accumulator(ty);
        self.set_high(value.shrs(self.constant(ty, u64::from(ty.bits() - 1))));
    }
}
