//! The pages of a region that stands on several.
//!
//! Translations know how far their pages are from each other, not where they are.
//! So a region is right only where all its pages are mapped as they were when it was made, and
//! that is found out where it is entered: for each address space and mode there is a number that
//! changes whenever a mapping is forgotten, and the region goes on at once if it has been looked at
//! in the state of that number, from the same place.
//! Inside of it nothing can change a mapping.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use vm_core::{GuestPhys, PAGE_BYTES};

use super::seen::Seen;

/// How often in a row a region may be entered in vain.
// LIMIT: each time costs about as much as interpreting a block. A region that is never right is
// one of another process, which has loaded its libraries elsewhere.
const MISSES: u32 = 64;

impl Seen {
    /// Where native code finds the number.
    #[must_use]
    pub fn address(&self) -> u64 {
        (&raw const *self).addr() as u64
    }

    /// Behind that place: the number of the state.
    pub const STATE: i32 = offset_of!(Self, state) as i32;
    /// Behind that place: the address of the page from which the others are counted.
    pub const BASE: i32 = offset_of!(Self, base) as i32;
}

/// The pages of a region that stands on several.
#[derive(Debug)]
pub struct Span {
    /// What its native code looks at.
    pub seen: Arc<Seen>,
    /// The pages.
    pub pages: Vec<SpanPage>,
    misses: AtomicU32,
}

/// A page of a region.
#[derive(Debug)]
pub struct SpanPage {
    /// Its physical address.
    pub phys: u64,
    /// How far it is from the others, counted from the same one as theirs.
    pub distance: i64,
    /// The region's blocks on it, by which jump caches may know it: where in the page they stand,
    /// and the addresses of their heads.
    pub blocks: Vec<(u64, u64)>,
}

impl Span {
    /// Pages that nobody has seen yet.
    pub const fn new(seen: Arc<Seen>, pages: Vec<SpanPage>) -> Self {
        Self {
            seen,
            pages,
            misses: AtomicU32::new(0),
        }
    }

    /// How far the page of a block is from the others.
    pub fn distance_of(&self, phys: u64) -> Option<i64> {
        let page = GuestPhys(phys).0 & !(PAGE_BYTES - 1);
        let mut pages = self.pages.iter();
        Some(pages.find(|known| known.phys == page)?.distance)
    }

    /// All pages are there, counted from `base`, in this state of the mappings; called by one CPU
    /// at a time, which has the machine's blocks.
    pub fn found(&self, state: u64, base: u64) {
        self.seen.note(state, base);
        self.misses.store(0, Ordering::Relaxed);
    }

    /// Some are not; whether that has been so too often.
    pub fn missed(&self) -> bool {
        self.misses.fetch_add(1, Ordering::Relaxed) + 1 >= MISSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_count_until_all_pages_are_there() {
        let span = Span::new(Arc::default(), Vec::new());
        for _ in 0..3 {
            assert!((1..MISSES).all(|_| !span.missed()));
            span.found(7, 0x1000);
        }
        assert_eq!((1..=MISSES).filter(|_| span.missed()).count(), 1);
    }
}
