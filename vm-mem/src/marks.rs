//! What is known of each page: written, translated, written since it was translated.
//!
//! Writers and those who ask run on different threads, without a lock, and the bytes of a page
//! are no part of what is kept here.
//! One rule joins them, and each function keeps its half.
//!
//! **A writer** changes the bytes, then calls [`Marks::wrote`], which has a full fence before it
//! looks at any mark.
//!
//! **A translator** calls [`Marks::watch`], which has a full fence after it set the mark, and
//! reads the bytes only then.
//! So a store that races with it is either seen as a write to a page of code, and the page comes
//! out of [`Marks::take_stale`] later, or it came before, and the translator reads what it wrote.
//!
//! **Whoever takes marks away** looks at the bytes after that, with a full fence between: then a
//! writer who found the mark still set, and left it at that, has its bytes seen.
//! [`Marks::take_dirty`] has that fence; behind [`Marks::take_stale`] it is the one of the next
//! [`Marks::watch`], without which no bytes are read.
//!
//! A CPU that may write a page without asking, by an entry of its TLB, is no writer in this
//! sense: such entries must be gone before the bytes are read.
//! Where CPUs run in turn they are, since the engine empties them before a CPU runs; where CPUs
//! run side by side, a translator has to wait between watching and reading until each of them
//! has passed a safe point.

use super::sync::{AtomicBool, AtomicU64, Ordering, fence};

/// A set of page numbers that threads may change together.
#[derive(Debug)]
struct PageSet(Box<[AtomicU64]>);

impl PageSet {
    fn new(pages: usize) -> Self {
        Self((0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds a page.
    fn insert(&self, page: usize) {
        let Some(word) = self.0.get(page / 64) else {
            return;
        };
        let bit = 1 << (page % 64);
        // Most pages that are marked are marked already, and a load is cheaper than an exchange.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn remove(&self, page: usize) {
        if let Some(word) = self.0.get(page / 64) {
            word.fetch_and(!(1 << (page % 64)), Ordering::Relaxed);
        }
    }

    fn contains(&self, page: usize) -> bool {
        let word = self.0.get(page / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (page % 64)) != 0)
    }

    fn drain(&self) -> Vec<usize> {
        let mut pages = Vec::new();
        for (i, word) in self.0.iter().enumerate() {
            // Most words are empty, and a load is cheaper than an exchange.
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                pages.push(i * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
        pages
    }
}

/// The marks of one region's pages, by number.
#[derive(Debug)]
pub struct Marks {
    dirty: PageSet,
    code: PageSet,
    stale: PageSet,
    any_stale: AtomicBool,
}

impl Marks {
    /// Marks for this many pages, none of them set.
    pub fn new(pages: usize) -> Self {
        Self {
            dirty: PageSet::new(pages),
            code: PageSet::new(pages),
            stale: PageSet::new(pages),
            any_stale: AtomicBool::new(false),
        }
    }

    /// Notes that bytes of these pages were changed.
    pub fn wrote(&self, first: usize, last: usize) {
        fence(Ordering::SeqCst);
        let mut any = false;
        for page in first..=last {
            self.dirty.insert(page);
            if self.code.contains(page) {
                self.stale.insert(page);
                any = true;
            }
        }
        if any {
            self.any_stale.store(true, Ordering::Release);
        }
    }

    /// Marks a page as written, for somebody who may write it from now on without asking.
    pub fn may_write(&self, page: usize) {
        self.dirty.insert(page);
    }

    /// Has writes to a page noticed; comes before its bytes are read for translation.
    pub fn watch(&self, page: usize) {
        self.code.insert(page);
        fence(Ordering::SeqCst);
    }

    /// Forgets that a page holds translated code, after that code is gone.
    pub fn unwatch(&self, page: usize) {
        self.code.remove(page);
    }

    /// Whether a page holds translated code.
    pub fn is_watched(&self, page: usize) -> bool {
        self.code.contains(page)
    }

    /// Whether a page was written.
    pub fn is_dirty(&self, page: usize) -> bool {
        self.dirty.contains(page)
    }

    /// The watched pages that were written since the last call.
    pub fn take_stale(&self) -> Vec<usize> {
        if !self.any_stale.load(Ordering::Relaxed) || !self.any_stale.swap(false, Ordering::AcqRel)
        {
            return Vec::new();
        }
        self.stale.drain()
    }

    /// The pages that were written since the last call.
    pub fn take_dirty(&self) -> Vec<usize> {
        let pages = self.dirty.drain();
        fence(Ordering::SeqCst);
        pages
    }
}
