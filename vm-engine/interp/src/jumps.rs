//! The jump caches of one virtual CPU: where the code for an address is.
//!
//! Code that all address spaces have in the same place, as that of a kernel, is in one large cache
//! for each mode.
//! All else is in small caches, one for each address space and mode, which come and go with the
//! TLB's tables.

mod cache;

use std::sync::atomic::{AtomicU64, Ordering};

use vm_core::{Flush, PAGE_MASK};
use vm_mem::{CodePage, Forgotten, PageFilter, Spans, Tlb};

use crate::cpu::{Cpu, Jump};
use crate::flat::Code;

use cache::Cache;

/// Entries of a cache of one address space, to begin with.
const OWN: usize = 8192;
/// Entries of a cache that address spaces share, to begin with.
// LIMIT: 256 KiB a mode; starting programs under Linux enters some 5000 blocks of the kernel.
const SHARED: usize = 16384;
/// The caches of single address spaces.
// LIMIT: as many as the TLB has tables.
const OWNS: usize = 16;
/// The caches that address spaces share.
// LIMIT: a kernel runs with floating point off, clean and dirty, and a firmware beside it.
const MODES: usize = 6;

/// The states of mappings have different numbers; zero is none.
static STATES: AtomicU64 = AtomicU64::new(1);

fn new_state() -> u64 {
    STATES.fetch_add(1, Ordering::Relaxed)
}

/// Whose code a cache holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Name {
    /// The TLB table, if it is not that of all address spaces.
    table: Option<usize>,
    /// The mode of the code.
    mode: u64,
}

impl Name {
    fn own(table: usize, mode: u64) -> Self {
        let table = Some(table);
        Self { table, mode }
    }

    fn shared(mode: u64) -> Self {
        Self { table: None, mode }
    }

    fn is_shared(self) -> bool {
        self.table.is_none()
    }
}

struct Named {
    name: Name,
    cache: Cache,
    used: u64,
}

/// The jump cache in force, as handlers and native code see it.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// Its entries.
    pub entries: *mut Jump,
    /// See [`Jump::mask`].
    pub mask: usize,
    /// See [`Jumps::state`].
    pub state: *const u64,
}

impl InForce {
    /// Lets a CPU use it.
    pub fn put(self, cpu: &mut Cpu) {
        (cpu.jumps, cpu.jump_mask, cpu.state) = (self.entries, self.mask, self.state);
    }
}

/// The jump caches.
#[derive(Default)]
pub struct Jumps {
    all: Vec<Named>,
    /// The number of the one in force.
    current: usize,
    clock: u64,
    /// What large mappings the code in shared caches stands on.
    large: Spans,
    /// For each TLB table what its mappings are like.
    states: Vec<State>,
}

/// The state that the mappings of a TLB table are in.
struct State {
    /// Another one whenever a mapping is forgotten that somebody has relied on.
    number: u64,
    /// The pages that somebody relies on.
    relied: PageFilter,
    any: bool,
}

impl State {
    fn new() -> Self {
        Self {
            number: new_state(),
            relied: PageFilter::default(),
            any: false,
        }
    }

    fn rely(&mut self, addr: u64) {
        self.relied.note(addr);
        self.any = true;
    }

    fn change(&mut self) {
        self.number = new_state();
        if std::mem::take(&mut self.any) {
            self.relied.clear();
        }
    }

    /// Addresses from the first to the last have been forgotten; a number that nobody has relied
    /// on is as good as a new one.
    fn forget(&mut self, first: u64, last: u64) {
        if self.any && (!is_one_page(first, last) || self.relied.may_have(first)) {
            self.change();
        }
    }
}

fn is_one_page(first: u64, last: u64) -> bool {
    first & PAGE_MASK == last & PAGE_MASK
}

impl Jumps {
    /// Puts the cache for code of a mode in force, in the address space of a TLB table.
    pub fn select(&mut self, table: usize, mode: u64) -> InForce {
        let own = Name::own(table, mode);
        self.current = match self.find(own).or_else(|| self.find(Name::shared(mode))) {
            Some(known) => known,
            None => self.add(own),
        };
        // What a large program has left is too large for the next one.
        self.all[self.current].cache.shrink();
        self.in_force(table)
    }

    /// The number of the state that the mappings of a TLB table are in: what was found out about
    /// where code is mapped holds as long as it stays the same.
    pub fn state(&mut self, table: usize) -> u64 {
        if self.states.len() <= table {
            self.states.resize_with(table + 1, State::new);
        }
        self.states[table].number
    }

    /// Notes that somebody relies on where a page is mapped, as long as the state is the same.
    pub fn rely(&mut self, table: usize, addr: u64) {
        if let Some(state) = self.states.get_mut(table) {
            state.rely(addr);
        }
    }

    /// The code for an address, if the cache in force knows it.
    pub fn entry(&self, pc: u64) -> Option<*const Code> {
        let cache = &self.all.get(self.current)?.cache;
        let jump = cache.entries[cache.index(pc)];
        (jump.pc == pc && !jump.code.is_null()).then_some(jump.code)
    }

