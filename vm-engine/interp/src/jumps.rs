//! The jump caches of one virtual CPU, one for each TLB table.

use std::sync::atomic::{AtomicU64, Ordering};

use vm_core::GuestVirt;
use vm_mem::Forgotten;

use crate::cpu::{JUMPS, Jump};
use crate::flat::Code;

/// Bits of the filter that says from which pages a cache holds code.
// LIMIT: 2 KiB; a kernel's own code takes some thousand bits, which all caches inherit.
const FILTER_BITS: u64 = 16384;

/// What native code sees of a cache.
#[repr(C)]
pub struct Row {
    jumps: [Jump; JUMPS],
    /// Another number whenever a mapping is forgotten: what was found out about where code is
    /// mapped holds as long as it stays the same.
    pub state: u64,
}

/// The states of all caches have different numbers; zero is none.
static STATES: AtomicU64 = AtomicU64::new(1);

fn new_state() -> u64 {
    STATES.fetch_add(1, Ordering::Relaxed)
}

struct Cache {
    row: Box<Row>,
    /// Which of them stand on pages that all address spaces share, a bit each.
    global: [u64; JUMPS / 64],
    pages: [u64; (FILTER_BITS / 64) as usize],
}

impl Cache {
    fn is_empty(&self) -> bool {
        self.pages.iter().all(|word| *word == 0)
    }

    fn clear(&mut self) {
        self.row.state = new_state();
        if !self.is_empty() {
            self.row.jumps = empty();
            self.global.fill(0);
            self.pages.fill(0);
        }
    }

    fn clear_own(&mut self) {
        self.row.state = new_state();
        if self.is_empty() {
            return;
        }
        for (index, jump) in self.row.jumps.iter_mut().enumerate() {
            if self.global[index / 64] >> (index % 64) & 1 == 0 {
                *jump = Jump::empty(index);
            }
        }
    }
}

/// The jump caches.
#[derive(Default)]
pub struct Jumps(Vec<Cache>);

impl Jumps {
    /// The entries that belong to a TLB table.
    pub fn entries(&mut self, table: usize) -> *mut Jump {
        (&raw mut *self.cache(table).row).cast()
    }

    /// The number of the state that a cache is in.
    pub fn state(&mut self, table: usize) -> u64 {
        self.cache(table).row.state
    }

    /// The code for an address, if the cache knows it.
    pub fn entry(&mut self, table: usize, pc: u64) -> Option<*const Code> {
        let jump = self.cache(table).row.jumps[Jump::index(pc)];
        (jump.pc == pc && !jump.code.is_null()).then_some(jump.code)
    }

