//! Shifts and rotates: the count is masked, and a count of zero leaves the flags alone.

use iced_x86::OpKind;
use vm_ir::Type::{I1, I8, I64};
use vm_ir::{SlotId, Type, Val};

use super::Lift;
use crate::slots::{AF, CF, OF, PF, SF, ZF};

/// A shift count: masked, in 64 bits.
#[derive(Clone, Copy)]
struct Count<'a> {
    value: Val<'a>,
    /// Whether it is not zero; `None` if that is known.
    some: Option<Val<'a>>,
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// To higher bits.
    Left,
    /// To lower bits.
    Right,
    /// To lower bits, the sign coming in.
    RightSigned,
}

impl<'a> Lift<'a> {
    /// The count in an operand; `None` if it is known to be zero.
    fn shift_count(&self, operand: u32, ty: Type) -> Option<Count<'a>> {
        let mask = if ty == I64 { 63 } else { 31 };
        if self.insn.op_kind(operand) == OpKind::Register {
            let value = self.read(operand).zext(I64) & mask;
            let some = Some(self.is_set(value));
            return Some(Count { value, some });
        }
        let known = self.immediate(operand) & mask as u64;
        (known != 0).then(|| Count {
            value: self.constant(I64, known),
            some: None,
        })
    }

    fn shift_flag(&self, count: Count<'a>, flag: SlotId, value: Val<'a>) {
        let value = match count.some {
            Some(some) => self.select(some, value, self.flag(flag)),
            None => value,
        };
        self.set_flag(flag, value);
    }

    fn shift_result_flags(&self, count: Count<'a>, result: Val<'a>) {
        self.shift_flag(count, ZF, self.is_zero(result));
        self.shift_flag(count, SF, self.top(result));
        self.shift_flag(count, PF, self.parity(result));
        // Undefined in the manuals.
        self.shift_flag(count, AF, self.no());
    }

    /// What a known count of zero does: the operand is written as it was.
    fn shift_nothing(&self) {
        let (_, same) = self.modify(0, None, |a| a);
        self.finish(0, same);
    }

    /// The last bit shifted out of a value of type `ty`, which stands in 64 bits.
    fn shifted_out(&self, wide: Val<'a>, ty: Type, count: Val<'a>, way: Way) -> Val<'a> {
        let before = count - 1;
        match way {
            Way::Left => self.bit(wide << before, ty.bits() - 1),
            Way::Right => (wide >> before).trunc(I1),
            Way::RightSigned => wide.shrs(before).trunc(I1),
        }
    }

    /// SHL, SHR, SAR.
    pub fn shift(&self, way: Way) {
        let ty = self.ty(0);
        let Some(count) = self.shift_count(1, ty) else {
            return self.shift_nothing();
        };
        let c = count.value;
        // In 64 bits a count beyond a narrow operand's width is an ordinary one.
        let widen = |a: Val<'a>| match way {
            Way::RightSigned => a.sext(I64),
            _ => a.zext(I64),
        };
        let (a, result) = self.modify(0, None, |a| {
            let wide = widen(a);
            let shifted = match way {
                Way::Left => wide << c,
                Way::Right => wide >> c,
                Way::RightSigned => wide.shrs(c),
            };
            shifted.trunc(ty)
        });
        self.finish(0, result);
        let carry = self.shifted_out(widen(a), ty, c, way);
        let over = match way {
            Way::Left => self.top(result) ^ carry,
            Way::Right => self.top(a),
            Way::RightSigned => self.no(),
        };
        self.shift_flag(count, CF, carry);
        self.shift_flag(count, OF, over);
        self.shift_result_flags(count, result);
    }

    /// ROL and ROR.
    pub fn rotate(&self, way: Way) {
        let ty = self.ty(0);
        let Some(count) = self.shift_count(1, ty) else {
            return self.shift_nothing();
        };
        let c = self.fit(count.value, ty);
        let left = way == Way::Left;
        let (_, result) = self.modify(0, None, |a| if left { a.rotl(c) } else { a.rotr(c) });
        self.finish(0, result);
        let (top, next) = (self.top(result), self.bit(result, ty.bits() - 2));
        let carry = if left { result.trunc(I1) } else { top };
        let over = if left { top ^ carry } else { top ^ next };
        self.shift_flag(count, CF, carry);
        self.shift_flag(count, OF, over);
    }

    /// RCL and RCR: the carry is one more bit of the operand.
    pub fn rotate_carry(&self, way: Way) {
        let ty = self.ty(0);
        let Some(count) = self.shift_count(1, ty) else {
            return self.shift_nothing();
        };
        let carry = self.flag(CF);
        let (a, result, out) = if ty == I64 {
            self.rotate_carry_64(count.value, carry, way)
        } else {
            self.rotate_carry_narrow(count.value, carry, way)
        };
        self.finish(0, result);
        let over = match way {
            Way::Left => self.top(result) ^ out,
            _ => self.top(a) ^ carry,
        };
        self.shift_flag(count, CF, out);
        self.shift_flag(count, OF, over);
    }

    fn rotate_carry_64(&self, c: Val<'a>, carry: Val<'a>, way: Way) -> (Val<'a>, Val<'a>, Val<'a>) {
        let rest = self.constant(I64, 64) - c;
        let incoming = carry.zext(I64);
        let (a, turned) = self.modify(0, None, |a| {
            let turned = if way == Way::Left {
                (a << c) | (incoming << (c - 1)) | ((a >> 1) >> rest)
            } else {
                (a >> c) | (incoming << rest) | ((a << 1) << rest)
            };
            self.select(self.is_zero(c), a, turned)
        });
        let out = self.shifted_out(a, I64, c, way);
        (a, turned, out)
    }

    fn rotate_carry_narrow(
        &self,
        c: Val<'a>,
        carry: Val<'a>,
        way: Way,
    ) -> (Val<'a>, Val<'a>, Val<'a>) {
        let ty = self.ty(0);
        let bits = ty.bits();
        let whole = self.constant(I64, u64::from(bits) + 1);
        // A byte and its carry are back where they were after nine steps.
        let c = if bits < 32 { c.remu(whole) } else { c };
        let turn = |a: Val<'a>| {
            let all = a.zext(I64) | (carry.zext(I64) << i64::from(bits));
            if way == Way::Left {
                (all << c) | (all >> (whole - c))
            } else {
                (all >> c) | (all << (whole - c))
            }
        };
        let (a, result) = self.modify(0, None, |a| turn(a).trunc(ty));
        let out = self.bit(turn(a), bits);
        (a, result, out)
    }

    /// SHLD and SHRD: the bits that come in are those of the second operand.
    pub fn shift_double(&self, way: Way) {
        let ty = self.ty(0);
        let Some(count) = self.shift_count(2, ty) else {
            return self.shift_nothing();
        };
        let (b, c) = (self.read(1), count.value);
        let bits = i64::from(ty.bits());
        let (a, result) = self.modify(0, None, |a| {
            let rest = self.constant(I64, 63) - c;
            match (way, ty) {
                (Way::Left, I64) => (a << c) | ((b >> 1) >> rest),
                (_, I64) => (a >> c) | ((b << 1) << rest),
                (Way::Left, _) => {
                    let both = (a.zext(I64) << bits) | b.zext(I64);
                    ((both << c) >> bits).trunc(ty)
                }
                _ => {
                    let both = (b.zext(I64) << bits) | a.zext(I64);
                    (both >> c).trunc(ty)
                }
            }
        });
        self.finish(0, result);
        let carry = self.shifted_out(a.zext(I64), ty, c, way);
        self.shift_flag(count, CF, carry);
        self.shift_flag(count, OF, self.top(result) ^ self.top(a));
        self.shift_result_flags(count, result);
    }

    /// The flags as LAHF and SAHF have them: bit and slot.
    const AH_FLAGS: [(u32, SlotId); 5] = [(7, SF), (6, ZF), (4, AF), (2, PF), (0, CF)];

    /// LAHF.
    pub fn load_flags(&self) {
        let mut all = self.constant(I8, 2);
        for (bit, flag) in Self::AH_FLAGS {
            all = all | (self.flag(flag).zext(I8) << i64::from(bit));
        }
        self.set_register(iced_x86::Register::AH, all);
    }

    /// SAHF.
    pub fn store_flags(&self) {
        let all = self.register(iced_x86::Register::AH);
        for (bit, flag) in Self::AH_FLAGS {
            self.set_flag(flag, self.bit(all, bit));
        }
    }
}