    /// Remembers where the code for an address is; the cache that is in force from then on.
    ///
    /// `page` is what the TLB table in force knows of the page.
    pub fn fill(&mut self, table: usize, pc: u64, code: *const Code, page: CodePage) -> InForce {
        let now = &self.all[self.current];
        let mode = now.name.mode;
        match (now.name.table, page.global) {
            (None, false) => {
                let own = Name::own(table, mode);
                self.current = self.find(own).unwrap_or_else(|| self.add(own));
            }
            // Nothing here is another address space's, so it need not be one of its own.
            (Some(_), true) if now.cache.is_empty() => {
                self.all.swap_remove(self.current);
                let shared = Name::shared(mode);
                self.current = self.find(shared).unwrap_or_else(|| self.add(shared));
            }
            _ => {}
        }
        let now = &mut self.all[self.current];
        if let (None, Some((first, last))) = (now.name.table, page.large) {
            self.large.note(first, last);
        }
        now.cache.fill(pc, code);
        self.in_force(table)
    }

    /// A TLB table has forgotten something, or is another address space's from now on.
    pub fn forget(&mut self, table: usize, what: Forgotten) {
        if let Some(state) = self.states.get_mut(table) {
            match what {
                Forgotten::All | Forgotten::Own => state.change(),
                Forgotten::Span(first, last) => state.forget(first, last),
            }
        }
        for named in &mut self.all {
            if named.name.table == Some(table) {
                match what {
                    Forgotten::All | Forgotten::Own => named.cache.clear(),
                    Forgotten::Span(first, last) => named.cache.forget(first, last),
                }
            }
        }
    }

    /// One page has been forgotten in all TLB tables, and in none of them more than that.
    fn forget_page(&mut self, addr: u64) {
        let (first, last) = (addr & PAGE_MASK, addr | !PAGE_MASK);
        for state in &mut self.states {
            state.forget(first, last);
        }
        for named in &mut self.all {
            named.cache.forget(first, last);
        }
    }

    /// The guest has translations forgotten in the TLB.
    pub fn flush(&mut self, tlb: &mut Tlb, what: Flush) {
        let large = match what {
            Flush::Page(addr, None) => self.large.around(addr.0),
            _ => None,
        };
        // What most guests ask for at every page fault is done for all tables at once.
        tlb.flush(what, |table, forgotten| match (what, forgotten) {
            (Flush::Page(_, None), Forgotten::Span(first, last)) if is_one_page(first, last) => {}
            _ => self.forget(table, forgotten),
        });
        if let Flush::Page(addr, None) = what {
            self.forget_page(addr.0);
        }
        if large.is_some() || !matches!(what, Flush::Page(_, None)) {
            self.forget_shared(what);
        }
    }

    /// The guest has translations forgotten; what is named by its address space keeps what all
    /// address spaces share.
    fn forget_shared(&mut self, what: Flush) {
        if matches!(what, Flush::All | Flush::Page(_, None)) {
            self.states.iter_mut().for_each(State::change);
        }
        let shared = self.all.iter_mut().filter(|named| named.name.is_shared());
        let (first, last) = match what {
            Flush::All => {
                shared.for_each(|named| named.cache.clear());
                return self.large.clear();
            }
            Flush::Page(addr, None) => {
                let page = addr.0 & PAGE_MASK;
                // One page of a large mapping can not be forgotten alone.
                let large = self.large.around(addr.0);
                large.unwrap_or((page, page | !PAGE_MASK))
            }
            Flush::Page(_, Some(_)) | Flush::Space(_) => return,
        };
        shared.for_each(|named| named.cache.forget(first, last));
    }

    /// Empties all caches.
    pub fn clear_all(&mut self) {
        self.states.iter_mut().for_each(State::change);
        for named in &mut self.all {
            named.cache.clear();
        }
    }

    fn find(&self, name: Name) -> Option<usize> {
        self.all.iter().position(|named| named.name == name)
    }

    /// Adds a cache, in place of the one of its kind that was used longest ago if there are many.
    fn add(&mut self, name: Name) -> usize {
        let alike = |named: &&(usize, &Named)| named.1.name.is_shared() == name.is_shared();
        let all: Vec<_> = self.all.iter().enumerate().collect();
        let (most, entries) = if name.is_shared() {
            (MODES, SHARED)
        } else {
            (OWNS, OWN)
        };
        if all.iter().filter(alike).count() >= most {
            let oldest = all.iter().filter(alike).min_by_key(|(_, named)| named.used);
            if let Some((oldest, _)) = oldest.copied() {
                let named = &mut self.all[oldest];
                named.cache.clear();
                named.name = name;
                return oldest;
            }
        }
        self.all.push(Named {
            name,
            cache: Cache::new(entries),
            used: 0,
        });
        self.all.len() - 1
    }

    fn in_force(&mut self, table: usize) -> InForce {
        self.clock += 1;
        self.state(table);
        let now = &mut self.all[self.current];
        now.used = self.clock;
        InForce {
            mask: now.cache.mask(),
            entries: now.cache.entries.as_mut_ptr(),
            state: &raw const self.states[table].number,
        }
    }
}

#[cfg(test)]
mod tests;
