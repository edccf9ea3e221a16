//! macOS: pages that two mappings share can not be made executable there; a thread switches pages
//! made with `MAP_JIT` between writing and executing instead.

use crate::dual::{DualMapError, Views};

/// Says that it can not.
pub(crate) fn map(_bytes: usize) -> Result<Views, DualMapError> {
    Err(DualMapError::Unsupported {
        reason: "macOS switches code pages for each thread, and that is not written yet",
    })
}

/// As `map`.
pub(crate) fn map_without_file(bytes: usize) -> Result<Views, DualMapError> {
    map(bytes)
}

/// Never called: there is nothing to let go of.
pub(crate) fn unmap(_views: &Views) {}

/// Never called: there is nothing to publish.
pub(crate) fn publish(_views: &Views, _offset: usize, _bytes: usize) {}

/// Never called: there is nothing to enlarge.
pub(crate) fn enlarge(_views: &Views, _offset: usize) {}

/// Nothing is known that would help.
pub(crate) fn advise(_first: *mut u8, _bytes: usize) {}
