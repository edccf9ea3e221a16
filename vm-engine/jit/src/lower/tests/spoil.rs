//! The worst that a helper can do to registers.
#![expect(unsafe_code, reason = "writes registers; see UNSAFETY")]
// UNSAFETY: each register that is written is declared.

use std::arch::asm;

/// Changes every register that a function may change.
// HOST-ARCH: the registers of x86-64.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip] // A list.
pub fn spoil() {
    // SAFETY: see UNSAFETY.
    unsafe {
        asm!(
            "pcmpeqd xmm0, xmm0", "pcmpeqd xmm1, xmm1", "pcmpeqd xmm2, xmm2",
            "pcmpeqd xmm3, xmm3", "pcmpeqd xmm4, xmm4", "pcmpeqd xmm5, xmm5",
            "pcmpeqd xmm6, xmm6", "pcmpeqd xmm7, xmm7", "pcmpeqd xmm8, xmm8",
            "pcmpeqd xmm9, xmm9", "pcmpeqd xmm10, xmm10", "pcmpeqd xmm11, xmm11",
            "pcmpeqd xmm12, xmm12", "pcmpeqd xmm13, xmm13", "pcmpeqd xmm14, xmm14",
            "pcmpeqd xmm15, xmm15", "mov rax, -1", "mov rcx, -1", "mov rdx, -1", "mov rsi, -1",
            "mov rdi, -1", "mov r8, -1", "mov r9, -1", "mov r10, -1", "mov r11, -1",
            clobber_abi("sysv64"),
        );
    }
}

/// Changes every register that a function may change.
// HOST-ARCH: the registers of AArch64; the low halves of v8 to v15 are kept by the compiler.
#[cfg(target_arch = "aarch64")]
#[rustfmt::skip] // A list.
pub fn spoil() {
    // SAFETY: see UNSAFETY.
    unsafe {
        asm!(
            "movi v0.16b, #255", "movi v1.16b, #255", "movi v2.16b, #255", "movi v3.16b, #255",
            "movi v4.16b, #255", "movi v5.16b, #255", "movi v6.16b, #255", "movi v7.16b, #255",
            "movi v8.16b, #255", "movi v9.16b, #255", "movi v10.16b, #255", "movi v11.16b, #255",
            "movi v12.16b, #255", "movi v13.16b, #255", "movi v14.16b, #255",
            "movi v15.16b, #255", "movi v16.16b, #255", "movi v17.16b, #255",
            "movi v18.16b, #255", "movi v19.16b, #255", "movi v20.16b, #255",
            "movi v21.16b, #255", "movi v22.16b, #255", "movi v23.16b, #255",
            "movi v24.16b, #255", "movi v25.16b, #255", "movi v26.16b, #255",
            "movi v27.16b, #255", "movi v28.16b, #255", "movi v29.16b, #255",
            "movi v30.16b, #255", "movi v31.16b, #255", "mov x0, #-1", "mov x1, #-1",
            "mov x2, #-1", "mov x3, #-1", "mov x4, #-1", "mov x5, #-1", "mov x6, #-1",
            "mov x7, #-1", "mov x8, #-1", "mov x9, #-1", "mov x10, #-1", "mov x11, #-1",
            "mov x12, #-1", "mov x13, #-1", "mov x14, #-1", "mov x15, #-1", "mov x16, #-1",
            "mov x17, #-1",
            out("v8") _, out("v9") _, out("v10") _, out("v11") _,
            out("v12") _, out("v13") _, out("v14") _, out("v15") _,
            clobber_abi("C"),
        );
    }
}

/// Changes every register that a function may change.
// HOST-ARCH: the registers of RISC-V.
#[cfg(target_arch = "riscv64")]
#[rustfmt::skip] // A list.
pub fn spoil() {
    // SAFETY: see UNSAFETY.
    unsafe {
        asm!(
            "li t0, -1", "li t1, -1", "li t2, -1", "li t3, -1", "li t4, -1", "li t5, -1",
            "li t6, -1", "li a0, -1", "li a1, -1", "li a2, -1", "li a3, -1", "li a4, -1",
            "li a5, -1", "li a6, -1", "li a7, -1", "fmv.d.x ft0, t0", "fmv.d.x ft1, t0",
            "fmv.d.x ft2, t0", "fmv.d.x ft3, t0", "fmv.d.x ft4, t0", "fmv.d.x ft5, t0",
            "fmv.d.x ft6, t0", "fmv.d.x ft7, t0", "fmv.d.x ft8, t0", "fmv.d.x ft9, t0",
            "fmv.d.x ft10, t0", "fmv.d.x ft11, t0", "fmv.d.x fa0, t0", "fmv.d.x fa1, t0",
            "fmv.d.x fa2, t0", "fmv.d.x fa3, t0", "fmv.d.x fa4, t0", "fmv.d.x fa5, t0",
            "fmv.d.x fa6, t0", "fmv.d.x fa7, t0",
            clobber_abi("C"),
        );
    }
}
