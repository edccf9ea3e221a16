//! Gates on AArch64 hosts.
//!
//! Native code gets the CPU, the head, the block that was left and the fuel in `x2` to `x5`, as
//! Cranelift's convention for tail calls has it, and the return address in `x30`. Between
//! functions it leaves `x16` and `x17` to nobody.
#![expect(unsafe_code, reason = "assembly; see UNSAFETY")]
// UNSAFETY: native code and handlers share no calling convention that the language knows, so the
// crossings are written by hand. Functions called from here follow the C convention; they get the
// CPU that native code runs for, and a block that is alive.

#[path = "hooks.rs"]
mod hooks;

use std::arch::naked_asm;
use std::mem::offset_of;

use super::Places;
use super::gates::Table;
use crate::cpu::Cpu;
use crate::flat::{Code, Flat, Handler};
use hooks::Out;

hooks::hooks_as!(to, "C");

/// A piece of assembly.
pub type Gate = unsafe extern "C" fn();

/// Whether native code can be run.
pub const AVAILABLE: bool = true;

/// See [`super::KEEPS_FRAMES`].
pub const KEEPS_FRAMES: bool = true;

/// The gates of this host; only code without frames has stubs that lead to those for misses.
pub const GATES: Table<Gate> = Table {
    left_by: [left_by_first, left_by_second, left_by_third],
    unknown,
    flat,
    dead,
    miss,
    miss_float: miss,
    fuel,
    pages,
    next,
    trap,
    call,
    special,
    miss_at: miss,
};

/// The handler that stands first in a block which has native code.
pub const HOOK: Handler = hook;

/// What the gate for misses calls when it has saved the registers.
unsafe extern "C" fn missed(
    cpu: *mut Cpu,
    what: u64,
    addr: u64,
    code: *const Code,
    fuel: i64,
) -> Out {
    // SAFETY: see UNSAFETY.
    unsafe { hooks::miss(cpu, what, addr, code, fuel) }
}

/// Enters a block from outside: saves what handlers and native code may change.
///
/// # Safety
///
/// As for [`crate::control::enter`].
#[unsafe(naked)]
pub unsafe extern "C" fn run(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    naked_asm!(
        "stp x29, x30, [sp, #-160]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x9, sp",
        "str x9, [x0, #{stack}]",
        "bl {enter}",
        "b {leave}",
        stack = const offset_of!(Cpu, stack),
        enter = sym to::begin,
        leave = sym leave,
    )
}

/// The end of [`run`]: gates that unwind come here, too, with its stack pointer.
#[unsafe(naked)]
unsafe extern "C" fn leave() {
    naked_asm!(
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
    )
}

/// From handlers to native code: the fuel is checked again there.
#[unsafe(naked)]
unsafe extern "C" fn hook(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    naked_asm!(
        "ldr x3, [x0, #{code}]",
        "ldr x9, [x3, #{insns}]",
        "add x5, x2, x9",
        "mov x10, #{bias}",
        "add x2, x0, x10",
        "ldr x9, [x3]",
        "br x9",
        bias = const Places::BIAS,
        code = const offset_of!(Cpu, code),
        insns = const offset_of!(Code, insns),
    )
}

/// A gate that jumps to a function with the CPU, the head, the fuel and the block that was left.
macro_rules! way_out {
    ($($name:ident $to:ident, $($first:literal)?;)+) => { $(
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "mov x9, #{bias}",
                "sub x0, x2, x9",
                "mov x1, x3",
                "mov x2, x5",
                "mov x3, x4",
                $($first,)?
                "b {to}",
                bias = const Places::BIAS,
                to = sym to::$to,
            )
        }
    )+ };
}

way_out! {
    left_by_first left_by, "mov x1, #0";
    left_by_second left_by, "mov x1, #1";
    left_by_third left_by, "mov x1, #2";
    unknown unknown,;
    flat flat,;
    dead dead,;
    fuel fuel,;
    pages pages,;
    next next,;
    trap trap,;
}

