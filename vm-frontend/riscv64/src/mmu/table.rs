//! One page table entry.

use crate::fields::satp;

pub(crate) const VALID: u64 = 1;
pub(crate) const READ: u64 = 1 << 1;
pub(crate) const WRITE: u64 = 1 << 2;
pub(crate) const EXECUTE: u64 = 1 << 3;
pub(crate) const USER: u64 = 1 << 4;
pub(crate) const GLOBAL: u64 = 1 << 5;
pub(crate) const ACCESSED: u64 = 1 << 6;
pub(crate) const DIRTY: u64 = 1 << 7;
const RESERVED: u64 = 0x7f << 54;
const MEMORY_TYPE: u64 = 3 << 61;
const NAPOT: u64 = 1 << 63;

/// The bits of a page number that each level translates.
const LEVEL_BITS: u32 = 9;
/// A naturally aligned power of two of pages: 64 KiB is the only one there is.
const NAPOT_PAGES_BITS: u32 = 4;

/// A page table entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry(pub u64);

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    /// The table of the next level, by its physical address.
    Table(u64),
    /// A page; the number says how much of an address lies inside it, as a power of two.
    Page(u32),
    /// A page fault.
    Fault,
}

/// How many levels a paging mode has; zero if it is none.
pub(crate) const fn levels(mode: u64) -> u32 {
    match mode {
        satp::SV39 => 3,
        satp::SV48 => 4,
        satp::SV57 => 5,
        _ => 0,
    }
}

/// Whether the unused high bits of an address are all as its highest used one.
pub(crate) const fn is_canonical(addr: u64, levels: u32) -> bool {
    let unused = 64 - (12 + LEVEL_BITS * levels);
    ((addr << unused) as i64 >> unused) as u64 == addr
}

/// The place of an address's entry in the table of a level, in bytes.
pub(crate) const fn place(addr: u64, level: u32) -> u64 {
    (addr >> (12 + LEVEL_BITS * level) & 511) * 8
}

impl Entry {
    pub(crate) const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// The physical address that the entry's page number names.
    pub(crate) const fn address(self) -> u64 {
        (self.0 >> 10 & satp::PPN) << 12
    }

    /// What the entry is in a table of this level (0 is the last), if `types` are memory types on.
    pub(crate) const fn meaning(self, level: u32, types: bool) -> Meaning {
        let bits = self.0;
        if bits & VALID == 0 || bits & RESERVED != 0 || bits & (READ | WRITE) == WRITE {
            return Meaning::Fault;
        }
        if bits & (READ | EXECUTE) == 0 {
            let unused = NAPOT | MEMORY_TYPE | DIRTY | ACCESSED | USER;
            return if level == 0 || bits & unused != 0 {
                Meaning::Fault
            } else {
                Meaning::Table(self.address())
            };
        }
        let kind = bits & MEMORY_TYPE;
        if kind == MEMORY_TYPE || kind != 0 && !types {
            return Meaning::Fault;
        }
        if bits & NAPOT != 0 {
            return if level == 0 && bits >> 10 & 15 == 8 {
                Meaning::Page(12 + NAPOT_PAGES_BITS)
            } else {
                Meaning::Fault
            };
        }
        let size = 12 + LEVEL_BITS * level;
        if self.address() & ((1 << size) - 1) == 0 {
            Meaning::Page(size)
        } else {
            Meaning::Fault
        }
    }
}
