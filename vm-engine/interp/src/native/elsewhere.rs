//! Hosts without gates: blocks have no native code there.
#![expect(unsafe_code, reason = "enters handlers; see UNSAFETY")]
// UNSAFETY: as in `control`. The gates are never reached, since nothing leads to native code.

use super::gates::Table;
use crate::control::enter;
use crate::cpu::Cpu;
use crate::flat::{Code, Flat, Handler};

/// Stands where a gate would be.
pub type Gate = fn();

/// Whether native code can be run.
pub const AVAILABLE: bool = false;

/// See [`super::KEEPS_FRAMES`].
pub const KEEPS_FRAMES: bool = true;

/// Never reached.
pub const GATES: Table<Gate> = Table {
    left_by: [nowhere; 3],
    unknown: nowhere,
    flat: nowhere,
    dead: nowhere,
    miss: nowhere,
    miss_float: nowhere,
    fuel: nowhere,
    pages: nowhere,
    next: nowhere,
    trap: nowhere,
    call: nowhere,
    special: nowhere,
    miss_at: nowhere,
};

/// The handler that stands first in a block which has native code: there is none.
pub const HOOK: Handler = hook;

fn nowhere() {
    unreachable!("there is no native code on this host");
}

unsafe extern "C" fn hook(_: *mut Cpu, _: *const Flat, _: i64) -> i64 {
    unreachable!("there is no native code on this host");
}

/// Enters a block.
///
/// # Safety
///
/// As for [`enter`].
pub unsafe fn run(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    // SAFETY: as above.
    unsafe { enter(cpu, code, pc, fuel) }
}
