//! One jump cache, which grows with the program.

use vm_core::PAGE_MASK;
use vm_mem::{PageFilter, prefer_large_pages};

use crate::blocks::BEHIND;
use crate::cpu::Jump;
use crate::flat::Code;
use crate::jumps::is_one_page;

/// How many times as many entries a cache may have as in the beginning.
// LIMIT: 2 MiB for each of 16 address spaces; a compiler enters 100,000 blocks by jumps.
const GROWTH: usize = 16;

/// The ends of nothing.
const NOWHERE: (u64, u64) = (u64::MAX, 0);

/// A table of code by its virtual address, one place for each.
pub struct Cache {
    pub entries: Vec<Jump>,
    /// From which pages it holds code.
    pages: PageFilter,
    /// The first and the last address of those.
    ends: (u64, u64),
    /// How many entries it begins with.
    least: usize,
    /// How often one address took another's place since it has so many entries.
    pushed: usize,
}

impl Cache {
    /// A cache that begins with so many entries, a power of two.
    pub fn new(least: usize) -> Self {
        Self {
            entries: empty(least),
            pages: PageFilter::default(),
            ends: NOWHERE,
            least,
            pushed: 0,
        }
    }

    /// See [`Jump::mask`].
    pub fn mask(&self) -> usize {
        Jump::mask(self.entries.len())
    }

    /// Where the entry for an address is.
    pub fn index(&self, pc: u64) -> usize {
        Jump::place(pc, self.mask()) / size_of::<Jump>()
    }

    /// Remembers where the code for an address is; whoever uses the entries asks where they are
    /// now.
    pub fn fill(&mut self, pc: u64, code: *const Code) {
        let there = self.entries[self.index(pc)];
        if !there.code.is_null() && there.pc != pc {
            self.pushed += 1;
            // Many are thrown out that are wanted again.
            if self.pushed > self.entries.len() && self.entries.len() < self.least * GROWTH {
                self.resize(2 * self.entries.len());
            }
        }
        let index = self.index(pc);
        self.entries[index] = Jump { pc, code };
        // Its first instruction may reach into the next page.
        for at in [pc, pc.wrapping_add(BEHIND - 1)] {
            self.pages.note(at);
            let (first, last) = (at & PAGE_MASK, at | !PAGE_MASK);
            self.ends = (self.ends.0.min(first), self.ends.1.max(last));
        }
    }

    fn resize(&mut self, entries: usize) {
        self.pushed = 0;
        for jump in std::mem::replace(&mut self.entries, empty(entries)) {
            if !jump.code.is_null() {
                let index = self.index(jump.pc);
                self.entries[index] = jump;
            }
        }
    }

    /// Has as many entries as in the beginning, if there is nothing in it; whoever uses the entries
    /// asks where they are now.
    pub fn shrink(&mut self) {
        if self.entries.len() > self.least && self.is_empty() {
            self.resize(self.least);
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.ends == NOWHERE
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.forget(0, u64::MAX);
            self.pages.clear();
            self.ends = NOWHERE;
        }
    }

    /// Forgets what stands at addresses from the first to the last, or reaches there.
    pub fn forget(&mut self, first: u64, last: u64) {
        // A walk over all entries takes as long as a hundred of these questions.
        if last < self.ends.0 || self.ends.1 < first {
            return;
        }
        if is_one_page(first, last) && !self.pages.may_have(first) {
            return;
        }
        let (first, length) = (
            first.wrapping_sub(BEHIND),
            (last - first).saturating_add(BEHIND),
        );
        for (index, jump) in self.entries.iter_mut().enumerate() {
            if jump.pc.wrapping_sub(first) <= length {
                *jump = Jump::empty(index);
            }
        }
    }
}

fn empty(entries: usize) -> Vec<Jump> {
    let mut all = Vec::with_capacity(entries);
    prefer_large_pages(all.spare_capacity_mut());
    all.extend((0..entries).map(Jump::empty));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: usize) -> *const Code {
        std::ptr::without_provenance(n)
    }

    fn known(cache: &Cache, pc: u64) -> Option<usize> {
        let jump = cache.entries[cache.index(pc)];
        (jump.pc == pc).then(|| jump.code.addr())
    }

    /// Enters so many addresses, round after round; how many are known afterwards.
    fn fill(cache: &mut Cache, count: usize) -> usize {
        for _ in 0..4 {
            for n in 1..=count {
                cache.fill(n as u64 * 2, at(n));
            }
        }
        let all = (1..=count).filter_map(|n| Some((n, known(cache, n as u64 * 2)?)));
        all.inspect(|(n, code)| assert_eq!(n, code)).count()
    }

    #[test]
    fn a_cache_grows_when_it_is_too_small_and_not_without_end() {
        let mut cache = Cache::new(64);
        assert!(fill(&mut cache, 10) == 10 && cache.entries.len() == 64);
        // What is entered often needs one place.
        (0..1000).for_each(|_| cache.fill(2, at(1)));
        assert_eq!(cache.entries.len(), 64);
        assert_eq!(fill(&mut cache, 128), 128);
        let grown = cache.entries.len();
        assert!((128..=256).contains(&grown), "{grown}");
        fill(&mut cache, 5000);
        fill(&mut cache, 5000);
        assert_eq!(cache.entries.len(), 64 * GROWTH);
    }

    #[test]
    fn a_cache_that_was_emptied_begins_small_again() {
        let mut cache = Cache::new(64);
        fill(&mut cache, 1000);
        let grown = cache.entries.len();
        cache.shrink();
        assert!(cache.entries.len() == grown && grown > 64);
        cache.clear();
        assert_eq!(cache.entries.len(), grown, "somebody may be looking there");
        assert!((1..=1000).all(|n| known(&cache, n * 2).is_none()));
        cache.shrink();
        assert_eq!(cache.entries.len(), 64);
        assert_eq!(fill(&mut cache, 10), 10);
    }
}
