//! Sums, differences, logic and exchanges: read, compute, write, then the flags.

use vm_ir::Type::{I32, I64};
use vm_ir::{Op, Val};

use super::Lift;
use crate::slots;

impl<'a> Lift<'a> {
    /// Computes an operand anew and writes it if it is in memory; the old and the new value.
    ///
    /// `amo` does the same to memory in one step; without it a locked update compares and
    /// exchanges, and tries again if another processor came first.
    pub fn modify(
        &self,
        operand: u32,
        amo: Option<(Op, Val<'a>)>,
        f: impl Fn(Val<'a>) -> Val<'a>,
    ) -> (Val<'a>, Val<'a>) {
        if !self.is_memory(operand) {
            let old = self.read(operand);
            return (old, f(old));
        }
        let place = self.place(operand);
        match amo {
            Some((op, value)) if self.is_locked() => {
                let old = self.amo(op, place, value);
                (old, f(old))
            }
            None if self.is_locked() => {
                let old = self.load(place, self.ty(operand));
                let new = f(old);
                let again = self.cas(place, old, new).ne(old);
                self.again.set(Some(again));
                self.out.branch(again, 0);
                (old, new)
            }
            _ => {
                let old = self.load(place, self.ty(operand));
                let new = f(old);
                self.store(place, new);
                (old, new)
            }
        }
    }

    /// Writes an operand if it is a register; see [`Lift::modify`].
    pub fn finish(&self, operand: u32, value: Val<'a>) {
        if !self.is_memory(operand) {
            self.write(operand, value);
        }
    }

    fn update(
        &self,
        amo: Option<(Op, Val<'a>)>,
        f: impl Fn(Val<'a>) -> Val<'a>,
    ) -> (Val<'a>, Val<'a>) {
        let (old, new) = self.modify(0, amo, f);
        self.finish(0, new);
        (old, new)
    }

    /// The first operand plus the second plus a carry.
    pub fn add(&self, carry: Val<'a>) {
        let b = self.read(1);
        let more = b + carry.zext(b.ty);
        let (a, sum) = self.update(Some((Op::AmoAdd, more)), |a| a + more);
        self.sum_flags([a, b, carry], sum, true);
    }

    /// The first operand minus the second minus a borrow.
    pub fn subtract(&self, borrow: Val<'a>) {
        let b = self.read(1);
        let less = b + borrow.zext(b.ty);
        let (a, result) = self.update(Some((Op::AmoAdd, -less)), |a| a - less);
        self.difference_flags([a, b, borrow], result, true);
    }

    /// The flags of the difference of two values.
    pub fn compare(&self, a: Val<'a>, b: Val<'a>) {
        self.difference_flags([a, b, self.no()], a - b, true);
    }

    /// One more; the carry is kept.
    pub fn increment(&self) {
        let one = self.constant(self.ty(0), 1);
        let (a, sum) = self.update(Some((Op::AmoAdd, one)), |a| a + one);
        self.sum_flags([a, one, self.no()], sum, false);
    }

    /// One less; the carry is kept.
    pub fn decrement(&self) {
        let one = self.constant(self.ty(0), 1);
        let (a, result) = self.update(Some((Op::AmoAdd, -one)), |a| a - one);
        self.difference_flags([a, one, self.no()], result, false);
    }

    /// The other sign.
    pub fn negate(&self) {
        let zero = self.constant(self.ty(0), 0);
        let (a, result) = self.update(None, |a| -a);
        self.difference_flags([zero, a, self.no()], result, true);
    }

    /// A logical operation with its flags.
    pub fn logic(&self, amo: Op, f: impl Fn(Val<'a>, Val<'a>) -> Val<'a>) {
        let b = self.read(1);
        let (_, result) = self.update(Some((amo, b)), |a| f(a, b));
        self.logic_flags(result);
    }

    /// All bits the other way round; no flags.
    pub fn complement(&self) {
        let ones = self.constant(self.ty(0), u64::MAX);
        self.update(Some((Op::AmoXor, ones)), |a| !a);
    }

    /// Exchanges the operands; with memory always in one step.
    pub fn exchange(&self) {
        // Either operand may be the one in memory.
        let memory = if self.is_memory(1) { 1 } else { 0 };
        let other = 1 - memory;
        let value = self.read(other);
        let old = if self.is_memory(memory) {
            self.amo(Op::AmoSwap, self.place(memory), value)
        } else {
            self.read(memory)
        };
        self.finish(memory, value);
        self.write(other, old);
    }

    /// The sum into the first operand, what that was into the second.
    pub fn exchange_add(&self) {
        let b = self.read(1);
        let (a, sum) = self.modify(0, Some((Op::AmoAdd, b)), |a| a + b);
        self.write(1, a);
        self.finish(0, sum);
        self.sum_flags([a, b, self.no()], sum, true);
    }

    /// The second operand into the first if that equals the accumulator, else the first into the
    /// accumulator.
    pub fn compare_exchange(&self) {
        let (ty, new) = (self.ty(0), self.read(1));
        let wanted = self.accumulator(ty);
        let (old, equal) = if self.is_memory(0) && self.is_locked() {
            let old = self.cas(self.place(0), wanted, new);
            (old, old.eq(wanted))
        } else {
            let old = self.read(0);
            let equal = old.eq(wanted);
            if self.is_memory(0) {
                // Memory is written in either case.
                self.store(self.place(0), self.select(equal, new, old));
            }
            (old, equal)
        };
        let whole = self.get(I64, slots::RAX);
        let seen = match ty {
            I64 | I32 => old.zext(I64),
            _ => whole.deposit(0, ty.bits(), old.zext(I64)),
        };
        let accumulator = self.select(equal, whole, seen);
        self.out.set(slots::RAX, accumulator);
        if !self.is_memory(0) {
            // What is not exchanged keeps its upper half too.
            let register = self.insn.op0_register();
            let (register, new) = if ty == I32 {
                (register.full_register(), new.zext(I64))
            } else {
                (register, new)
            };
            let kept = self.register(register);
            self.set_register(register, self.select(equal, new, kept));
        }
        self.compare(wanted, old);
    }
}
