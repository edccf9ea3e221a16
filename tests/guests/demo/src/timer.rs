//! The timer: a heartbeat once a second, and single shots for measuring.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::riscv::{self, csr};
use crate::sbi;

/// Whether the hart has `stimecmp`; otherwise the firmware sets the timer.
static HAS_SSTC: AtomicBool = AtomicBool::new(false);
/// Ticks a second.
static TIMEBASE: AtomicU64 = AtomicU64::new(10_000_000);
/// When the armed interrupt is due.
static DEADLINE: AtomicU64 = AtomicU64::new(0);
/// How late the last one came, in ticks.
static LATENESS: AtomicU64 = AtomicU64::new(0);
/// Interrupts served, to wait for one.
static FIRED: AtomicU64 = AtomicU64::new(0);

/// Starts the heartbeat.
pub fn start(timebase: u64, sstc_announced: bool) {
    TIMEBASE.store(timebase.max(1), Relaxed);
    // Announced and opened by the firmware are two things.
    let opened = sstc_announced && riscv::try_read::<{ csr::STIMECMP }>().is_some();
    HAS_SSTC.store(opened, Relaxed);
    arm(riscv::time() + timebase);
    riscv::set::<{ csr::SIE }>(riscv::TIMER_ENABLE);
}

/// What sets the timer, in words.
pub fn source() -> &'static str {
    if HAS_SSTC.load(Relaxed) {
        "stimecmp (Sstc)"
    } else {
        "SBI TIME"
    }
}

fn arm(deadline: u64) {
    DEADLINE.store(deadline, Relaxed);
    if HAS_SSTC.load(Relaxed) {
        riscv::write::<{ csr::STIMECMP }>(deadline);
    } else {
        sbi::set_timer(deadline);
    }
}

/// For the interrupt handler: notes the time and arms the next heartbeat.
pub fn fired() {
    let now = riscv::time();
    LATENESS.store(now.saturating_sub(DEADLINE.load(Relaxed)), Relaxed);
    FIRED.store(FIRED.load(Relaxed) + 1, Relaxed);
    arm(now + TIMEBASE.load(Relaxed));
}

/// Sleeps for `ticks` and says how many ticks late the wake-up came.
pub fn nap(ticks: u64) -> u64 {
    riscv::interrupts(false);
    let before = FIRED.load(Relaxed);
    arm(riscv::time() + ticks);
    riscv::sleep_until(|| FIRED.load(Relaxed) != before);
    LATENESS.load(Relaxed)
}

/// Ticks as microseconds.
pub fn microseconds(ticks: u64) -> u64 {
    let timebase = TIMEBASE.load(Relaxed);
    ticks / timebase * 1_000_000 + ticks % timebase * 1_000_000 / timebase
}
