//! What a check says: one line each on the serial line, and a count at the end.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::memory::{UART, finish, read8, write8};

static PASSED: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicU32 = AtomicU32::new(0);
static SKIPPED: AtomicU32 = AtomicU32::new(0);

/// Line status, and its bit for an empty transmitter.
const LINE_STATUS: u64 = 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// The target of `print!`.
pub struct Line;

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            while read8(UART + LINE_STATUS) & TRANSMITTER_EMPTY == 0 {}
            write8(UART, byte);
        }
        Ok(())
    }
}

/// Formats to the serial line.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        // The line takes every byte, so there is no error to look at.
        let _ = write!($crate::report::Line, $($argument)*);
    }};
}

fn add_one(counter: &AtomicU32) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

/// One check: what came, and what should.
pub fn check<T: PartialEq + fmt::Debug>(name: fmt::Arguments<'_>, got: T, want: T) {
    if got == want {
        add_one(&PASSED);
        print!("ok {name}\n");
    } else {
        add_one(&FAILED);
        print!("FAIL {name} got {got:x?} want {want:x?}\n");
    }
}

/// A check that this machine has no use for, and why.
pub fn skip(name: impl fmt::Display, reason: &str) {
    add_one(&SKIPPED);
    print!("skip {name} {reason}\n");
}

/// The last line, and the end of the machine.
pub fn end() -> ! {
    let (passed, failed) = (PASSED.load(Relaxed), FAILED.load(Relaxed));
    print!(
        "{passed} ok, {failed} failed, {} skipped\n",
        SKIPPED.load(Relaxed)
    );
    finish(failed)
}

/// A trap outside of a run.
pub fn lost(cause: u64, epc: u64, tval: u64) -> ! {
    print!("FAIL lost got trap {cause:x} at {epc:x} tval {tval:x} want none\n");
    finish(1)
}

/// A check that QEMU 7 is known to fail; there it is skipped, and strict everywhere else.
pub fn check_newer<T: PartialEq + fmt::Debug>(name: fmt::Arguments<'_>, got: T, want: T) {
    if got != want && crate::raw::is_qemu_7() {
        skip(name, "QEMU 7 does otherwise");
    } else {
        check(name, got, want);
    }
}

/// A check that QEMU is known to fail in one way: exactly that is skipped. A machine that wants to
/// follow the manual must not show this line.
pub fn check_peer<T: PartialEq + fmt::Debug>(name: fmt::Arguments<'_>, got: T, want: T, peer: T) {
    if got != want && got == peer {
        skip(name, "as QEMU does, against the manual");
    } else {
        check(name, got, want);
    }
}
