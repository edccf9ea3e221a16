//! The instructions Rust has no words for: control registers, `wfi`, `ecall`, counters.
//!
//! Names and numbers are those of "The RISC-V Instruction Set Manual, Volume II".
#![expect(unsafe_code, reason = "privileged instructions exist in assembly only")]
// UNSAFETY: each wrapper is one instruction; none touches memory that Rust owns, except through
// the trap handler, which every block declares by not being `nomem`.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

/// Numbers of the control and status registers that the demo reads or writes.
pub mod csr {
    /// Supervisor status.
    pub const SSTATUS: u16 = 0x100;
    /// Supervisor interrupt enable.
    pub const SIE: u16 = 0x104;
    /// Why the last trap happened.
    pub const SCAUSE: u16 = 0x142;
    /// The address or instruction that the last trap is about.
    pub const STVAL: u16 = 0x143;
    /// When the supervisor timer interrupt comes (Sstc).
    pub const STIMECMP: u16 = 0x14d;
    /// Translation mode and root page table.
    pub const SATP: u16 = 0x180;
    /// Instructions retired.
    pub const INSTRET: u16 = 0xc02;
}

/// `sstatus.SIE`: interrupts are taken in S-mode.
const STATUS_SIE: u64 = 1 << 1;
/// `sie.STIE`.
pub const TIMER_ENABLE: u64 = 1 << 5;
/// `sie.SEIE`.
pub const EXTERNAL_ENABLE: u64 = 1 << 9;

/// Set while an instruction runs that may not exist; the trap handler then steps over it.
static PROBING: AtomicBool = AtomicBool::new(false);

/// Reads a register that every S-mode has.
pub fn read<const CSR: u16>() -> u64 {
    let value: u64;
    // SAFETY: a read has no side effect for any register in `csr`.
    unsafe { asm!("csrr {}, {}", out(reg) value, const CSR) };
    value
}

/// Writes a register that every S-mode has.
pub fn write<const CSR: u16>(value: u64) {
    // SAFETY: the callers keep the map and the trap vector intact.
    unsafe { asm!("csrw {1}, {0}", in(reg) value, const CSR) };
}

/// Sets bits of a register that every S-mode has.
pub fn set<const CSR: u16>(bits: u64) {
    // SAFETY: as for `write`.
    unsafe { asm!("csrs {1}, {0}", in(reg) bits, const CSR) };
}

/// Reads a register that may be missing or closed; `None` if the read trapped.
pub fn try_read<const CSR: u16>() -> Option<u64> {
    PROBING.store(true, Ordering::Relaxed);
    let value: u64;
    // SAFETY: if the read traps, the handler steps over it, and `value` keeps its zero.
    unsafe {
        asm!(
            ".option push", ".option norvc", "csrr {}, {}", ".option pop",
            inout(reg) 0u64 => value, const CSR
        );
    }
    PROBING.swap(false, Ordering::Relaxed).then_some(value)
}

/// For the trap handler: whether the trap was a probe's, which is then answered with "no".
pub fn probe_failed() -> bool {
    PROBING.swap(false, Ordering::Relaxed)
}

/// Ticks of the platform's timebase.
pub fn time() -> u64 {
    let value: u64;
    // SAFETY: `time` is a read-only counter.
    unsafe { asm!("rdtime {}", out(reg) value, options(nomem, nostack)) };
    value
}

/// Stops until an interrupt is pending, whether or not it would be taken.
fn wait_for_interrupt() {
    // SAFETY: a hint.
    unsafe { asm!("wfi") };
}

/// Lets interrupts in, or keeps them out.
pub fn interrupts(on: bool) {
    if on {
        set::<{ csr::SSTATUS }>(STATUS_SIE);
    } else {
        // SAFETY: closing interrupts breaks no invariant.
        unsafe { asm!("csrc sstatus, {}", in(reg) STATUS_SIE) };
    }
}

/// Sleeps until `ready` holds. It is asked with interrupts off, so none can slip in between
/// the question and the `wfi`, which wakes for a pending interrupt even then.
pub fn sleep_until(mut ready: impl FnMut() -> bool) {
    loop {
        interrupts(false);
        if ready() {
            interrupts(true);
            return;
        }
        wait_for_interrupt();
        interrupts(true);
    }
}

/// Forgets every translation of this hart.
pub fn flush_translations() {
    // SAFETY: a fence.
    unsafe { asm!("sfence.vma") };
}

/// One call of the Supervisor Binary Interface: (error, value).
pub fn ecall(extension: u64, function: u64, arguments: [u64; 3]) -> (i64, u64) {
    let error: i64;
    let value: u64;
    // SAFETY: the firmware changes a0 and a1 only, and no memory for the calls made here.
    unsafe {
        asm!(
            "ecall",
            inout("a0") arguments[0] => error,
            inout("a1") arguments[1] => value,
            in("a2") arguments[2],
            in("a6") function,
            in("a7") extension,
        );
    }
    (error, value)
}

/// A few registers for the report of a panic: pc, ra, sp, gp.
#[inline(never)]
pub fn registers() -> [u64; 4] {
    let (pc, ra, sp, gp);
    // SAFETY: reads only.
    unsafe {
        asm!(
            "auipc {}, 0", "mv {}, ra", "mv {}, sp", "mv {}, gp",
            out(reg) pc, out(reg) ra, out(reg) sp, out(reg) gp,
            options(nomem, nostack),
        );
    }
    [pc, ra, sp, gp]
}

/// Stops this hart for good.
pub fn halt() -> ! {
    interrupts(false);
    loop {
        wait_for_interrupt();
    }
}
