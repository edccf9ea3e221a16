//! Links from an exit to the block behind it.
#![expect(unsafe_code, reason = "writes into code that is shared; see UNSAFETY")]
// UNSAFETY: an exit is linked only while its block is alive and nobody runs handlers of this
// machine, since the CPUs of a machine run in turn under one lock.

use std::sync::atomic::Ordering::Relaxed;

use crate::flat::{Code, Flat};
use crate::native;

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
        let behind = from.ops.as_ptr_range().end.offset_from_unsigned(exit) - 1;
        assert!(behind < 8, "exits are the last ops of a block");
        from.linked.fetch_or(1 << behind, Relaxed);
        (*exit.cast_mut()).imm = to as u64;
    }
}

/// Has all exits of a block lead nowhere again.
pub fn unlink(code: &mut Code) {
    let linked = std::mem::take(code.linked.get_mut());
    for (behind, op) in code.ops.iter_mut().rev().take(8).enumerate() {
        if linked >> behind & 1 != 0 {
            op.imm = 0;
        }
    }
    code.exits = native::unlinked();
}
