//! The software TLB of one vCPU: a small pool of tables, one for each address space and mode.

use vm_core::{Flush, GuestVirt, PAGE_BITS, PAGE_MASK};

use crate::spans::Spans;

use writers::Writers;

mod writers;

/// The entries of one table.
// LIMIT: a compiler's data and the kernel's are a few thousand pages; of 100 misses that 1024
// entries have there, 2048 have 60, 4096 have 33, and 8192 have 6. What is not used costs nothing
// but memory, 256 KiB a table.
pub const TLB_ENTRIES: usize = 8192;
/// The tables of one vCPU.
// LIMIT: a kernel that switches between a few processes uses two or three tables for each; at
// 256 KiB each, sixteen are four MiB a vCPU.
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
    entries: Box<[TlbEntry]>,
    /// Which of them may answer something, a bit each: what is to be done with all of them is
    /// done with these.
    filled: Bits,
    /// Which of them are for mappings that all address spaces share; others of these bits mean
    /// nothing where no entry is filled.
    global: Bits,
    /// The addresses that large mappings were entered for, first and last: one page of a large
    /// mapping can not be forgotten alone.
    large: Spans,
    /// The entries that answer stores, by host page.
    writers: Writers,
    used: u64,
}

/// A bit for each entry.
type Bits = Box<[u64; TLB_ENTRIES / 64]>;

/// The numbers of the bits that are set in a word with this number.
fn set_bits(number: usize, mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(number * 64 + bit)
    })
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
            entries: vec![TlbEntry::EMPTY; TLB_ENTRIES].into_boxed_slice(),
            filled: Box::new([0; TLB_ENTRIES / 64]),
            global: Box::new([0; TLB_ENTRIES / 64]),
            large: Spans::default(),
            writers: Writers::default(),
            used: 0,
        }
    }

    /// Which entry answers for an address.
    #[must_use]
    pub const fn index(addr: u64) -> usize {
        (addr >> PAGE_BITS) as usize & (TLB_ENTRIES - 1)
    }

    /// The entry of an address, whatever it answers for.
    #[must_use]
    pub fn entry(&self, addr: u64) -> TlbEntry {
        self.entries[Self::index(addr)]
    }

    /// All entries, for those who look by themselves.
    pub fn as_mut_ptr(&mut self) -> *mut TlbEntry {
        self.entries.as_mut_ptr()
    }

    /// Enters what answers for an address, as a part of a mapping of `1 << bits` bytes, and
    /// whether all address spaces share it.
    pub fn enter(&mut self, addr: u64, entry: TlbEntry, bits: u32, global: bool) {
        let index = Self::index(addr);
        let (word, bit) = (index / 64, 1 << (index % 64));
        self.set(index, entry);
        self.filled[word] |= bit;
        if global {
            self.global[word] |= bit;
        } else {
            self.global[word] &= !bit;
        }
        if bits > PAGE_BITS {
            let inside = (1u64 << bits.min(63)) - 1;
            self.large.note(addr & !inside, addr | inside);
        }
    }

    fn set(&mut self, index: usize, entry: TlbEntry) {
        self.entries[index] = entry;
        if entry.write != NO_TAG {
            let host = entry.write.wrapping_add(entry.addend);
            self.writers.note(index, host);
        }
    }

    /// Takes back the permission to write a page without notice.
    fn protect(&mut self, host_page: u64) {
        for index in self.writers.of(host_page) {
            let entry = &mut self.entries[index];
            let answers = entry.write != NO_TAG;
            if answers && entry.write.wrapping_add(entry.addend) == host_page {
                entry.write = NO_TAG;
            }
        }
    }

    /// Takes back the permission to write any page without notice.
    fn protect_all(&mut self) {
        for (number, word) in self.filled.iter().enumerate() {
            for index in set_bits(number, *word) {
                self.entries[index].write = NO_TAG;
            }
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
        self.forget(|_, _| true);
        self.large.clear();
    }

    /// Forgets what is not shared by all address spaces.
    fn clear_own(&mut self) {
        self.forget(|_, is_global| !is_global);
    }

    /// Forgets the entries that are chosen.
    fn forget(&mut self, chosen: impl Fn(&TlbEntry, bool) -> bool) {
        for (number, word) in self.filled.iter_mut().enumerate() {
            let global = self.global[number];
            for index in set_bits(number, *word) {
                let entry = &mut self.entries[index];
                if chosen(entry, global >> (index % 64) & 1 == 1) {
                    *entry = TlbEntry::EMPTY;
                    *word &= !(1 << (index % 64));
                }
            }
        }
    }

    /// Becomes another address space's, with what all of them share: what it has of that, and
    /// where it has nothing, what another table of the mode has.
    fn inherit(&mut self, from: &Self) {
        if self.key.mode == from.key.mode {
            self.clear_own();
        } else {
            self.clear();
        }
        for number in 0..self.filled.len() {
            let new = from.filled[number] & from.global[number] & !self.filled[number];
            for index in set_bits(number, new) {
                self.set(index, from.entries[index]);
            }
            self.filled[number] |= new;
            self.global[number] |= new;
        }
        self.large.note_all(&from.large);
    }

    /// Forgets one page, and what can not be told from it.
    fn forget_page(&mut self, addr: GuestVirt) -> Forgotten {
        if let Some((first, last)) = self.large.take(addr.0) {
            self.forget(|entry, _| entry.is_in(first, last));
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
            table.protect_all();
        }
    }

    /// Takes back the permission to write a page without notice, in all tables.
    pub fn protect(&mut self, host_page: u64) {
        for table in &mut self.tables {
            table.protect(host_page);
        }
    }
}

#[cfg(test)]
mod tests;
