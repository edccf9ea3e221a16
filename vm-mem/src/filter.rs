//! Which pages something may concern.

use vm_core::PAGE_BITS;

/// Bits of a filter.
// LIMIT: 2 KiB; a kernel's own code is on some thousand pages, of which each takes two bits.
const BITS: usize = 1 << 14;

/// A set of pages that may say yes too often and never no.
#[derive(Clone, Debug)]
pub struct PageFilter(Box<[u64; BITS / 64]>);

impl Default for PageFilter {
    fn default() -> Self {
        Self(Box::new([0; BITS / 64]))
    }
}

impl PageFilter {
    /// Adds the page of an address.
    pub fn note(&mut self, addr: u64) {
        for bit in Self::bits(addr) {
            self.0[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether the page of an address may be in it.
    #[must_use]
    pub fn may_have(&self, addr: u64) -> bool {
        let mut bits = Self::bits(addr).into_iter();
        bits.all(|bit| self.0[bit / 64] >> (bit % 64) & 1 == 1)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    fn bits(addr: u64) -> [usize; 2] {
        let number = (addr >> PAGE_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let width = BITS.trailing_zeros();
        [64 - width, 64 - 2 * width].map(|from| (number >> from) as usize % BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_there_and_little_else() {
        let mut filter = PageFilter::default();
        assert!(!filter.may_have(0));
        let pages = || (0..1000).map(|n| 0x8000_0000 + n * 0x3000);
        pages().for_each(|page| filter.note(page + 5));
        assert!(pages().all(|page| filter.may_have(page | 0xfff)));
        let wrong = pages().filter(|page| filter.may_have(page + 0x1000));
        assert!(wrong.count() < 40);
        filter.clear();
        assert!(!pages().any(|page| filter.may_have(page)));
    }
}
