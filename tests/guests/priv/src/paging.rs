//! Page tables for the checks: one scheme at a time, RAM seen one to one by S-mode and at
//! `USER_VIEW` by U-mode, and one place for each level where a check puts its own entry.

use crate::csr;
use crate::hart::{self, Mode, USER_VIEW};
use crate::insn::SFENCE_VMA;
use crate::memory::{self, DATA, TABLES};

/// Bits of a page table entry.
pub mod pte {
    /// Valid.
    pub const V: u64 = 1;
    /// Readable.
    pub const R: u64 = 1 << 1;
    /// Writable.
    pub const W: u64 = 1 << 2;
    /// Executable.
    pub const X: u64 = 1 << 3;
    /// For U-mode.
    pub const U: u64 = 1 << 4;
    /// Global.
    pub const G: u64 = 1 << 5;
    /// Accessed.
    pub const A: u64 = 1 << 6;
    /// Dirty.
    pub const D: u64 = 1 << 7;
    /// Memory type (Svpbmt).
    pub const PBMT_SHIFT: u32 = 61;
    /// Part of a naturally aligned range (Svnapot).
    pub const N: u64 = 1 << 63;
    /// A leaf that allows S-mode everything.
    pub const ALL: u64 = V | R | W | X | A | D;
}

/// A translation scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// As in the manual, in small letters.
    pub name: &'static str,
    /// Levels of tables.
    pub levels: usize,
    /// `satp.MODE`.
    pub mode: u64,
}

/// The schemes, the smallest first.
pub const SCHEMES: [Scheme; 3] = [
    Scheme {
        name: "sv39",
        levels: 3,
        mode: 8,
    },
    Scheme {
        name: "sv48",
        levels: 4,
        mode: 9,
    },
    Scheme {
        name: "sv57",
        levels: 5,
        mode: 10,
    },
];

/// The table at each place of the chain of tables; the root of a scheme is `levels - 1`.
const fn table(level: usize) -> u64 {
    TABLES + 0x1000 * level as u64
}

/// The entry of an index in the table of a level.
fn slot(level: usize, index: u64) -> u64 {
    table(level) + 8 * index
}

/// The entry that points to a table or page at a physical address.
pub const fn point(address: u64, flags: u64) -> u64 {
    address >> 12 << 10 | flags
}

impl Scheme {
    /// Whether this hart has it.
    pub fn exists(self) -> bool {
        let kept = hart::write(csr::SATP, self.mode << 60);
        hart::write(csr::SATP, 0);
        kept.is_some_and(|kept| kept >> 60 == self.mode)
    }

    /// Builds the tables and turns the scheme on for S and U.
    pub fn start(self) {
        for word in 0..512 * self.levels as u64 {
            memory::write64(TABLES + 8 * word, 0);
        }
        // The chain that all small addresses share, from the root to the table of gigabytes.
        for level in (3..self.levels).rev() {
            memory::write64(slot(level, 0), point(table(level - 1), pte::V));
        }
        memory::write64(slot(2, 2), point(0x8000_0000, pte::ALL));
        memory::write64(
            slot(2, 2 + (USER_VIEW >> 30)),
            point(0x8000_0000, pte::ALL | pte::U),
        );
        // The places of levels 0 and 1 stand below gigabyte 12.
        memory::write64(slot(2, 12), point(table(1), pte::V));
        memory::write64(slot(1, 0), point(table(0), pte::V));
        hart::write(csr::SATP, self.mode << 60 | table(self.levels - 1) >> 12);
        flush();
    }

    /// Turns translation off.
    pub fn stop(self) {
        hart::write(csr::SATP, 0);
        flush();
    }

    /// The check's own entry of a level: the entry's address, the virtual address that reaches
    /// `DATA` through it, and the physical address that a leaf there must point to for that.
    pub fn place(self, level: usize) -> Place {
        let (index, base) = match level {
            0 => (0, 12 << 30),
            1 => (1, (12 << 30) + (1 << 21)),
            2 => (13, 13 << 30),
            3 => (1, 1 << 39),
            _ => (1, 1 << 48),
        };
        let page = DATA & !((1 << (12 + 9 * level)) - 1);
        Place {
            entry: slot(level, index),
            address: base + (DATA - page),
            page,
        }
    }
}

/// See `Scheme::place`.
#[derive(Clone, Copy)]
pub struct Place {
    /// Where the entry is.
    pub entry: u64,
    /// The virtual address that reaches `DATA` through it.
    pub address: u64,
    /// What a leaf there must point to for that.
    pub page: u64,
}

impl Place {
    /// Puts a leaf with these flags there.
    pub fn leaf(self, flags: u64) {
        self.put(point(self.page, flags));
    }

    /// Puts any entry there.
    pub fn put(self, entry: u64) {
        memory::write64(self.entry, entry);
        flush();
    }

    /// What stands there.
    pub fn get(self) -> u64 {
        memory::read64(self.entry)
    }
}

/// Makes the hart forget every translation.
pub fn flush() {
    hart::run(Mode::M, &[SFENCE_VMA], &[]);
}
