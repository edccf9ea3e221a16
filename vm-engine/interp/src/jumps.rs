//! The jump caches of one virtual CPU, one for each TLB table.

use vm_core::GuestVirt;
use vm_mem::Forgotten;

use crate::cpu::{JUMPS, Jump};
use crate::flat::Code;

/// Bits of the filter that says from which pages a cache holds code.
// LIMIT: 2 KiB; a kernel's own code takes some thousand bits, which all caches inherit.
const FILTER_BITS: u64 = 16384;

struct Cache {
    entries: Box<[Jump; JUMPS]>,
    /// Which of them stand on pages that all address spaces share, a bit each.
    global: [u64; JUMPS / 64],
    pages: [u64; (FILTER_BITS / 64) as usize],
}

impl Cache {
    fn is_empty(&self) -> bool {
        self.pages.iter().all(|word| *word == 0)
    }

    fn clear(&mut self) {
        if !self.is_empty() {
            *self.entries = empty();
            self.global.fill(0);
            self.pages.fill(0);
        }
    }

    fn clear_own(&mut self) {
        if self.is_empty() {
            return;
        }
        for (index, jump) in self.entries.iter_mut().enumerate() {
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
        self.cache(table).entries.as_mut_ptr()
    }

    /// The code for an address, if the cache knows it.
    pub fn entry(&mut self, table: usize, pc: u64) -> Option<*const Code> {
        let jump = self.cache(table).entries[Jump::index(pc)];
        (jump.pc == pc && !jump.code.is_null()).then_some(jump.code)
    }

    /// Remembers where the code for an address is, and whether all address spaces have it there.
    pub fn fill(&mut self, table: usize, pc: u64, code: *const Code, global: bool) {
        let cache = self.cache(table);
        let index = Jump::index(pc);
        cache.entries[index] = Jump { pc, code };
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
        for (index, jump) in cache.entries.iter_mut().enumerate() {
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
            cache.entries.copy_from_slice(&*from.entries);
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
            let entries = Box::new(empty());
            self.0.push(Cache {
                entries,
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
        jumps.cache(table).entries[Jump::index(pc)].pc == pc
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
