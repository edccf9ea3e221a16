//! Cells that hold the host address to go on at.

use super::sync::{AtomicU64, Ordering};

/// One way to a piece of code: a link between two pieces, or a place in a map.
///
/// Host code reads the cell as plain data and jumps there; it has the layout of an `u64`.
/// Changing it is one store, on every host.
#[derive(Debug)]
#[repr(transparent)]
pub struct Entry(AtomicU64);

impl Entry {
    /// A cell that leads to this host address.
    #[must_use]
    pub fn new(host: u64) -> Self {
        Self(AtomicU64::new(host))
    }

    /// Makes the cell lead elsewhere; the code there is complete and published.
    pub fn lead_to(&self, host: u64) {
        self.0.store(host, Ordering::Release);
    }

    /// Where the cell leads. To be followed only by a CPU that was inside when it asked.
    #[must_use]
    pub fn host(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
