//! Reading and writing of slots by their numbers.

use vm_ir::SlotId;

/// The value of a slot.
#[inline]
#[must_use]
pub(crate) fn cell(slots: &[u64], id: SlotId) -> u64 {
    slots[usize::from(id.0)]
}

/// Sets a slot.
#[inline]
pub(crate) fn set_cell(slots: &mut [u64], id: SlotId, value: u64) {
    slots[usize::from(id.0)] = value;
}

/// A slot of a row of equal ones.
#[inline]
#[must_use]
pub(crate) const fn nth(first: SlotId, index: u16) -> SlotId {
    SlotId(first.0 + index)
}
