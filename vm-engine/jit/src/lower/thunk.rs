//! The way from generated code into a helper and back.
//!
//! Generated code calls a stub with the convention `PreserveAll`: no register changes.
//! It passes the address of the [`Helpers`], in which the operands stand.
//! The stub names the helper to `keep`, which saves what a function may change, aligns the stack
//! (generated code on x86-64 may run without its frame, and then the stack is off by a word),
//! calls, and leaves the answer in [`Helpers`].
//! Registers that Cranelift keeps for itself as scratch (x16 and x17, t5 and t6) are not saved.
#![expect(
    unsafe_code,
    reason = "saving registers is what no other code can do; see UNSAFETY"
)]
// UNSAFETY: the stubs are entered by generated code only, with the address of a `Helpers` as their
// first operand.

use std::arch::naked_asm;

use super::helpers::{Helpers, Routine};

/// The address of a stub; nothing is called by this type.
pub(super) type Stub = unsafe extern "C" fn();

/// Names a helper by its number, and goes on in `keep`.
// HOST-ARCH: `rax`, whose own value goes to the stack.
#[cfg(target_arch = "x86_64")]
macro_rules! stub {
    ($number:expr) => {
        naked_asm!(
            "push rax",
            "mov eax, {number}",
            "jmp {keep}",
            number = const $number,
            keep = sym keep,
        )
    };
}

/// Names a helper by its number, and goes on in `keep`.
// HOST-ARCH: `x16`, which belongs to nobody between functions.
#[cfg(target_arch = "aarch64")]
macro_rules! stub {
    ($number:expr) => {
        naked_asm!(
            "mov x16, #{number}",
            "b {keep}",
            number = const $number,
            keep = sym keep,
        )
    };
}

/// Names a helper by its number, and goes on in `keep`.
// HOST-ARCH: `t6`, which Cranelift keeps for itself; a far jump would spoil `t1`.
#[cfg(target_arch = "riscv64")]
macro_rules! stub {
    ($number:expr) => {
        naked_asm!(
            "li t6, {number}",
            "jump {keep}, t5",
            number = const $number,
            keep = sym keep,
        )
    };
}

/// The stub of [`Routine::EVAL`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn eval_stub() {
    stub!(Routine::EVAL.0)
}

/// The stub of a floating-point operation.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn float_stub<const OP: u8, const TY: u8, const FROM: u8>() {
    stub!(Routine::numbered(OP, TY, FROM).0)
}

/// Saves, aligns, calls the helper with the number in `rax`, whose own value is on the stack.
// HOST-ARCH: the registers of x86-64 that a System V function may change.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn keep() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "and rsp, -16",
        "sub rsp, 320",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "mov [rsp + 48], r10",
        "mov [rsp + 56], r11",
        "movaps [rsp + 64], xmm0",
        "movaps [rsp + 80], xmm1",
        "movaps [rsp + 96], xmm2",
        "movaps [rsp + 112], xmm3",
        "movaps [rsp + 128], xmm4",
        "movaps [rsp + 144], xmm5",
        "movaps [rsp + 160], xmm6",
        "movaps [rsp + 176], xmm7",
        "movaps [rsp + 192], xmm8",
        "movaps [rsp + 208], xmm9",
        "movaps [rsp + 224], xmm10",
        "movaps [rsp + 240], xmm11",
        "movaps [rsp + 256], xmm12",
        "movaps [rsp + 272], xmm13",
        "movaps [rsp + 288], xmm14",
        "movaps [rsp + 304], xmm15",
        "mov rsi, [rdi + {words}]",
        "mov rdx, [rdi + {words} + 8]",
        "mov rcx, [rdi + {words} + 16]",
        "mov r8, [rdi + {words} + 24]",
        "call [rdi + 8 * rax + {code}]",
        "mov rdi, [rsp]",
        "mov [rdi + {result}], rax",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "mov r10, [rsp + 48]",
        "mov r11, [rsp + 56]",
        "movaps xmm0, [rsp + 64]",
        "movaps xmm1, [rsp + 80]",
        "movaps xmm2, [rsp + 96]",
        "movaps xmm3, [rsp + 112]",
        "movaps xmm4, [rsp + 128]",
        "movaps xmm5, [rsp + 144]",
        "movaps xmm6, [rsp + 160]",
        "movaps xmm7, [rsp + 176]",
        "movaps xmm8, [rsp + 192]",
        "movaps xmm9, [rsp + 208]",
        "movaps xmm10, [rsp + 224]",
        "movaps xmm11, [rsp + 240]",
        "movaps xmm12, [rsp + 256]",
        "movaps xmm13, [rsp + 272]",
        "movaps xmm14, [rsp + 288]",
        "movaps xmm15, [rsp + 304]",
        "mov rsp, rbp",
        "pop rbp",
        "pop rax",
        "ret",
        result = const Helpers::RESULT,
        words = const Helpers::WORDS,
        code = const Helpers::CODE,
    )
}

/// Saves, calls the helper with the number in `x16`.
// HOST-ARCH: the registers of AArch64 that a C function may change; of v8 to v15 it keeps only
// the low halves.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn keep() {
    naked_asm!(
        "sub sp, sp, #656",
        "stp x0, x1, [sp]",
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
        "ldp x1, x2, [x0, #{words}]",
        "ldp x3, x4, [x0, #{words} + 16]",
        "add x17, x0, #{code}",
        "ldr x16, [x17, x16, lsl #3]",
        "blr x16",
        "mov x16, x0",
        "ldp x0, x1, [sp]",
        "str x16, [x0, #{result}]",
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
        "add sp, sp, #656",
        "ret",
        result = const Helpers::RESULT,
        words = const Helpers::WORDS,
        code = const Helpers::CODE,
    )
}

/// Saves, calls the helper with the number in `t6`.
// HOST-ARCH: the registers of RISC-V that a C function may change.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
unsafe extern "C" fn keep() {
    naked_asm!(
        // What the target has, said again: a function of assembly alone is assembled without.
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
        "ld a1, {words}(a0)",
        "ld a2, {words} + 8(a0)",
        "ld a3, {words} + 16(a0)",
        "ld a4, {words} + 24(a0)",
        "slli t6, t6, 3",
        "add t6, t6, a0",
        "ld t6, {code}(t6)",
        "jalr t6",
        "mv t6, a0",
        "ld ra, 0(sp)",
        "ld a0, 8(sp)",
        "sd t6, {result}(a0)",
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
        ".option pop",
        result = const Helpers::RESULT,
        words = const Helpers::WORDS,
        code = const Helpers::CODE,
    )
}
