//! The jump caches of one virtual CPU, one for each TLB table.

use vm_core::GuestVirt;

use crate::cpu::{JUMPS, Jump};
use crate::flat::Code;

/// Bits of the filter that says from which pages a cache holds code.
const FILTER_BITS: u64 = 4096;

struct Cache {
    entries: Box<[Jump; JUMPS]>,
    pages: [u64; (FILTER_BITS / 64) as usize],
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

    /// Remembers where the code for an address is.
    pub fn fill(&mut self, table: usize, pc: u64, code: *const Code) {
        let cache = self.cache(table);
        cache.entries[Jump::index(pc)] = Jump { pc, code };
        let bit = filter_bit(pc);
        cache.pages[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    /// Empties one cache.
    pub fn clear(&mut self, table: usize) {
        if let Some(cache) = self.0.get_mut(table)
            && cache.pages.iter().any(|word| *word != 0)
        {
            *cache.entries = empty();
            cache.pages.fill(0);
        }
    }

    /// Empties all caches.
    pub fn clear_all(&mut self) {
        for table in 0..self.0.len() {
            self.clear(table);
        }
    }

    /// Forgets the code of one page.
    ///
    /// The filter may say yes for another page; then the cache is emptied in vain.
    pub fn forget_page(&mut self, table: usize, addr: GuestVirt) {
        let bit = filter_bit(addr.0);
        let held = self
            .0
            .get(table)
            .is_some_and(|cache| cache.pages[(bit / 64) as usize] >> (bit % 64) & 1 == 1);
        if held {
            self.clear(table);
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
        >> 52
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(jumps: &mut Jumps, table: usize, pc: u64) -> bool {
        jumps.cache(table).entries[Jump::index(pc)].pc == pc
    }

    #[test]
    fn a_page_without_code_leaves_the_cache_alone_and_one_with_code_does_not() {
        let mut jumps = Jumps::default();
        jumps.fill(0, 0x1000, std::ptr::null());
        jumps.fill(1, 0x1000, std::ptr::null());
        jumps.forget_page(0, GuestVirt(0x7000));
        assert!(holds(&mut jumps, 0, 0x1000));
        jumps.forget_page(0, GuestVirt(0x1ffe));
        assert!(!holds(&mut jumps, 0, 0x1000) && holds(&mut jumps, 1, 0x1000));
        jumps.clear_all();
        assert!(!holds(&mut jumps, 1, 0x1000));
    }
}