    /// Remembers where the code for an address is, and whether all address spaces have it there.
    pub fn fill(&mut self, table: usize, pc: u64, code: *const Code, global: bool) {
        let cache = self.cache(table);
        let index = Jump::index(pc);
        cache.row.jumps[index] = Jump { pc, code };
        let (word, bit) = (&mut cache.global[index / 64], 1 << (index % 64));
        *word = if global { *word | bit } else { *word & !bit };
        let bit = filter_bit(pc);
        cache.pages[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    /// Forgets what the TLB table has forgotten.
    pub fn forget(&mut self, table: usize, what: Forgotten) {
        let Some(cache) = self.0.get_mut(table) else {
            return;
        };
        cache.row.state = new_state();
        let (first, last) = match what {
            Forgotten::All => return cache.clear(),
            Forgotten::Own => return cache.clear_own(),
            Forgotten::Span(first, last) => (first, last),
        };
        let bit = filter_bit(first);
        let one = GuestVirt(first).page_number() == GuestVirt(last).page_number();
        if one && cache.pages[(bit / 64) as usize] >> (bit % 64) & 1 == 0 {
            return;
        }
        for (index, jump) in cache.row.jumps.iter_mut().enumerate() {
            if jump.pc.wrapping_sub(first) <= last - first {
                *jump = Jump::empty(index);
            }
        }
    }

    /// A TLB table is for another address space now, with the shared mappings of the table
    /// `heir_of`.
    pub fn inherit(&mut self, table: usize, heir_of: usize) {
        let most = table.max(heir_of);
        self.cache(most);
        if let Ok([cache, from]) = self.0.get_disjoint_mut([table, heir_of]) {
            if from.is_empty() {
                return cache.clear();
            }
            cache.row.jumps.copy_from_slice(&from.row.jumps);
            cache.global = from.global;
            cache.pages = from.pages;
        }
        self.0[table].clear_own();
    }

    /// Empties all caches.
    pub fn clear_all(&mut self) {
        for cache in &mut self.0 {
            cache.clear();
        }
    }

    fn cache(&mut self, table: usize) -> &mut Cache {
        if self.0.len() <= table {
            self.grow(table);
        }
        &mut self.0[table]
    }

    /// Apart from where caches are used: a new one passes over the stack, page by page.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, table: usize) {
        while self.0.len() <= table {
            let row = Box::new(Row {
                jumps: empty(),
                state: new_state(),
            });
            self.0.push(Cache {
                row,
                global: [0; JUMPS / 64],
                pages: [0; (FILTER_BITS / 64) as usize],
            });
        }
    }
}

fn empty() -> [Jump; JUMPS] {
    std::array::from_fn(Jump::empty)
}

fn filter_bit(addr: u64) -> u64 {
    GuestVirt(addr)
        .page_number()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> (64 - FILTER_BITS.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(jumps: &mut Jumps, table: usize, pc: u64) -> bool {
        jumps.cache(table).row.jumps[Jump::index(pc)].pc == pc
    }

    const PAGE: Forgotten = Forgotten::Span(0x1000, 0x1fff);

    fn fill(jumps: &mut Jumps, table: usize, pc: u64, global: bool) {
        jumps.fill(table, pc, std::ptr::dangling(), global);
        assert!(holds(jumps, table, pc));
    }

    #[test]
    fn what_is_forgotten_goes_and_all_else_stays() {
        // What stays of 0x1000, 0x1ffe, 0x3000 and the shared 0x4000.
        for (what, stay) in [
            (PAGE, [false, false, true, true]),
            (Forgotten::Span(0x7000, 0x7fff), [true; 4]),
            (Forgotten::Span(0x1000, 0x3fff), [false, false, false, true]),
            (Forgotten::Own, [false, false, false, true]),
            (Forgotten::All, [false; 4]),
        ] {
            let mut jumps = Jumps::default();
            for pc in [0x1000, 0x1ffe, 0x3000, 0x4000] {
                fill(&mut jumps, 0, pc, pc == 0x4000);
            }
            fill(&mut jumps, 1, 0x1000, false);
            jumps.forget(0, what);
            let found = [0x1000, 0x1ffe, 0x3000, 0x4000].map(|pc| holds(&mut jumps, 0, pc));
            assert_eq!(found, stay, "{what:?}");
            assert!(holds(&mut jumps, 1, 0x1000));
            jumps.clear_all();
            assert!(!holds(&mut jumps, 1, 0x1000));
        }
    }

    #[test]
    fn whatever_is_forgotten_the_state_is_another_one() {
        let mut jumps = Jumps::default();
        let mut seen = vec![0];
        let mut note = |jumps: &mut Jumps| {
            let state = jumps.state(0);
            assert!(!seen.contains(&state), "{state} of {seen:?}");
            seen.push(state);
            state
        };
        note(&mut jumps);
        for what in [PAGE, Forgotten::Own, Forgotten::All] {
            jumps.forget(0, what);
            note(&mut jumps);
        }
        for other in [1, 2] {
            fill(&mut jumps, other, 0x1000, true);
            jumps.inherit(0, other);
            note(&mut jumps);
        }
        let before = jumps.state(1);
        jumps.clear_all();
        let state = note(&mut jumps);
        assert_ne!(before, jumps.state(1));
        fill(&mut jumps, 0, 0x1000, false);
        assert_eq!(jumps.state(0), state);
    }

    #[test]
    fn a_cache_that_is_filled_anew_says_of_each_entry_whether_it_is_shared() {
        let mut jumps = Jumps::default();
        fill(&mut jumps, 0, 0x1000, true);
        fill(&mut jumps, 0, 0x1000, false);
        fill(&mut jumps, 0, 0x2000, true);
        jumps.inherit(1, 0);
        assert!(!holds(&mut jumps, 1, 0x1000) && holds(&mut jumps, 1, 0x2000));
        assert!(holds(&mut jumps, 0, 0x1000) && holds(&mut jumps, 0, 0x2000));
        // What was inherited is forgotten by page like all else.
        jumps.forget(1, Forgotten::Span(0x2000, 0x2fff));
        assert!(!holds(&mut jumps, 1, 0x2000));
        jumps.inherit(0, 0);
        assert!(!holds(&mut jumps, 0, 0x1000) && holds(&mut jumps, 0, 0x2000));
        fill(&mut jumps, 3, 0x5000, true);
        jumps.inherit(3, 2);
        assert!(
            !holds(&mut jumps, 3, 0x5000),
            "of an empty one nothing is inherited"
        );
    }
}
