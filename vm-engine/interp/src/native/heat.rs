//! A block that has been entered often.
#![expect(unsafe_code, reason = "follows the pointers of a CPU; see UNSAFETY")]
// UNSAFETY: as in `control`: called from handlers only, which run for a CPU and a block that are
// alive.

use crate::cpu::Cpu;
use crate::flat::Code;

/// A block has been entered often.
#[cold]
#[inline(never)]
pub unsafe fn heated(cpu: *mut Cpu, code: *const Code) {
    // SAFETY: see UNSAFETY; the blocks are valid while handlers run.
    unsafe {
        let slow = &*(*cpu).slow;
        (*slow.blocks).heated(&slow.ram, &*code);
        (*slow.blocks).publish();
    }
}
