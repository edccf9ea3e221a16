//! Flags as a register, barriers, exceptions.

use vm_ir::Type::I64;
use vm_ir::{Op, Order, Val};

use super::{Gpr, Lift};
use crate::cause;

/// Where the flags N, Z, C and V stand in their register.
const FLAG_BITS: [u32; 4] = [31, 30, 29, 28];

impl<'a> Lift<'a> {
    /// The flags as the register `NZCV`.
    #[must_use]
    pub fn nzcv(&self) -> Val<'a> {
        let parts = self.flags().into_iter().zip(FLAG_BITS);
        let placed = parts.map(|(flag, bit)| flag.zext(I64) << i64::from(bit));
        placed
            .reduce(|a, b| a | b)
            .unwrap_or_else(|| self.imm(I64, 0))
    }

    /// Writes the register `NZCV`.
    pub fn set_nzcv(&self, r: Gpr) {
        let value = self.x(r);
        self.set_flags(FLAG_BITS.map(|bit| self.bit(value, bit)));
    }

    /// Reads the thread pointer.
    pub fn read_tpidr(&self, d: Gpr) {
        self.set(d, self.out.get(I64, crate::slots::TPIDR_EL0));
    }

    /// Writes the thread pointer.
    pub fn write_tpidr(&self, r: Gpr) {
        self.out.set(crate::slots::TPIDR_EL0, self.x(r));
    }

    /// Orders all earlier accesses before all later ones, whatever the option asks for.
    pub fn barrier(&self, _option: u32) {
        self.out.push(Op::Fence, I64, &[], Order::Sequential as u64);
    }

    /// Fetches the instructions behind this one anew.
    pub fn synchronize(&self, _option: u32) {
        self.out.next();
    }

    /// Ends the reservation.
    pub fn clear_reservation(&self) {
        self.out
            .set(crate::slots::RESERVATION, self.imm(I64, u64::MAX));
    }

    /// Ends the block with an exception whose value is known.
    pub fn exception(&self, cause: u32, value: u32) {
        let value = self.imm(I64, u64::from(value));
        self.out.trap(cause, value);
    }

    /// Ends the block: the instruction is none.
    pub fn unknown(&self, insn: u32) {
        self.exception(cause::UNKNOWN, insn);
    }
}
