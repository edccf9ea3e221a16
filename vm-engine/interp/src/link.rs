//! Links from an exit to the block behind it.
#![expect(unsafe_code, reason = "writes into code that is shared; see UNSAFETY")]
// UNSAFETY: an exit is linked only while its block is alive and nobody runs handlers of this
// machine, since the CPUs of a machine run in turn under one lock.

use crate::flat::{Code, Flat};

/// Makes an exit lead to `to`.
///
/// The target stands on the same page as the exit's own block and was made for the same mode, so
/// whatever makes the one invalid makes the other invalid too, in every address space.
pub fn link(exit: *const Flat, from: *const Code, to: *const Code) {
    // SAFETY: `from` is alive (freed only between runs), and `exit` is one of its ops.
    unsafe {
        let from = &*from;
        let inside = from.ops.as_ptr_range().contains(&exit);
        assert!(inside, "an exit belongs to the block that was left by it");
        (*exit.cast_mut()).imm = to as u64;
    }
}
