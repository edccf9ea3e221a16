//! The registers that the harness itself needs, without a run around the access.
#![expect(unsafe_code, reason = "control registers are reached by assembly only")]
// UNSAFETY: one instruction each; the harness keeps its own vector and stack intact.

use core::arch::asm;

use crate::csr;

macro_rules! table {
    ($($number:ident)*) => {
        /// Reads one of the registers of the harness.
        pub fn read(number: u32) -> u64 {
            let value: u64;
            match number {
                // SAFETY: a read without side effect.
                $(csr::$number => unsafe { asm!("csrr {}, {}", out(reg) value, const csr::$number) },)*
                _ => unreachable!("not a register of the harness"),
            }
            value
        }

        /// Writes one of the registers of the harness.
        pub fn write(number: u32, value: u64) {
            match number {
                // SAFETY: see the module's UNSAFETY line.
                $(csr::$number => unsafe { asm!("csrw {}, {}", const csr::$number, in(reg) value) },)*
                _ => unreachable!("not a register of the harness"),
            }
        }
    };
}

table! { MSTATUS MIE MIP SATP MIDELEG MEDELEG MTVEC STVEC MCOUNTEREN SCOUNTEREN MEPC }

/// Whether this is QEMU 7, which tells its version in `marchid`.
pub fn is_qemu_7() -> bool {
    let value: u64;
    // SAFETY: a read of an identity register.
    unsafe { asm!("csrr {}, marchid", out(reg) value) };
    value >> 16 == 7
}
