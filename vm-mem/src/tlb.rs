//! The software TLB of one vCPU: a small pool of tables, one for each address space and mode.

use vm_core::{Flush, GuestVirt, PAGE_BITS, PAGE_MASK};

use crate::spans::Spans;

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

    /// Whether it answers for a page from the first to the last address.
    fn is_in(&self, first: u64, last: u64) -> bool {
        let within = |tag: u64| tag != NO_TAG && (first..=last).contains(&tag);
        within(self.read) || within(self.write) || within(self.execute)
    }
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
    /// Which of them are for mappings that all address spaces share, a bit each.
    global: [u64; TLB_ENTRIES / 64],
    /// The addresses that large mappings were entered for, first and last: one page of a large
    /// mapping can not be forgotten alone.
    large: Spans,
    used: u64,
}

/// What a table has forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgotten {
    /// Everything.
    All,
    /// Everything but the mappings that all address spaces share.
    Own,
    /// Addresses from the first to the last.
    Span(u64, u64),
}

/// A table that was chosen for a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selected {
    /// Its number.
    pub index: usize,
    /// Whether it was another context's until now: then it has mappings that all address spaces
    /// share, at most.
    pub is_new: bool,
}

/// What a table knows of a page with code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodePage {
    /// Whether all address spaces have it in the same place.
    pub global: bool,
    /// The first and last address of what was mapped with it, if that is more than a page.
    pub large: Option<(u64, u64)>,
}

impl CodePage {
    /// What is known of this page and the one behind it, for what reaches into both.
    #[must_use]
    pub fn with(self, behind: Self) -> Self {
        let large = match (self.large, behind.large) {
            (Some(here), Some(there)) => Some((here.0.min(there.0), here.1.max(there.1))),
            (here, there) => here.or(there),
        };
        Self {
            global: self.global && behind.global,
            large,
        }
    }
}

impl TlbTable {
    fn new() -> Self {
        Self {
            key: ContextKey {
                space: u64::MAX,
                mode: u64::MAX,
            },
            entries: Box::new([TlbEntry::EMPTY; TLB_ENTRIES]),
            global: [0; TLB_ENTRIES / 64],
            large: Spans::default(),
            used: 0,
        }
    }

    /// Which entry answers for an address.
    #[must_use]
    pub const fn index(addr: u64) -> usize {
        (addr >> PAGE_BITS) as usize & (TLB_ENTRIES - 1)
    }

    /// Notes what the entry of an address is a part of: a mapping of `1 << bits` bytes, and
    /// whether all address spaces share it.
    pub fn note_mapping(&mut self, addr: u64, bits: u32, global: bool) {
        let index = Self::index(addr);
        let bit = 1 << (index % 64);
        let word = &mut self.global[index / 64];
        *word = if global { *word | bit } else { *word & !bit };
        if bits > PAGE_BITS {
            let inside = (1u64 << bits.min(63)) - 1;
            self.large.note(addr & !inside, addr | inside);
        }
    }

    fn is_global(&self, index: usize) -> bool {
        self.global[index / 64] >> (index % 64) & 1 == 1
    }

    /// What is known of the page that code stands on.
    #[must_use]
    pub fn code_page(&self, addr: u64) -> CodePage {
        let index = Self::index(addr);
        CodePage {
            global: self.is_global(index) && self.entries[index].execute == addr & PAGE_MASK,
            large: self.large.around(addr),
        }
    }

    fn clear(&mut self) {
        self.entries.fill(TlbEntry::EMPTY);
        self.global.fill(0);
        self.large.clear();
    }

