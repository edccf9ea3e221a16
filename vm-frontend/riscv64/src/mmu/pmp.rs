//! Physical memory protection: sixteen entries, the lowest that matches decides.

use std::cell::Cell;

use vm_core::{PAGE_BYTES, PAGE_MASK};

use crate::csr::{pmp_address, pmp_entries, pmp_entry};
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

/// Addresses that one rule decides about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    first: u64,
    last: u64,
    rights: Rights,
}

impl Piece {
    const fn has(&self, first: u64, last: u64) -> bool {
        self.first <= first && last <= self.last
    }
}

/// The rule that decides about all of `first..=last`, for a privilege, and addresses around
/// these that it decides about as well; `None` if it says nothing of some of them.
fn piece(slots: &[u64], privilege: u64, first: u64, last: u64) -> Option<Piece> {
    let (mut low, mut high) = (0, u64::MAX);
    for index in matching(slots) {
        let Some((begin, end)) = range(slots, index) else {
            continue;
        };
        if last < begin {
            high = high.min(begin - 1);
        } else if end < first {
            low = low.max(end + 1);
        } else if first < begin || end < last {
            return None;
        } else {
            let entry = pmp_entry(slots, index);
            let rights = if privilege == MACHINE && entry & pmp::LOCK == 0 {
                Rights::ALL
            } else {
                Rights(entry & 7)
            };
            return Some(Piece {
                first: low.max(begin),
                last: high.min(end),
                rights,
            });
        }
    }
    let rights = if privilege == MACHINE {
        Rights::ALL
    } else {
        Rights::NONE
    };
    Some(Piece {
        first: low,
        last: high,
        rights,
    })
}

/// The numbers of the entries that are on, in their order.
fn matching(slots: &[u64]) -> impl Iterator<Item = u16> {
    const ON: u64 = pmp::MATCH * 0x0101_0101_0101_0101;
    (0..pmp::ENTRIES / 8).flat_map(move |group| {
        let mut on = pmp_entries(slots, group) & ON;
        std::iter::from_fn(move || {
            let byte = (on != 0).then(|| on.trailing_zeros() / 8)?;
            on &= !(0xff << (8 * byte));
            Some(8 * group + byte as u16)
        })
    })
}

/// What a privilege may do, for a few questions with no change of the entries between them: most
/// of them are about memory that one rule decides about.
pub(crate) struct Guard<'a> {
    slots: &'a [u64],
    privilege: u64,
    known: Cell<Option<Piece>>,
}

impl<'a> Guard<'a> {
    /// Knows nothing yet.
    pub(crate) const fn new(slots: &'a [u64], privilege: u64) -> Self {
        Self {
            slots,
            privilege,
            known: Cell::new(None),
        }
    }

    fn piece(&self, first: u64, last: u64) -> Option<Piece> {
        let known = self.known.get().filter(|piece| piece.has(first, last));
        known.or_else(|| {
            let piece = piece(self.slots, self.privilege, first, last)?;
            self.known.set(Some(piece));
            Some(piece)
        })
    }

    /// What may be done with all of `first..=last`.
    pub(crate) fn rights(&self, first: u64, last: u64) -> Rights {
        let piece = self.piece(first, last);
        piece.map_or(Rights::NONE, |piece| piece.rights)
    }

    /// Whether one rule decides for all of the page at `addr`.
    pub(crate) fn is_whole(&self, addr: u64) -> bool {
        let (first, last) = (addr & PAGE_MASK, addr | (PAGE_BYTES - 1));
        self.piece(first, last).is_some()
    }
}
