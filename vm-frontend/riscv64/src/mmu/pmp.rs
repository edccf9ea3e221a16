//! Physical memory protection: sixteen entries, the lowest that matches decides.

use vm_core::{PAGE_BYTES, PAGE_MASK};

use crate::csr::{pmp_address, pmp_entry};
use crate::fields::{MACHINE, pmp};

/// Loads, stores and fetches, as the bits of an entry have them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rights(pub u64);

impl Rights {
    pub(crate) const READ: Self = Self(1);
    pub(crate) const WRITE: Self = Self(2);
    pub(crate) const EXECUTE: Self = Self(4);
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(7);

    /// Whether all of `other` is among these.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The first and the last address of an entry, if it is on and not empty.
fn range(slots: &[u64], index: u16) -> Option<(u64, u64)> {
    let addr = pmp_address(slots, index);
    match pmp_entry(slots, index) & pmp::MATCH {
        pmp::TOR => {
            let low = match index.checked_sub(1) {
                Some(before) => pmp_address(slots, before) << 2,
                None => 0,
            };
            let end = addr << 2;
            (low < end).then(|| (low, end - 1))
        }
        pmp::NA4 => Some((addr << 2, addr << 2 | 3)),
        pmp::NAPOT => {
            let inside = 8u64.wrapping_shl(addr.trailing_ones()).wrapping_sub(1);
            let low = (addr << 2) & !inside;
            Some((low, low | inside))
        }
        _ => None,
    }
}

/// What a privilege may do with all of `first..=last`.
pub(crate) fn rights(slots: &[u64], privilege: u64, first: u64, last: u64) -> Rights {
    for index in 0..pmp::ENTRIES {
        let Some((low, high)) = range(slots, index) else {
            continue;
        };
        if last < low || high < first {
            continue;
        }
        if first < low || high < last {
            return Rights::NONE;
        }
        let entry = pmp_entry(slots, index);
        return if privilege == MACHINE && entry & pmp::LOCK == 0 {
            Rights::ALL
        } else {
            Rights(entry & 7)
        };
    }
    if privilege == MACHINE {
        Rights::ALL
    } else {
        Rights::NONE
    }
}

/// Whether one rule decides for all of the page at `addr`.
pub(crate) fn is_whole(slots: &[u64], addr: u64) -> bool {
    let (first, last) = (addr & PAGE_MASK, addr | (PAGE_BYTES - 1));
    for index in 0..pmp::ENTRIES {
        let Some((low, high)) = range(slots, index) else {
            continue;
        };
        if last < low || high < first {
            continue;
        }
        return low <= first && last <= high;
    }
    true
}
