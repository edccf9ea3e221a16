//! Memory for host code: the same pages seen twice, once to be written and once to be executed.
#![expect(unsafe_code, reason = "copies into a mapping; see UNSAFETY")]
// UNSAFETY: bytes are copied into and out of a mapping that this module owns, at offsets that
// it has checked.

use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use thiserror::Error;

use crate::sys;

/// Why there is no memory for host code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DualMapError {
    /// This host can not, or not yet.
    #[error("this host offers no memory for translated code: {reason}")]
    Unsupported {
        /// What is missing.
        reason: &'static str,
    },
    /// The host could, and refused.
    #[error("the host gives no {bytes} bytes for translated code: {doing}: {reason}")]
    Host {
        /// What was being done.
        doing: &'static str,
        /// How much was asked for.
        bytes: u64,
        /// The host's words.
        reason: String,
    },
}

/// Where the two views begin.
#[derive(Debug)]
pub(crate) struct Views {
    pub write: *mut u8,
    pub execute: *const u8,
    pub bytes: usize,
}

/// Memory for host code.
///
/// No page is ever writable and executable at one address, and no page changes its rights: bytes
/// go in through one view and are run through the other.
/// Whether the bytes make sense as code, and whether somebody runs what is being overwritten, is
/// the business of whoever jumps there; nothing here does.
#[derive(Debug)]
pub struct DualMap(pub(crate) Views);

// SAFETY: the pointers are to mappings that belong to the whole process.
unsafe impl Send for DualMap {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for DualMap {}

impl DualMap {
    /// Memory of zeroes; the host gives pages when they are first written.
    pub fn new(bytes: usize) -> Result<Self, DualMapError> {
        sys::map(bytes).map(Self)
    }

    /// The same without a file behind it, where the host has such memory: profilers take that for
    /// code which was generated, and ask the process whose it is.
    pub fn without_file(bytes: usize) -> Result<Self, DualMapError> {
        sys::map_without_file(bytes).map(Self)
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// The host address at which the byte at `offset` is executed.
    #[must_use]
    pub fn execute_at(&self, offset: usize) -> u64 {
        assert!(offset <= self.0.bytes, "an offset lies inside its map");
        self.0.execute as u64 + offset as u64
    }

    /// Says that code is going to stand at an offset and behind it, where nothing stands yet.
    pub fn open(&mut self, offset: usize) {
        self.check(offset, 0);
        sys::enlarge(&self.0, offset);
    }

    /// Copies bytes in.
    ///
    /// # Panics
    ///
    /// If they do not lie inside.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.place(offset, bytes.len()).copy_from_slice(bytes);
    }

    /// Fills a range with a pattern of four bytes.
    ///
    /// # Panics
    ///
    /// If it does not lie inside.
    pub fn fill(&mut self, offset: usize, bytes: usize, pattern: [u8; 4]) {
        let (whole, rest) = self.place(offset, bytes).as_chunks_mut::<4>();
        whole.fill(pattern);
        rest.copy_from_slice(&pattern[..rest.len()]);
    }

    /// Changes four bytes, of which everybody sees all or none; they may be run meanwhile, on
    /// hosts that allow for that.
    ///
    /// # Panics
    ///
    /// If they do not lie inside, or not at a multiple of four.
    pub fn store32(&mut self, offset: usize, bytes: [u8; 4]) {
        let place = self.place(offset, 4).as_mut_ptr();
        assert!(offset.is_multiple_of(4), "{offset} is a multiple of four");
        // SAFETY: the place is ours, and aligned since views begin at pages.
        let place = unsafe { AtomicU32::from_ptr(place.cast()) };
        place.store(u32::from_ne_bytes(bytes), Ordering::Release);
    }

    /// As [`DualMap::store32`], for eight bytes.
    ///
    /// # Panics
    ///
    /// If they do not lie inside, or not at a multiple of eight.
    pub fn store64(&mut self, offset: usize, bytes: [u8; 8]) {
        let place = self.place(offset, 8).as_mut_ptr();
        assert!(offset.is_multiple_of(8), "{offset} is a multiple of eight");
        // SAFETY: as above.
        let place = unsafe { AtomicU64::from_ptr(place.cast()) };
        place.store(u64::from_ne_bytes(bytes), Ordering::Release);
    }

    /// Reads a range.
    ///
    /// # Panics
    ///
    /// If it does not lie inside.
    #[must_use]
    pub fn read(&self, offset: usize, bytes: usize) -> &[u8] {
        self.check(offset, bytes);
        // SAFETY: the range was checked, and nobody writes while `self` is borrowed: the
        // writing view is only used through `&mut self`.
        unsafe { slice::from_raw_parts(self.0.write.add(offset), bytes) }
    }

    /// Makes bytes that were written fit to be executed by every thread; comes between writing
    /// code and telling anybody where it is.
    ///
    /// # Panics
    ///
    /// If they do not lie inside.
    pub fn publish(&mut self, offset: usize, bytes: usize) {
        self.check(offset, bytes);
        sys::publish(&self.0, offset, bytes);
    }

    fn place(&mut self, offset: usize, bytes: usize) -> &mut [u8] {
        self.check(offset, bytes);
        // SAFETY: the range was checked, and `self` is borrowed alone; code that runs meanwhile
        // reads through the other mapping, outside of what the language knows.
        unsafe { slice::from_raw_parts_mut(self.0.write.add(offset), bytes) }
    }

    fn check(&self, offset: usize, bytes: usize) {
        let inside = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= self.0.bytes);
        assert!(inside, "{bytes} bytes at {offset} lie inside a map");
    }
}

impl Drop for DualMap {
    fn drop(&mut self) {
        sys::unmap(&self.0);
    }
}
