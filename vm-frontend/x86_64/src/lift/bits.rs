//! Bit tests, bit scans and counts.

use vm_ir::Type::{I1, I32, I64};
use vm_ir::{Op, Val};

use super::Lift;
use super::operand::Place;
use crate::slots::{AF, CF, OF, PF, SF, ZF};

/// What is done with a tested bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It is set.
    Set,
    /// It is cleared.
    Reset,
    /// It is turned over.
    Complement,
}

impl<'a> Lift<'a> {
    /// The bit that the second operand names goes to CF, and is changed.
    pub fn bit_test(&self, change: Change) {
        let ty = self.ty(0);
        let named = self.read(1);
        let index = named & i64::from(ty.bits() - 1);
        let mask = self.constant(ty, 1) << index;
        let f = |a: Val<'a>| match change {
            Change::Keep => a,
            Change::Set => a | mask,
            Change::Reset => a.andnot(mask),
            Change::Complement => a ^ mask,
        };
        let old = if self.is_memory(0) {
            let place = self.place_behind(self.string_distance(named));
            self.bit_in_memory(place, change, mask, f)
        } else {
            let old = self.read(0);
            if change != Change::Keep {
                self.write(0, f(old));
            }
            old
        };
        let bit = (old >> index).trunc(I1);
        self.set_flag(CF, bit);
    }

    /// A register may name a bit far behind or before its operand in memory.
    fn string_distance(&self, named: Val<'a>) -> Option<Val<'a>> {
        if self.insn.op_kind(1) != iced_x86::OpKind::Register {
            return None;
        }
        let (bits, bytes) = (named.ty.bits(), named.ty.bytes());
        let words = named
            .sext(I64)
            .shrs(self.constant(I64, u64::from(bits.trailing_zeros())));
        Some(words << i64::from(bytes.trailing_zeros()))
    }

    fn bit_in_memory(
        &self,
        place: Place<'a>,
        change: Change,
        mask: Val<'a>,
        f: impl Fn(Val<'a>) -> Val<'a>,
    ) -> Val<'a> {
        let (op, value) = match change {
            Change::Set => (Op::AmoOr, mask),
            Change::Reset => (Op::AmoAnd, !mask),
            _ => (Op::AmoXor, mask),
        };
        if self.is_locked() {
            return self.amo(op, place, value);
        }
        let old = self.load(place, mask.ty);
        if change != Change::Keep {
            self.store(place, f(old));
        }
        old
    }

    /// The place of the lowest or the highest one; a source of zero keeps the destination.
    pub fn scan(&self, highest: bool) {
        let (ty, source) = (self.ty(0), self.read(1));
        let empty = self.is_zero(source);
        let place = if highest {
            self.constant(ty, u64::from(ty.bits() - 1)) - source.clz()
        } else {
            source.ctz()
        };
        let register = self.insn.op0_register();
        if ty == I32 {
            // Kept with its upper half, which a 32-bit result would clear.
            let whole = register.full_register();
            let kept = self.register(whole);
            self.set_register(whole, self.select(empty, kept, place.zext(I64)));
        } else {
            self.set_register(register, self.select(empty, self.register(register), place));
        }
        self.set_flag(ZF, empty);
    }

    /// A count, which says in CF that there was no one and in ZF that it is zero.
    pub fn count(&self, f: impl Fn(Val<'a>) -> Val<'a>) {
        let source = self.read(1);
        let count = f(source);
        self.write(0, count);
        self.set_flag(CF, self.is_zero(source));
        self.set_flag(ZF, self.is_zero(count));
    }

    /// How many ones; all flags but ZF are cleared.
    pub fn population(&self) {
        let source = self.read(1);
        self.write(0, source.popcnt());
        for flag in [CF, PF, AF, SF, OF] {
            self.set_flag(flag, self.no());
        }
        self.set_flag(ZF, self.is_zero(source));
    }
}
