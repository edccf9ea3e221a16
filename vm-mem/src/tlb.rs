//! The software TLB of one vCPU: a small pool of tables, one for each address space and mode.

use vm_core::{Flush, GuestVirt, PAGE_BITS, PAGE_MASK};

/// The entries of one table.
pub const TLB_ENTRIES: usize = 1024;
/// The tables of one vCPU.
// LIMIT: a kernel that switches between a few processes uses two or three tables for each; at
// 32 KiB each, sixteen are half a MiB a vCPU.
const TABLES: usize = 16;
/// A tag that no address has: the low bits of a looked-up tag are below the access size.
const NO_TAG: u64 = u64::MAX;

/// One entry: for each kind of access the page it is valid for, and where that page is.
///
/// A tag is compared with `address & (PAGE_MASK | (size - 1))`, so that a misaligned access
/// misses too.
#[repr(C, align(32))]
#[derive(Clone, Copy, Debug)]
pub struct TlbEntry {
    /// The virtual page whose loads this entry answers.
    pub read: u64,
    /// The virtual page whose stores this entry answers.
    pub write: u64,
    /// The virtual page whose fetches this entry answers.
    pub execute: u64,
    /// What to add to a virtual address to get the host address.
    pub addend: u64,
}

impl TlbEntry {
    /// An entry that answers nothing.
    pub const EMPTY: Self = Self {
        read: NO_TAG,
        write: NO_TAG,
        execute: NO_TAG,
        addend: 0,
    };
}

/// The name of an address space and access mode: equal keys mean equal translations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct ContextKey {
    /// The address space, as the guest names it (ASID and what else selects page tables).
    pub space: u64,
    /// Privilege, permission modifiers, and the mode bits that instructions depend on.
    pub mode: u64,
}

/// The translations of one context.
pub struct TlbTable {
    /// The context.
    pub key: ContextKey,
    /// The entries, by the low bits of the page number.
    pub entries: Box<[TlbEntry; TLB_ENTRIES]>,
    /// The addresses that large mappings were entered for: one page of a large mapping can not
    /// be forgotten alone.
    large: Option<(u64, u64)>,
    used: u64,
}

impl TlbTable {
    fn new() -> Self {
        Self {
            key: ContextKey {
                space: u64::MAX,
                mode: u64::MAX,
            },
            entries: Box::new([TlbEntry::EMPTY; TLB_ENTRIES]),
            large: None,
            used: 0,
        }
    }

    /// Which entry answers for an address.
    #[must_use]
    pub const fn index(addr: u64) -> usize {
        (addr >> PAGE_BITS) as usize & (TLB_ENTRIES - 1)
    }

    /// Notes that an entry is a part of a mapping of `1 << bits` bytes.
    pub fn note_mapping(&mut self, addr: u64, bits: u32) {
        if bits > PAGE_BITS {
            let first = addr & !((1u64 << bits.min(63)) - 1);
            let last = first | ((1u64 << bits.min(63)) - 1);
            self.large = Some(match self.large {
                Some((low, high)) => (low.min(first), high.max(last)),
                None => (first, last),
            });
        }
    }

    fn clear(&mut self) {
        self.entries.fill(TlbEntry::EMPTY);
        self.large = None;
    }

    /// Forgets one page; whether that took all of the table along.
    fn forget_page(&mut self, addr: GuestVirt) -> bool {
        if self
            .large
            .is_some_and(|(low, high)| (low..=high).contains(&addr.0))
        {
            self.clear();
            return true;
        }
        let page = addr.0 & PAGE_MASK;
        let entry = &mut self.entries[Self::index(page)];
        if entry.read == page || entry.write == page || entry.execute == page {
            *entry = TlbEntry::EMPTY;
        }
        false
    }
}

/// The pool of tables of one vCPU.
pub struct Tlb {
    tables: Vec<TlbTable>,
    clock: u64,
}

impl Default for Tlb {
    fn default() -> Self {
        Self::new()
    }
}

