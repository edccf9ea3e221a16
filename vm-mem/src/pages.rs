//! Marks on the pages of RAM: dirty, and holding translated code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vm_core::PAGE_BITS;
use vm_memory::bitmap::{Bitmap, NewBitmap, RefSlice, WithBitmapSlice};

/// A set of page numbers that threads may change together.
#[derive(Debug, Default)]
struct PageSet(Box<[AtomicU64]>);

impl PageSet {
    fn new(pages: usize) -> Self {
        Self((0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds a page; whether it was in the set before.
    fn insert(&self, page: usize) -> bool {
        let Some(word) = self.0.get(page / 64) else {
            return false;
        };
        let bit = 1 << (page % 64);
        // Most pages that are marked are marked already, and a load is cheaper than an exchange.
        word.load(Ordering::Relaxed) & bit != 0 || word.fetch_or(bit, Ordering::Relaxed) & bit != 0
    }

    fn remove(&self, page: usize) -> bool {
        let Some(word) = self.0.get(page / 64) else {
            return false;
        };
        let bit = 1 << (page % 64);
        word.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    fn contains(&self, page: usize) -> bool {
        self.0
            .get(page / 64)
            .is_some_and(|w| w.load(Ordering::Relaxed) & (1 << (page % 64)) != 0)
    }

    fn drain(&self) -> Vec<usize> {
        let mut pages = Vec::new();
        for (i, word) in self.0.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                pages.push(i * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
        pages
    }
}

#[derive(Debug, Default)]
struct Marks {
    dirty: PageSet,
    code: PageSet,
    stale: PageSet,
    any_stale: AtomicBool,
}

/// The marks of one RAM region's pages; `vm-memory` calls it for every write.
#[derive(Debug, Default, Clone)]
pub struct PageMarks(Arc<Marks>);

impl PageMarks {
    /// Marks a page as holding translated code, so that writes to it are noticed.
    pub fn mark_code(&self, page: usize) {
        self.0.code.insert(page);
    }

    /// Forgets that a page held translated code.
    pub fn clear_code(&self, page: usize) {
        self.0.code.remove(page);
    }

    /// Marks a page as written.
    pub fn mark_written(&self, page: usize) {
        self.0.dirty.insert(page);
    }

    /// Whether a page holds translated code.
    #[must_use]
    pub fn is_code(&self, page: usize) -> bool {
        self.0.code.contains(page)
    }

    /// The code pages that were written since the last call.
    #[must_use]
    pub fn take_stale(&self) -> Vec<usize> {
        if self.0.any_stale.load(Ordering::Relaxed)
            && self.0.any_stale.swap(false, Ordering::AcqRel)
        {
            self.0.stale.drain()
        } else {
            Vec::new()
        }
    }

    /// The pages that were written since the last call.
    #[must_use]
    pub fn take_dirty(&self) -> Vec<usize> {
        self.0.dirty.drain()
    }
}

impl<'a> WithBitmapSlice<'a> for PageMarks {
    type S = RefSlice<'a, Self>;
}

impl Bitmap for PageMarks {
    fn mark_dirty(&self, offset: usize, len: usize) {
        let Some(last) = offset.checked_add(len.max(1) - 1) else {
            return;
        };
        for page in offset >> PAGE_BITS..=last >> PAGE_BITS {
            self.0.dirty.insert(page);
            if self.0.code.contains(page) {
                self.0.stale.insert(page);
                self.0.any_stale.store(true, Ordering::Release);
            }
        }
    }

    fn dirty_at(&self, offset: usize) -> bool {
        self.0.dirty.contains(offset >> PAGE_BITS)
    }

    fn slice_at(&self, offset: usize) -> RefSlice<'_, Self> {
        RefSlice::new(self, offset)
    }
}

impl NewBitmap for PageMarks {
    fn with_len(len: usize) -> Self {
        let pages = len.div_ceil(1 << PAGE_BITS);
        let new = || PageSet::new(pages);
        let any_stale = AtomicBool::new(false);
        Self(Arc::new(Marks {
            dirty: new(),
            code: new(),
            stale: new(),
            any_stale,
        }))
    }
}
