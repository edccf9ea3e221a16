//! Gates on RISC-V hosts.
//!
//! Native code gets the CPU, the head, the block that was left and the fuel in `a0` to `a3`, and
//! the return address in `ra`. Cranelift keeps `t5` and `t6` for itself.
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
        // What the target has, said again: a function of assembly alone is assembled without.
        ".option push",
        ".option arch, +d",
        "addi sp, sp, -208",
        "sd ra, 0(sp)",
        "sd s0, 8(sp)",
        "sd s1, 16(sp)",
        "sd s2, 24(sp)",
        "sd s3, 32(sp)",
        "sd s4, 40(sp)",
        "sd s5, 48(sp)",
        "sd s6, 56(sp)",
        "sd s7, 64(sp)",
        "sd s8, 72(sp)",
        "sd s9, 80(sp)",
        "sd s10, 88(sp)",
        "sd s11, 96(sp)",
        "fsd fs0, 104(sp)",
        "fsd fs1, 112(sp)",
        "fsd fs2, 120(sp)",
        "fsd fs3, 128(sp)",
        "fsd fs4, 136(sp)",
        "fsd fs5, 144(sp)",
        "fsd fs6, 152(sp)",
        "fsd fs7, 160(sp)",
        "fsd fs8, 168(sp)",
        "fsd fs9, 176(sp)",
        "fsd fs10, 184(sp)",
        "fsd fs11, 192(sp)",
        "sd sp, {stack}(a0)",
        "call {enter}",
        "tail {leave}",
        ".option pop",
        stack = const offset_of!(Cpu, stack),
        enter = sym to::begin,
        leave = sym leave,
    )
}

/// The end of [`run`]: gates that unwind come here, too, with its stack pointer.
#[unsafe(naked)]
unsafe extern "C" fn leave() {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        "ld ra, 0(sp)",
        "ld s0, 8(sp)",
        "ld s1, 16(sp)",
        "ld s2, 24(sp)",
        "ld s3, 32(sp)",
        "ld s4, 40(sp)",
        "ld s5, 48(sp)",
        "ld s6, 56(sp)",
        "ld s7, 64(sp)",
        "ld s8, 72(sp)",
        "ld s9, 80(sp)",
        "ld s10, 88(sp)",
        "ld s11, 96(sp)",
        "fld fs0, 104(sp)",
        "fld fs1, 112(sp)",
        "fld fs2, 120(sp)",
        "fld fs3, 128(sp)",
        "fld fs4, 136(sp)",
        "fld fs5, 144(sp)",
        "fld fs6, 152(sp)",
        "fld fs7, 160(sp)",
        "fld fs8, 168(sp)",
        "fld fs9, 176(sp)",
        "fld fs10, 184(sp)",
        "fld fs11, 192(sp)",
        "addi sp, sp, 208",
        "ret",
        ".option pop",
    )
}

/// From handlers to native code: the fuel is checked again there.
#[unsafe(naked)]
unsafe extern "C" fn hook(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    naked_asm!(
        "ld a1, {code}(a0)",
        "ld t1, {insns}(a1)",
        "add a3, a2, t1",
        "li t0, {bias}",
        "add a0, a0, t0",
        "ld t0, 0(a1)",
        "jr t0",
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
                "li t0, {bias}",
                "sub a0, a0, t0",
                "mv t0, a2",
                "mv a2, a3",
                "mv a3, t0",
                $($first,)?
                "tail {to}",
                bias = const Places::BIAS,
                to = sym to::$to,
            )
        }
    )+ };
}

way_out! {
    left_by_first left_by, "li a1, 0";
    left_by_second left_by, "li a1, 1";
    left_by_third left_by, "li a1, 2";
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
                "addi sp, sp, -16",
                "sd ra, 0(sp)",
                "li t0, {bias}",
                "sub a0, a0, t0",
                "sd a6, {fuel}(a0)",
                "call {to}",
                "ld ra, 0(sp)",
                "addi sp, sp, 16",
                "bnez a0, 2f",
                "ret",
                "2:",
                "mv sp, a0",
                "mv a0, a1",
                "tail {leave}",
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
        ".option push",
        ".option arch, +d",
        "addi sp, sp, -272",
        "sd ra, 0(sp)",
        "sd a0, 8(sp)",
        "sd a1, 16(sp)",
        "sd a2, 24(sp)",
        "sd a3, 32(sp)",
        "sd a4, 40(sp)",
        "sd a5, 48(sp)",
        "sd a6, 56(sp)",
        "sd a7, 64(sp)",
        "sd t0, 72(sp)",
        "sd t1, 80(sp)",
        "sd t2, 88(sp)",
        "sd t3, 96(sp)",
        "sd t4, 104(sp)",
        "fsd ft0, 112(sp)",
        "fsd ft1, 120(sp)",
        "fsd ft2, 128(sp)",
        "fsd ft3, 136(sp)",
        "fsd ft4, 144(sp)",
        "fsd ft5, 152(sp)",
        "fsd ft6, 160(sp)",
        "fsd ft7, 168(sp)",
        "fsd ft8, 176(sp)",
        "fsd ft9, 184(sp)",
        "fsd ft10, 192(sp)",
        "fsd ft11, 200(sp)",
        "fsd fa0, 208(sp)",
        "fsd fa1, 216(sp)",
        "fsd fa2, 224(sp)",
        "fsd fa3, 232(sp)",
        "fsd fa4, 240(sp)",
        "fsd fa5, 248(sp)",
        "fsd fa6, 256(sp)",
        "fsd fa7, 264(sp)",
        "li t1, {bias}",
        "sub t0, a3, t1",
        "mv a3, a2",
        "mv a2, a1",
        "mv a1, a0",
        "mv a0, t0",
        "call {miss}",
        "bnez a0, 2f",
        "ld ra, 0(sp)",
        "ld a0, 8(sp)",
        "ld a1, 16(sp)",
        "ld a2, 24(sp)",
        "ld a3, 32(sp)",
        "ld a4, 40(sp)",
        "ld a5, 48(sp)",
        "ld a6, 56(sp)",
        "ld a7, 64(sp)",
        "ld t0, 72(sp)",
        "ld t1, 80(sp)",
        "ld t2, 88(sp)",
        "ld t3, 96(sp)",
        "ld t4, 104(sp)",
        "fld ft0, 112(sp)",
        "fld ft1, 120(sp)",
        "fld ft2, 128(sp)",
        "fld ft3, 136(sp)",
        "fld ft4, 144(sp)",
        "fld ft5, 152(sp)",
        "fld ft6, 160(sp)",
        "fld ft7, 168(sp)",
        "fld ft8, 176(sp)",
        "fld ft9, 184(sp)",
        "fld ft10, 192(sp)",
        "fld ft11, 200(sp)",
        "fld fa0, 208(sp)",
        "fld fa1, 216(sp)",
        "fld fa2, 224(sp)",
        "fld fa3, 232(sp)",
        "fld fa4, 240(sp)",
        "fld fa5, 248(sp)",
        "fld fa6, 256(sp)",
        "fld fa7, 264(sp)",
        "addi sp, sp, 272",
        "ret",
        "2:",
        "mv sp, a0",
        "mv a0, a1",
        "tail {leave}",
        ".option pop",
        bias = const Places::BIAS,
        leave = sym leave,
        miss = sym missed,
    )
}
