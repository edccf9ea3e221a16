//! The first instructions: the image header, the stack, a cleared `.bss`, then `start`.
//!
//! The header is the one of the RISC-V Linux boot protocol ("Boot image header in RISC-V Linux"),
//! so that every loader for kernels takes this image for one.
#![expect(
    unsafe_code,
    reason = "the first instructions of a guest can only be assembly"
)]
// UNSAFETY: assembly that runs before there is a stack, and the one symbol that it calls.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.header, "ax"
    .globl _start
    .option push
    .option norvc
_start:
    j       1f
    .word   0
    .dword  0x200000                // from the start of RAM
    .dword  image_end - image_start
    .dword  0                       // flags: little endian
    .word   2                       // header version 0.2
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0
1:
    .option pop
    csrw    sie, zero
    csrw    sip, zero
    .option push
    .option norelax
    la      gp, image_start
    .option pop
    la      t0, trap_entry
    csrw    stvec, t0
    la      t0, trap_stack_top
    csrw    sscratch, t0
    la      sp, stack_top
    la      t0, bss_start
    la      t1, bss_end
2:
    bgeu    t0, t1, 3f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       2b
3:
    li      t0, 0x6000              // the floating-point state starts off: make it clean
    csrc    sstatus, t0
    li      t0, 0x2000
    csrs    sstatus, t0
    call    start
4:
    wfi
    j       4b
    "#
);

/// Called once by the assembly above.
#[unsafe(no_mangle)]
extern "C" fn start(hart: usize, device_tree: usize) -> ! {
    crate::run(hart, device_tree)
}

/// The first address behind the image, its stacks included.
pub fn image_end() -> usize {
    unsafe extern "C" {
        static image_end: u8;
    }
    (&raw const image_end).addr()
}

/// The first address of the image.
pub fn image_start() -> usize {
    unsafe extern "C" {
        static image_start: u8;
    }
    (&raw const image_start).addr()
}
