//! Every trap: interrupts are counted and served, anything else is reported and ends the run.
#![expect(unsafe_code, reason = "a trap vector can only be assembly")]
// UNSAFETY: the vector saves every integer register before Rust runs and restores all of them.
// Handlers do no floating-point arithmetic, so those registers need no saving.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::riscv::{self, csr};
use crate::sbi::{self, Reason, Stop};
use crate::{console, plic, println, timer};

global_asm!(
    r#"
    .text
    .balign 4
trap_entry:
    csrrw   sp, sscratch, sp        // a stack of our own, even if the other one is the trouble
    addi    sp, sp, -272
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, 8*\n(sp)
    .endr
    csrr    t0, sscratch
    sd      t0, 16(sp)
    csrr    t0, sepc
    sd      t0, 256(sp)
    mv      a0, sp
    call    handle_trap
    ld      t0, 256(sp)
    csrw    sepc, t0
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, 8*\n(sp)
    .endr
    addi    sp, sp, 272
    csrrw   sp, sscratch, sp
    sret
    "#
);

/// What the vector saved.
#[repr(C)]
struct Frame {
    /// x0 to x31; the place of x0 is unused.
    registers: [u64; 32],
    /// Where the trap happened.
    epc: u64,
}

const INTERRUPT: u64 = 1 << 63;
const TIMER: u64 = INTERRUPT | 5;
const EXTERNAL: u64 = INTERRUPT | 9;
const ILLEGAL_INSTRUCTION: u64 = 2;

static TIMER_INTERRUPTS: AtomicU64 = AtomicU64::new(0);
static UART_INTERRUPTS: AtomicU64 = AtomicU64::new(0);
static OTHER_INTERRUPTS: AtomicU64 = AtomicU64::new(0);

/// Interrupts so far.
pub struct Counts {
    /// Timer interrupts.
    pub timer: u64,
    /// Interrupts from the serial line.
    pub uart: u64,
    /// Interrupts nobody asked for.
    pub other: u64,
}

/// Interrupts so far.
pub fn counts() -> Counts {
    Counts {
        timer: TIMER_INTERRUPTS.load(Relaxed),
        uart: UART_INTERRUPTS.load(Relaxed),
        other: OTHER_INTERRUPTS.load(Relaxed),
    }
}

fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

/// Called by the vector.
#[unsafe(no_mangle)]
extern "C" fn handle_trap(frame: &mut Frame) {
    match riscv::read::<{ csr::SCAUSE }>() {
        TIMER => {
            add_one(&TIMER_INTERRUPTS);
            timer::fired();
        }
        EXTERNAL => plic::serve(|line| {
            if line == plic::uart_line() {
                add_one(&UART_INTERRUPTS);
                console::receive();
            } else {
                add_one(&OTHER_INTERRUPTS);
            }
        }),
        // Probes are full-length instructions.
        ILLEGAL_INSTRUCTION if riscv::probe_failed() => frame.epc += 4,
        cause => unexpected(cause, frame),
    }
}

fn cause_name(cause: u64) -> &'static str {
    match cause {
        0 => "instruction address misaligned",
        1 => "instruction access fault",
        2 => "illegal instruction",
        3 => "breakpoint",
        4 => "load address misaligned",
        5 => "load access fault",
        6 => "store address misaligned",
        7 => "store access fault",
        8 => "environment call from U-mode",
        9 => "environment call from S-mode",
        12 => "instruction page fault",
        13 => "load page fault",
        15 => "store page fault",
        INTERRUPT.. => "unexpected interrupt",
        _ => "unknown cause",
    }
}

/// The usual names of x0 to x31.
const REGISTER_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

fn unexpected(cause: u64, frame: &Frame) -> ! {
    println!();
    println!("unexpected trap: {} (scause {cause:#x})", cause_name(cause));
    println!(
        "  epc {:016x}  tval {:016x}",
        frame.epc,
        riscv::read::<{ csr::STVAL }>()
    );
    for (index, value) in frame.registers.iter().enumerate().skip(1) {
        let separator = if index % 4 == 0 || index == 31 {
            "\n"
        } else {
            ""
        };
        crate::print!("  {:>4} {value:016x}{separator}", REGISTER_NAMES[index]);
    }
    console::flush();
    sbi::system_reset(Stop::Off, Reason::SystemFailure);
    riscv::halt()
}
