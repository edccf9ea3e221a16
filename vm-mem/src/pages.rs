//! Marks on the pages of RAM: dirty, and holding translated code.

use std::sync::Arc;

use vm_core::PAGE_BITS;
use vm_memory::bitmap::{Bitmap, NewBitmap, RefSlice, WithBitmapSlice};

use crate::marks::Marks;

/// The marks of one RAM region's pages; `vm-memory` calls it for every write.
///
/// The rule that writers and translators keep is told in `marks.rs`: bytes are written before
/// the marks are looked at, and marks are set before the bytes are read.
#[derive(Debug, Clone)]
pub struct PageMarks(Arc<Marks>);

impl Default for PageMarks {
    fn default() -> Self {
        Self(Arc::new(Marks::new(0)))
    }
}

impl PageMarks {
    /// Marks a page as holding translated code, so that writes to it are noticed; comes before
    /// its bytes are read.
    pub fn mark_code(&self, page: usize) {
        self.0.watch(page);
    }

    /// Forgets that a page held translated code.
    pub fn clear_code(&self, page: usize) {
        self.0.unwatch(page);
    }

    /// Marks a page as written, for a CPU that may do so from now on.
    pub fn mark_written(&self, page: usize) {
        self.0.may_write(page);
    }

    /// Whether a page holds translated code.
    #[must_use]
    pub fn is_code(&self, page: usize) -> bool {
        self.0.is_watched(page)
    }

    /// The code pages that were written since the last call.
    #[must_use]
    pub fn take_stale(&self) -> Vec<usize> {
        self.0.take_stale()
    }

    /// The pages that were written since the last call.
    #[must_use]
    pub fn take_dirty(&self) -> Vec<usize> {
        self.0.take_dirty()
    }
}

impl<'a> WithBitmapSlice<'a> for PageMarks {
    type S = RefSlice<'a, Self>;
}

impl Bitmap for PageMarks {
    fn mark_dirty(&self, offset: usize, len: usize) {
        if let Some(last) = offset.checked_add(len.max(1) - 1) {
            self.0.wrote(offset >> PAGE_BITS, last >> PAGE_BITS);
        }
    }

    fn dirty_at(&self, offset: usize) -> bool {
        self.0.is_dirty(offset >> PAGE_BITS)
    }

    fn slice_at(&self, offset: usize) -> RefSlice<'_, Self> {
        RefSlice::new(self, offset)
    }
}

impl NewBitmap for PageMarks {
    fn with_len(len: usize) -> Self {
        Self(Arc::new(Marks::new(len.div_ceil(1 << PAGE_BITS))))
    }
}