/// A gate that calls a function with the arguments that it got, of which the last is the fuel, and
/// returns if that returns zero.
macro_rules! call_out {
    ($($name:ident $to:ident;)+) => { $(
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "stp x29, x30, [sp, #-16]!",
                "mov x9, #{bias}",
                "sub x0, x0, x9",
                "str x6, [x0, #{fuel}]",
                "bl {to}",
                "ldp x29, x30, [sp], #16",
                "cbnz x0, 2f",
                "ret",
                "2:",
                "mov sp, x0",
                "mov x0, x1",
                "b {leave}",
                bias = const Places::BIAS,
                fuel = const offset_of!(Cpu, fuel),
                leave = sym leave,
                to = sym to::$to,
            )
        }
    )+ };
}

call_out! {
    call call;
    special special;
}

/// A gate that keeps all registers. The arguments are a miss, the address that was compared, the
/// block, the CPU, the fuel.
#[unsafe(naked)]
unsafe extern "C" fn miss() {
    naked_asm!(
        "sub sp, sp, #656",
        "stp x0, x1, [sp, #0]",
        "stp x2, x3, [sp, #16]",
        "stp x4, x5, [sp, #32]",
        "stp x6, x7, [sp, #48]",
        "stp x8, x9, [sp, #64]",
        "stp x10, x11, [sp, #80]",
        "stp x12, x13, [sp, #96]",
        "stp x14, x15, [sp, #112]",
        "str x30, [sp, #128]",
        "stp q0, q1, [sp, #144]",
        "stp q2, q3, [sp, #176]",
        "stp q4, q5, [sp, #208]",
        "stp q6, q7, [sp, #240]",
        "stp q8, q9, [sp, #272]",
        "stp q10, q11, [sp, #304]",
        "stp q12, q13, [sp, #336]",
        "stp q14, q15, [sp, #368]",
        "stp q16, q17, [sp, #400]",
        "stp q18, q19, [sp, #432]",
        "stp q20, q21, [sp, #464]",
        "stp q22, q23, [sp, #496]",
        "stp q24, q25, [sp, #528]",
        "stp q26, q27, [sp, #560]",
        "stp q28, q29, [sp, #592]",
        "stp q30, q31, [sp, #624]",
        "mov x9, #{bias}",
        "sub x9, x3, x9",
        "mov x3, x2",
        "mov x2, x1",
        "mov x1, x0",
        "mov x0, x9",
        "bl {miss}",
        "cbnz x0, 2f",
        "ldp x2, x3, [sp, #16]",
        "ldp x4, x5, [sp, #32]",
        "ldp x6, x7, [sp, #48]",
        "ldp x8, x9, [sp, #64]",
        "ldp x10, x11, [sp, #80]",
        "ldp x12, x13, [sp, #96]",
        "ldp x14, x15, [sp, #112]",
        "ldr x30, [sp, #128]",
        "ldp q0, q1, [sp, #144]",
        "ldp q2, q3, [sp, #176]",
        "ldp q4, q5, [sp, #208]",
        "ldp q6, q7, [sp, #240]",
        "ldp q8, q9, [sp, #272]",
        "ldp q10, q11, [sp, #304]",
        "ldp q12, q13, [sp, #336]",
        "ldp q14, q15, [sp, #368]",
        "ldp q16, q17, [sp, #400]",
        "ldp q18, q19, [sp, #432]",
        "ldp q20, q21, [sp, #464]",
        "ldp q22, q23, [sp, #496]",
        "ldp q24, q25, [sp, #528]",
        "ldp q26, q27, [sp, #560]",
        "ldp q28, q29, [sp, #592]",
        "ldp q30, q31, [sp, #624]",
        "ldp x0, x1, [sp]",
        "add sp, sp, #656",
        "ret",
        "2:",
        "mov sp, x0",
        "mov x0, x1",
        "b {leave}",
        bias = const Places::BIAS,
        leave = sym leave,
        miss = sym missed,
    )
}
