//! Windows: a section that is mapped twice would do.

use crate::dual::{DualMapError, Views};

/// Says that it can not.
pub(crate) fn map(_bytes: usize) -> Result<Views, DualMapError> {
    Err(DualMapError::Unsupported {
        reason: "mapping a section twice is not written yet for Windows",
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
