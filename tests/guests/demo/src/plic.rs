//! The platform-level interrupt controller, one source and one context of it.
//!
//! Offsets as in "RISC-V Platform-Level Interrupt Controller Specification", version 1.0.0.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::mmio::Registers;
use crate::riscv::{self, csr};

const ENABLE: usize = 0x2000;
const ENABLE_STRIDE: usize = 0x80;
const CONTEXT: usize = 0x20_0000;
const CONTEXT_STRIDE: usize = 0x1000;
/// Claim and complete, behind the threshold.
const CLAIM: usize = 4;

static CONTEXT_BASE: AtomicUsize = AtomicUsize::new(0);
static UART_LINE: AtomicU32 = AtomicU32::new(0);

/// Lets the serial line's interrupt through to this hart.
pub fn start(base: usize, context: usize, uart_line: u32) {
    let plic = Registers::at(base);
    let line = uart_line as usize;
    plic.write32(4 * line, 1);
    plic.write32(
        ENABLE + ENABLE_STRIDE * context + line / 32 * 4,
        1 << (line % 32),
    );
    let context_base = base + CONTEXT + CONTEXT_STRIDE * context;
    Registers::at(context_base).write32(0, 0);
    CONTEXT_BASE.store(context_base, Relaxed);
    UART_LINE.store(uart_line, Relaxed);
    riscv::set::<{ csr::SIE }>(riscv::EXTERNAL_ENABLE);
}

/// The source that is the serial line.
pub fn uart_line() -> u32 {
    UART_LINE.load(Relaxed)
}

/// Claims, serves and completes until nothing is pending.
pub fn serve(mut handle: impl FnMut(u32)) {
    let context = Registers::at(CONTEXT_BASE.load(Relaxed));
    loop {
        let line = context.read32(CLAIM);
        if line == 0 {
            return;
        }
        handle(line);
        context.write32(CLAIM, line);
    }
}