impl Tlb {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: Vec::new(),
            clock: 0,
        }
    }

    /// The number of the table of a context; the least recently used one is emptied for it if
    /// there is none. The second value says whether the table is newly assigned.
    pub fn select(&mut self, key: ContextKey) -> (usize, bool) {
        self.clock += 1;
        if let Some(found) = self.tables.iter().position(|table| table.key == key) {
            self.tables[found].used = self.clock;
            return (found, false);
        }
        let index = if self.tables.len() < TABLES {
            self.tables.push(TlbTable::new());
            self.tables.len() - 1
        } else {
            let oldest = self
                .tables
                .iter()
                .enumerate()
                .min_by_key(|(_, table)| table.used);
            oldest.map_or(0, |(index, _)| index)
        };
        let table = &mut self.tables[index];
        table.clear();
        table.key = key;
        table.used = self.clock;
        (index, true)
    }

    /// A table by its number.
    #[must_use]
    pub fn table(&mut self, index: usize) -> &mut TlbTable {
        &mut self.tables[index]
    }

    /// All tables.
    pub fn tables(&mut self) -> &mut [TlbTable] {
        &mut self.tables
    }

    /// Forgets translations; gives the number of each table that it touched, and whether all of
    /// that table is forgotten.
    pub fn flush(&mut self, what: Flush) -> Vec<(usize, bool)> {
        let mut touched = Vec::new();
        for (index, table) in self.tables.iter_mut().enumerate() {
            let concerned = match what {
                Flush::All | Flush::Page(_, None) => true,
                Flush::Page(_, Some(space)) | Flush::Space(space) => table.key.space == space,
            };
            if !concerned {
                continue;
            }
            let whole = match what {
                Flush::Page(addr, _) => table.forget_page(addr),
                Flush::All | Flush::Space(_) => {
                    table.clear();
                    true
                }
            };
            touched.push((index, whole));
        }
        touched
    }

    /// Takes back the permission to write any page without notice.
    pub fn protect_all(&mut self) {
        for table in &mut self.tables {
            for entry in table.entries.iter_mut() {
                entry.write = NO_TAG;
            }
        }
    }

    /// Takes back the permission to write a page without notice, in all tables.
    pub fn protect(&mut self, host_page: u64) {
        for table in &mut self.tables {
            for entry in table.entries.iter_mut() {
                if entry.write != NO_TAG && entry.write.wrapping_add(entry.addend) == host_page {
                    entry.write = NO_TAG;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ContextKey = ContextKey { space: 1, mode: 0 };
    const B: ContextKey = ContextKey { space: 2, mode: 0 };

    fn enter(tlb: &mut Tlb, key: ContextKey, page: u64, bits: u32) {
        let (index, _) = tlb.select(key);
        let table = tlb.table(index);
        table.note_mapping(page, bits);
        table.entries[TlbTable::index(page)] = TlbEntry {
            read: page,
            write: page,
            execute: NO_TAG,
            addend: 0x1000,
        };
    }

    fn has(tlb: &mut Tlb, key: ContextKey, page: u64) -> bool {
        let (index, _) = tlb.select(key);
        tlb.table(index).entries[TlbTable::index(page)].read == page
    }

    #[test]
    fn a_flush_empties_what_it_names_and_nothing_else() {
        // (what, page 0x5000 of A stays, page 0x6000 of A stays, page 0x5000 of B stays)
        let cases = [
            (Flush::All, false, false, false),
            (Flush::Space(1), false, false, true),
            (Flush::Page(GuestVirt(0x5123), Some(1)), false, true, true),
            (Flush::Page(GuestVirt(0x5123), None), false, true, false),
            (Flush::Page(GuestVirt(0x7000), None), true, true, true),
        ];
        for (what, a5, a6, b5) in cases {
            let mut tlb = Tlb::new();
            enter(&mut tlb, A, 0x5000, 12);
            enter(&mut tlb, A, 0x6000, 12);
            enter(&mut tlb, B, 0x5000, 12);
            tlb.flush(what);
            let found = (
                has(&mut tlb, A, 0x5000),
                has(&mut tlb, A, 0x6000),
                has(&mut tlb, B, 0x5000),
            );
            assert_eq!(found, (a5, a6, b5), "{what:?}");
        }
    }

    #[test]
    fn a_page_of_a_large_mapping_takes_the_mapping_along() {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x20_0000, 21);
        enter(&mut tlb, A, 0x21_0000, 21);
        let touched = tlb.flush(Flush::Page(GuestVirt(0x20_0000), None));
        assert_eq!(touched, [(0, true)]);
        assert!(!has(&mut tlb, A, 0x21_0000));
    }

    #[test]
    fn the_least_recently_used_table_goes_first() {
        let mut tlb = Tlb::new();
        for space in 0..17 {
            enter(&mut tlb, ContextKey { space, mode: 0 }, 0x5000, 12);
            assert!(has(&mut tlb, ContextKey { space: 0, mode: 0 }, 0x5000));
        }
        assert!(!has(&mut tlb, ContextKey { space: 1, mode: 0 }, 0x5000));
    }

    #[test]
    fn a_protected_page_is_read_but_no_longer_written() {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x5000, 12);
        tlb.protect(0x6000);
        let entry = tlb.table(0).entries[TlbTable::index(0x5000)];
        assert_eq!((entry.read, entry.write), (0x5000, NO_TAG));
    }
}