    /// Forgets what is not shared by all address spaces.
    fn clear_own(&mut self) {
        for (word, entries) in self.global.iter().zip(self.entries.chunks_mut(64)) {
            for (bit, entry) in entries.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *entry = TlbEntry::EMPTY;
                }
            }
        }
    }

    /// Becomes a copy of what another table has of mappings that all address spaces share.
    fn inherit(&mut self, from: &Self) {
        self.entries.copy_from_slice(&*from.entries);
        self.global = from.global;
        self.large.clone_from(&from.large);
        self.clear_own();
    }

    /// Forgets one page, and what can not be told from it.
    fn forget_page(&mut self, addr: GuestVirt) -> Forgotten {
        if let Some((first, last)) = self.large.take(addr.0) {
            for entry in self.entries.iter_mut() {
                if entry.is_in(first, last) {
                    *entry = TlbEntry::EMPTY;
                }
            }
            return Forgotten::Span(first, last);
        }
        let page = addr.0 & PAGE_MASK;
        let entry = &mut self.entries[Self::index(page)];
        if entry.is_in(page, page) {
            *entry = TlbEntry::EMPTY;
        }
        Forgotten::Span(page, page | !PAGE_MASK)
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

    /// The table of a context; if there is none, the least recently used one becomes it, with
    /// the shared mappings of the table used last in the same mode.
    pub fn select(&mut self, key: ContextKey) -> Selected {
        self.clock += 1;
        if let Some(found) = self.tables.iter().position(|table| table.key == key) {
            self.tables[found].used = self.clock;
            return Selected {
                index: found,
                is_new: false,
            };
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
        let last = self.tables.iter().enumerate();
        let last = last
            .filter(|(_, table)| table.key.mode == key.mode)
            .max_by_key(|(_, table)| table.used);
        match last.map(|(last, _)| last) {
            Some(last) => match self.tables.get_disjoint_mut([index, last]) {
                Ok([table, from]) => table.inherit(from),
                Err(_) => self.tables[index].clear_own(),
            },
            None => self.tables[index].clear(),
        }
        let table = &mut self.tables[index];
        table.key = key;
        table.used = self.clock;
        Selected {
            index,
            is_new: true,
        }
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

    /// Forgets translations; tells of each table that it touched what that has forgotten.
    ///
    /// What is named by its address space keeps the mappings that all address spaces share.
    pub fn flush(&mut self, what: Flush, mut touched: impl FnMut(usize, Forgotten)) {
        for (index, table) in self.tables.iter_mut().enumerate() {
            let concerned = match what {
                Flush::All | Flush::Page(_, None) => true,
                Flush::Page(_, Some(space)) | Flush::Space(space) => table.key.space == space,
            };
            if !concerned {
                continue;
            }
            let forgotten = match what {
                Flush::Page(addr, _) => table.forget_page(addr),
                Flush::Space(_) => {
                    table.clear_own();
                    Forgotten::Own
                }
                Flush::All => {
                    table.clear();
                    Forgotten::All
                }
            };
            touched(index, forgotten);
        }
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

    /// Enters a page; `kind` is the size of its mapping, and whether it is shared.
    fn enter(tlb: &mut Tlb, key: ContextKey, page: u64, (bits, global): (u32, bool)) {
        let index = tlb.select(key).index;
        let table = tlb.table(index);
        table.note_mapping(page, bits, global);
        table.entries[TlbTable::index(page)] = TlbEntry {
            read: page,
            write: page,
            execute: page,
            addend: 0x1000,
        };
    }

    fn has(tlb: &mut Tlb, key: ContextKey, page: u64) -> bool {
        let index = tlb.select(key).index;
        tlb.table(index).entries[TlbTable::index(page)].read == page
    }

    const OWN: (u32, bool) = (12, false);
    const SHARED: (u32, bool) = (12, true);

    #[test]
    fn a_flush_empties_what_it_names_and_nothing_else() {
        // What stays: pages 0x5000, 0x6000 and the shared 0x8000 of A, page 0x5000 of B.
        let cases = [
            (Flush::All, [false, false, false, false]),
            (Flush::Space(1), [false, false, true, true]),
            (
                Flush::Page(GuestVirt(0x5123), Some(1)),
                [false, true, true, true],
            ),
            (
                Flush::Page(GuestVirt(0x5123), None),
                [false, true, true, false],
            ),
            (
                Flush::Page(GuestVirt(0x8000), None),
                [true, true, false, true],
            ),
            (
                Flush::Page(GuestVirt(0x7000), None),
                [true, true, true, true],
            ),
        ];
        for (what, stay) in cases {
            let mut tlb = Tlb::new();
            enter(&mut tlb, A, 0x5000, OWN);
            enter(&mut tlb, A, 0x6000, OWN);
            enter(&mut tlb, A, 0x8000, SHARED);
            enter(&mut tlb, B, 0x5000, OWN);
            tlb.flush(what, |_, _| {});
            let found = [
                has(&mut tlb, A, 0x5000),
                has(&mut tlb, A, 0x6000),
                has(&mut tlb, A, 0x8000),
                has(&mut tlb, B, 0x5000),
            ];
            assert_eq!(found, stay, "{what:?}");
        }
    }

    #[test]
    fn a_page_of_a_large_mapping_takes_the_mapping_along_and_no_other() {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x20_0000, (21, false));
        enter(&mut tlb, A, 0x21_0000, (21, false));
        enter(&mut tlb, A, 0x50_0000, OWN);
        enter(&mut tlb, A, 0x80_1000, (21, false));
        let mut touched = Vec::new();
        let what = Flush::Page(GuestVirt(0x20_0000), None);
        tlb.flush(what, |index, forgotten| touched.push((index, forgotten)));
        assert_eq!(touched, [(0, Forgotten::Span(0x20_0000, 0x3f_ffff))]);
        assert!(!has(&mut tlb, A, 0x21_0000));
        assert!(has(&mut tlb, A, 0x50_0000) && has(&mut tlb, A, 0x80_1000));
    }

    #[test]
    fn more_large_mappings_than_are_told_apart_are_still_found() {
        let mut tlb = Tlb::new();
        let pages: Vec<u64> = (0..=8).map(|n| n << 23 | n << 12).collect();
        for page in &pages {
            enter(&mut tlb, A, *page, (21, false));
        }
        for page in pages {
            tlb.flush(
                Flush::Page(GuestVirt(page & !0xfff | 0x1f_f000), None),
                |_, _| {},
            );
            assert!(!has(&mut tlb, A, page), "{page:#x}");
        }
    }

    #[test]
    fn the_least_recently_used_table_goes_first() {
        let mut tlb = Tlb::new();
        for space in 0..17 {
            enter(&mut tlb, ContextKey { space, mode: 0 }, 0x5000, OWN);
            assert!(has(&mut tlb, ContextKey { space: 0, mode: 0 }, 0x5000));
        }
        assert!(!has(&mut tlb, ContextKey { space: 1, mode: 0 }, 0x5000));
    }

    #[test]
    fn a_new_table_has_what_all_spaces_share_and_nothing_else() {
        let other = ContextKey { space: 1, mode: 1 };
        let mut tlb = Tlb::new();
        enter(&mut tlb, other, 0x7000, SHARED);
        enter(&mut tlb, A, 0x5000, OWN);
        enter(&mut tlb, A, 0x6000, SHARED);
        enter(&mut tlb, A, 0x20_9000, (21, true));
        let chosen = tlb.select(B);
        assert_eq!((chosen.index, chosen.is_new), (2, true));
        assert!(has(&mut tlb, B, 0x6000) && has(&mut tlb, B, 0x20_9000));
        assert!(!has(&mut tlb, B, 0x5000) && !has(&mut tlb, B, 0x7000));
        let page = |global, large| CodePage { global, large };
        assert_eq!(tlb.table(2).code_page(0x6004), page(true, None));
        assert_eq!(tlb.table(2).code_page(0x7004), page(false, None));
        let large = Some((0x20_0000, 0x3f_ffff));
        assert_eq!(tlb.table(2).code_page(0x20_9004), page(true, large));
        // The size of a mapping is known to the heir, too.
        tlb.flush(Flush::Page(GuestVirt(0x20_0000), None), |_, _| {});
        assert!(!has(&mut tlb, B, 0x20_9000));
        // What was shared when it was entered may be replaced by something that is not.
        enter(&mut tlb, B, 0x6000, OWN);
        tlb.flush(Flush::Space(2), |_, _| {});
        assert!(!has(&mut tlb, B, 0x6000) && has(&mut tlb, A, 0x6000));
    }

    #[test]
    fn a_table_that_is_the_last_of_its_mode_keeps_what_is_shared_for_its_next_space() {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x5000, OWN);
        enter(&mut tlb, A, 0x6000, SHARED);
        for mode in 1..TABLES as u64 {
            enter(&mut tlb, ContextKey { space: 1, mode }, 0x5000, OWN);
        }
        let chosen = tlb.select(B);
        assert_eq!((chosen.index, chosen.is_new), (0, true));
        assert!(has(&mut tlb, B, 0x6000) && !has(&mut tlb, B, 0x5000));
        // A mode of which there is no table yet has nothing.
        let other = ContextKey { space: 1, mode: 99 };
        assert!(tlb.select(other).is_new);
        assert!(!has(&mut tlb, other, 0x5000) && !has(&mut tlb, other, 0x6000));
        assert!(!tlb.select(other).is_new);
    }

    #[test]
    fn a_protected_page_is_read_but_no_longer_written() {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x5000, OWN);
        tlb.protect(0x6000);
        let entry = tlb.table(0).entries[TlbTable::index(0x5000)];
        assert_eq!((entry.read, entry.write), (0x5000, NO_TAG));
    }
}
