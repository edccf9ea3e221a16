//! The first instructions, the way into a check's code, and the trap vectors that lead out of it.
#![expect(
    unsafe_code,
    reason = "trap vectors and mode changes can only be assembly"
)]
// UNSAFETY: `enter` saves what the calling convention asks for before it gives every register to
// the checked code, and the M-mode vector restores it.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.entry, "ax"
    .globl _start
_start:
    csrw    mie, zero
    csrw    mscratch, zero
    csrr    t0, mhartid
    bnez    t0, 4f                  // the checks run on hart 0 only
    la      t0, m_trap
    csrw    mtvec, t0
    la      sp, stack_top
    la      t0, bss_start
    la      t1, bss_end
1:
    bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:
    call    start
4:
    wfi
    j       4b

    .text
// enter(frame): gives x1 to x31 the values of the frame and leaves by mret. Returns when a trap
// reaches M-mode, with the registers of that moment in the frame.
    .globl enter
enter:
    addi    sp, sp, -128
    .irp r, 1,3,4,8,9
    sd      x\r, 8*(\r-1)(sp)
    .endr
    sd      s2, 72(sp)
    sd      s3, 80(sp)
    sd      s4, 88(sp)
    sd      s5, 96(sp)
    sd      s6, 104(sp)
    sd      s7, 112(sp)
    sd      s8, 120(sp)
    addi    sp, sp, -32
    sd      s9, 0(sp)
    sd      s10, 8(sp)
    sd      s11, 16(sp)
    sd      sp, 0(a0)               // the place of x0
    csrw    mscratch, a0
    fence.i
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, 8*\n(a0)
    .endr
    ld      a0, 80(a0)
    mret

    .balign 4
    .globl m_trap
m_trap:
    csrrw   a0, mscratch, a0
    beqz    a0, 1f
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, 8*\n(a0)
    .endr
    csrrw   t0, mscratch, zero
    sd      t0, 80(a0)
    csrr    t0, mcause
    sd      t0, 256(a0)
    csrr    t0, mepc
    sd      t0, 264(a0)
    csrr    t0, mtval
    sd      t0, 272(a0)
    csrr    t0, mstatus
    sd      t0, 280(a0)
    ld      sp, 0(a0)
    ld      s9, 0(sp)
    ld      s10, 8(sp)
    ld      s11, 16(sp)
    addi    sp, sp, 32
    .irp r, 1,3,4,8,9
    ld      x\r, 8*(\r-1)(sp)
    .endr
    ld      s2, 72(sp)
    ld      s3, 80(sp)
    ld      s4, 88(sp)
    ld      s5, 96(sp)
    ld      s6, 104(sp)
    ld      s7, 112(sp)
    ld      s8, 120(sp)
    addi    sp, sp, 128
    ret
1:
    la      sp, stack_top           // a trap of the checks themselves
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    call    lost
2:
    j       2b

// A trap that was delegated to S-mode: tells M-mode about it by an ecall with a mark in a7.
    .balign 4
    .globl s_trap
s_trap:
    csrr    a1, scause
    csrr    a2, sepc
    csrr    a3, stval
    csrr    a4, sstatus
    li      a7, 0x5354
    ecall
    j       s_trap

// A vector table whose entries leave their number in the frame, for M-mode.
    .macro  vector n
    .balign 4
vector_\n:
    csrrw   a0, mscratch, a0
    sd      t0, 40(a0)
    li      t0, \n
    sd      t0, 288(a0)
    ld      t0, 40(a0)
    csrrw   a0, mscratch, a0
    j       m_trap
    .endm
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vector  \n
    .endr

    .balign 256
    .globl m_vectors
    .option push
    .option norvc
m_vectors:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    j       vector_\n
    .endr
    .option pop
    "#
);

/// Registers on the way in and on the way out.
#[repr(C)]
#[derive(Default)]
pub struct Frame {
    /// x0 to x31; the place of x0 keeps the stack pointer of the checks.
    pub registers: [u64; 32],
    /// `mcause` of the trap that ended the run.
    pub cause: u64,
    /// `mepc`.
    pub epc: u64,
    /// `mtval`.
    pub tval: u64,
    /// `mstatus` after the trap.
    pub status: u64,
    /// The vector taken, when the table is in use.
    pub vector: u64,
}

unsafe extern "C" {
    fn enter(frame: *mut Frame);
    static m_trap: u8;
    static s_trap: u8;
    static m_vectors: u8;
}

/// Where the code runs, and which vectors catch it.
pub mod vector {
    /// The M-mode vector.
    pub fn m() -> u64 {
        (&raw const super::m_trap).addr() as u64
    }

    /// The S-mode vector.
    pub fn s() -> u64 {
        (&raw const super::s_trap).addr() as u64
    }

    /// The table for vectored mode.
    pub fn table() -> u64 {
        (&raw const super::m_vectors).addr() as u64
    }
}

/// Runs from `mepc` in the mode of `mstatus.MPP` until a trap reaches M-mode.
pub fn run(frame: &mut Frame) {
    // SAFETY: the frame outlives the run, and checked code only writes memory set aside for it.
    unsafe { enter(frame) };
}

/// Called once by the assembly above.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    crate::all()
}

/// Called when a trap hits outside of a run: the checks themselves are wrong, or the machine is.
#[unsafe(no_mangle)]
extern "C" fn lost(cause: u64, epc: u64, tval: u64) -> ! {
    crate::report::lost(cause, epc, tval)
}
