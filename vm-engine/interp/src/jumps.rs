//! The jump caches of one virtual CPU: where the code for an address is.
//!
//! Code that all address spaces have in the same place, as that of a kernel, is in one large cache
//! for each mode.
//! All else is in small caches, one for each address space and mode, which come and go with the
//! TLB's tables.

mod cache;

use std::sync::atomic::{AtomicU64, Ordering};

use vm_core::{Flush, PAGE_MASK};
use vm_mem::{CodePage, Forgotten, Spans};

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
    /// For each TLB table another number whenever a mapping is forgotten.
    states: Vec<u64>,
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
            self.states.resize_with(table + 1, new_state);
        }
        self.states[table]
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
            *state = new_state();
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

    /// The guest has translations forgotten; what is named by its address space keeps what all
    /// address spaces share.
    pub fn forget_shared(&mut self, what: Flush) {
        if matches!(what, Flush::All | Flush::Page(_, None)) {
            self.states.fill_with(new_state);
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
        self.states.fill_with(new_state);
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
            state: &raw const self.states[table],
        }
    }
}

#[cfg(test)]
mod tests {
    use vm_core::GuestVirt;

    use super::*;

    const PAGE: Forgotten = Forgotten::Span(0x1000, 0x1fff);
    const OWN_PAGE: CodePage = CodePage {
        global: false,
        large: None,
    };
    const SHARED_PAGE: CodePage = CodePage {
        global: true,
        large: None,
    };

    /// Enters addresses in the address space of a table.
    fn fill(jumps: &mut Jumps, table: usize, pcs: &[u64], page: CodePage) {
        jumps.select(table, 0);
        for pc in pcs {
            jumps.fill(table, *pc, std::ptr::dangling(), page);
            assert!(jumps.entry(*pc).is_some());
        }
    }

    /// Which addresses are known in the address space of a table.
    fn known<const N: usize>(jumps: &mut Jumps, table: usize, pcs: [u64; N]) -> [bool; N] {
        let force = jumps.select(table, 0);
        let known = pcs.map(|pc| jumps.entry(pc).is_some());
        // As handlers and native code look.
        let seen = pcs.map(|pc| {
            let cache = &jumps.all[jumps.current].cache;
            cache.entries[Jump::place(pc, force.mask) / size_of::<Jump>()].pc == pc
        });
        assert_eq!(known, seen);
        known
    }

    #[test]
    fn what_is_forgotten_goes_and_all_else_stays() {
        let pcs = [0x1000, 0x1ffe, 0x3000];
        for (what, stay) in [
            (PAGE, [false, false, true]),
            (Forgotten::Span(0x7000, 0x7fff), [true; 3]),
            (Forgotten::Span(0x1000, 0x3fff), [false; 3]),
            (Forgotten::Own, [false; 3]),
            (Forgotten::All, [false; 3]),
        ] {
            let mut jumps = Jumps::default();
            fill(&mut jumps, 0, &pcs, OWN_PAGE);
            fill(&mut jumps, 1, &[0x1000], OWN_PAGE);
            jumps.forget(0, what);
            assert_eq!(known(&mut jumps, 0, pcs), stay, "{what:?}");
            assert_eq!(known(&mut jumps, 1, [0x1000, 0x3000]), [true, false]);
            jumps.clear_all();
            assert_eq!(known(&mut jumps, 1, [0x1000]), [false]);
        }
    }

    #[test]
    fn whatever_is_forgotten_the_state_is_another_one() {
        let mut jumps = Jumps::default();
        let mut seen = vec![0];
        let mut note = |jumps: &mut Jumps| {
            let force = jumps.select(0, 0);
            let state = jumps.state(0);
            assert!(!seen.contains(&state), "{state} of {seen:?}");
            seen.push(state);
            assert!(std::ptr::eq(force.state, &raw const jumps.states[0]));
            state
        };
        note(&mut jumps);
        for page in [OWN_PAGE, SHARED_PAGE] {
            fill(&mut jumps, 0, &[0x1000], page);
            for what in [PAGE, Forgotten::Own, Forgotten::All] {
                jumps.forget(0, what);
                note(&mut jumps);
            }
            for what in [Flush::All, Flush::Page(GuestVirt(0x7000), None)] {
                jumps.forget_shared(what);
                note(&mut jumps);
            }
        }
        let other = jumps.state(1);
        jumps.clear_all();
        let state = note(&mut jumps);
        assert_ne!(other, jumps.state(1));
        // What is only found, or is another address space's, changes nothing.
        fill(&mut jumps, 0, &[0x1000], OWN_PAGE);
        jumps.forget(1, Forgotten::All);
        assert_eq!(jumps.state(0), state);
    }

    #[test]
    fn shared_code_is_known_in_all_address_spaces_until_it_is_forgotten_in_all() {
        let space = |space| Flush::Page(GuestVirt(0x1004), space);
        for (what, large, stay) in [
            (space(Some(7)), None, [true; 3]),
            (Flush::Space(7), None, [true; 3]),
            (space(None), None, [false, false, true]),
            (space(None), Some((0x1000, 0x2fff)), [false, false, true]),
            (space(None), Some((0, 0x1f_ffff)), [false; 3]),
            (Flush::All, None, [false; 3]),
        ] {
            let mut jumps = Jumps::default();
            let page = CodePage {
                global: true,
                large,
            };
            let pcs = [0x1000, 0x1ffe, 0x3000];
            fill(&mut jumps, 0, &pcs, page);
            assert_eq!(known(&mut jumps, 5, pcs), [true; 3]);
            jumps.forget(0, Forgotten::All);
            assert_eq!(known(&mut jumps, 0, pcs), [true; 3]);
            jumps.forget_shared(what);
            assert_eq!(known(&mut jumps, 5, pcs), stay, "{what:?} {large:?}");
        }
    }

    #[test]
    fn an_address_space_with_code_of_its_own_leaves_the_shared_cache() {
        let mut jumps = Jumps::default();
        fill(&mut jumps, 0, &[0x1000], SHARED_PAGE);
        fill(&mut jumps, 1, &[0x2000], OWN_PAGE);
        assert_eq!(known(&mut jumps, 0, [0x1000, 0x2000]), [true, false]);
        assert_eq!(known(&mut jumps, 1, [0x1000, 0x2000]), [false, true]);
        fill(&mut jumps, 1, &[0x1000], SHARED_PAGE);
        assert_eq!(known(&mut jumps, 1, [0x1000, 0x2000]), [true, true]);
        assert_eq!(known(&mut jumps, 0, [0x1000, 0x2000]), [true, false]);
        // A mode that nothing was shared in begins for itself.
        jumps.select(0, 1);
        assert!(jumps.entry(0x1000).is_none());
    }

    #[test]
    fn there_are_never_more_caches_than_there_may_be() {
        let mut jumps = Jumps::default();
        for n in 0..3 * OWNS {
            jumps.select(n, n as u64);
            jumps.fill(n, 0x1000, std::ptr::dangling(), OWN_PAGE);
            jumps.select(n, 100 + n as u64);
            jumps.fill(n, 0x1000, std::ptr::dangling(), SHARED_PAGE);
        }
        assert!(jumps.all.len() <= OWNS + MODES);
        // The last ones are those that are left, and nobody gets what another one knew.
        jumps.select(3 * OWNS - 1, 3 * OWNS as u64 - 1);
        assert!(jumps.entry(0x1000).is_some());
        jumps.select(0, 0);
        assert!(jumps.entry(0x1000).is_none());
    }
}
