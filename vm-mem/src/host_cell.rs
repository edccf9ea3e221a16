//! One aligned value in guest RAM, read and changed as the host's processor does it.
#![expect(unsafe_code, reason = "follows a host address; see UNSAFETY")]
// UNSAFETY: values are accessed through `from_ptr` of the standard atomics, at an address for
// which whoever made the cell has vouched.

use std::sync::atomic::Ordering;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use vm_core::Width;

use crate::Exchange;

/// An aligned little-endian value of guest RAM, by its host address.
///
/// All of its functions are single accesses of the host, so guests on several threads see what
/// their architectures promise them.
#[derive(Clone, Copy, Debug)]
pub struct HostCell {
    host: *mut u8,
    width: Width,
}

/// Calls a function of the atomic of a cell's width, with values in its type.
macro_rules! on_atomic {
    ($cell:expr, |$atomic:ident: $int:ident| $run:expr) => {{
        let cell = $cell;
        // SAFETY: `HostCell::new` was promised an aligned address inside guest RAM, where every
        // access is atomic or may race with nothing but bytes of the guest.
        unsafe {
            match cell.width {
                Width::B1 => {
                    type $int = u8;
                    let $atomic = AtomicU8::from_ptr(cell.host);
                    $run
                }
                Width::B2 => {
                    type $int = u16;
                    let $atomic = AtomicU16::from_ptr(cell.host.cast());
                    $run
                }
                Width::B4 => {
                    type $int = u32;
                    let $atomic = AtomicU32::from_ptr(cell.host.cast());
                    $run
                }
                Width::B8 => {
                    type $int = u64;
                    let $atomic = AtomicU64::from_ptr(cell.host.cast());
                    $run
                }
            }
        }
    }};
}

impl HostCell {
    /// The cell at a host address; `None` if the address is no multiple of the width.
    ///
    /// # Safety
    ///
    /// So many bytes from there on are guest RAM, which stays mapped as long as the cell is used.
    #[must_use]
    pub unsafe fn new(host: *mut u8, width: Width) -> Option<Self> {
        let aligned = (host as u64).is_multiple_of(width.bytes());
        aligned.then_some(Self { host, width })
    }

    /// The value.
    #[must_use]
    #[inline]
    #[expect(clippy::useless_conversion, reason = "one of the four types is u64")]
    pub fn load(self, order: Ordering) -> u64 {
        on_atomic!(self, |atomic: Int| u64::from(Int::from_le(
            atomic.load(order)
        )))
    }

    /// Changes the value.
    #[inline]
    pub fn store(self, value: u64, order: Ordering) {
        on_atomic!(self, |atomic: Int| atomic
            .store((value as Int).to_le(), order));
    }
}

impl Exchange for HostCell {
    #[inline]
    fn now(self, order: Ordering) -> u64 {
        self.load(order)
    }

    #[expect(clippy::useless_conversion, reason = "one of the four types is u64")]
    fn try_exchange(self, old: u64, new: u64, order: Ordering) -> Result<(), u64> {
        on_atomic!(self, |atomic: Int| {
            let (old, new) = ((old as Int).to_le(), (new as Int).to_le());
            let done = atomic.compare_exchange(old, new, order, Ordering::Relaxed);
            done.map(|_| ())
                .map_err(|found| u64::from(Int::from_le(found)))
        })
    }
}
