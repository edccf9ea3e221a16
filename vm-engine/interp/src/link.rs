//! The parts of flat code that change while CPUs may run it: the constants of exits, which are
//! links, and the first handler of a block.
#![expect(unsafe_code, reason = "writes into code that is shared; see UNSAFETY")]
// UNSAFETY: what changes is read and written as an atomic from the moment when others know of
// it, and nothing else of an op changes: these functions and `first` are all that do either.

use std::sync::atomic::{AtomicPtr, Ordering};

use crate::flat::{Code, Flat, Handler};
use crate::native;

/// Among how many of a block's last ops its exits are.
const LAST: usize = 8;

const _: () = assert!(
    size_of::<u64>() == size_of::<*mut Code>() && size_of::<Handler>() == size_of::<*mut u8>(),
    "a link and a handler are as long as a pointer"
);

/// The cell of an exit's link.
///
/// # Safety
///
/// `exit` is an exit of a block that is not freed.
#[inline(always)]
unsafe fn cell<'a>(exit: *const Flat) -> &'a AtomicPtr<Code> {
    // SAFETY: as the caller has promised; see UNSAFETY.
    unsafe { AtomicPtr::from_ptr((&raw const (*exit).imm).cast_mut().cast()) }
}

/// Where an exit leads to, if it is linked.
///
/// # Safety
///
/// As for the block's handlers.
#[inline(always)]
pub unsafe fn linked(exit: *const Flat) -> *const Code {
    // SAFETY: as the caller has promised.
    unsafe { cell(exit).load(Ordering::Acquire) }
}

/// Makes an exit lead to `to`.
///
/// The target stands on the same page as the exit's own block and was made for the same mode, so
/// whatever makes the one invalid makes the other invalid too, in every address space.
pub fn link(exit: *const Flat, from: *const Code, to: *const Code) {
    // SAFETY: `from` is not freed before this CPU has passed a safe point, and `exit` is one of
    // its ops.
    unsafe {
        let from = &*from;
        let inside = from.ops.as_ptr_range().contains(&exit);
        assert!(inside, "an exit belongs to the block that was left by it");
        let behind = from.ops.as_ptr_range().end.offset_from_unsigned(exit) - 1;
        assert!(behind < LAST, "exits are the last ops of a block");
        from.linked.fetch_or(1 << behind, Ordering::Relaxed);
        cell(exit).store(to.cast_mut(), Ordering::Release);
    }
}

/// Has all exits of a block lead nowhere again, for handlers and for native code.
pub fn unlink(code: &Code) {
    let linked = code.linked.swap(0, Ordering::Relaxed);
    let end = code.ops.as_ptr_range().end;
    for behind in (0..LAST).filter(|behind| linked >> behind & 1 != 0) {
        // SAFETY: so far in front of the end stands an exit, since it was linked.
        unsafe { cell(end.sub(behind + 1)).store(std::ptr::null_mut(), Ordering::Release) };
    }
    for (exit, nowhere) in code.exits.iter().zip(native::unlinked()) {
        exit.lead_to(nowhere.leads_to());
    }
}

/// The handler that stands first in a block now.
///
/// # Safety
///
/// As for the block's handlers; `op` is its first op.
#[inline(always)]
pub unsafe fn first(op: *const Flat) -> Handler {
    // SAFETY: what stands there is a handler, whichever; see UNSAFETY.
    unsafe {
        let cell: &AtomicPtr<u8> = AtomicPtr::from_ptr((&raw const (*op).run).cast_mut().cast());
        std::mem::transmute::<*mut u8, Handler>(cell.load(Ordering::Acquire))
    }
}

/// Lets a block begin with another handler.
///
/// No reference to the op is made: what stands behind one does not change.
pub fn begin_with(code: &Code, run: Handler) {
    let op = code.ops.as_ptr();
    if !code.ops.is_empty() {
        // SAFETY: a handler takes the place of another; see UNSAFETY.
        let cell: &AtomicPtr<u8> =
            unsafe { AtomicPtr::from_ptr((&raw const (*op).run).cast_mut().cast()) };
        cell.store(run as *mut u8, Ordering::Release);
    }
}
