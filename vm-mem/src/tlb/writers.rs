//! Which entries of a table answer stores to a page of the host.

use super::TLB_ENTRIES;

/// No entry, where the number of one would stand.
const NONE: u16 = u16::MAX;

const _: () = assert!(TLB_ENTRIES < NONE as usize, "a number names each entry");

/// Lists of entries, each by its host page; who is in one may answer for another page by now.
pub struct Writers {
    /// The first entry of each list.
    first: Box<[u16]>,
    /// The one behind each entry.
    next: Box<[u16]>,
    /// The list that each entry is in.
    list: Box<[u16]>,
}

impl Default for Writers {
    fn default() -> Self {
        let none = || vec![NONE; TLB_ENTRIES].into_boxed_slice();
        Self {
            first: none(),
            next: none(),
            list: none(),
        }
    }
}

impl Writers {
    /// The list of a page: pages side by side are in lists side by side.
    fn list_of(host_page: u64) -> u16 {
        (host_page >> vm_core::PAGE_BITS) as u16 & (TLB_ENTRIES - 1) as u16
    }

    /// An entry answers stores to a page from now on, and to no other.
    pub fn note(&mut self, entry: usize, host_page: u64) {
        let (list, number) = (Self::list_of(host_page), entry as u16);
        let before = std::mem::replace(&mut self.list[entry], list);
        if before == list {
            return;
        }
        if before != NONE {
            self.leave(before, number);
        }
        self.next[entry] = std::mem::replace(&mut self.first[usize::from(list)], number);
    }

    fn leave(&mut self, list: u16, number: u16) {
        let behind = self.next[usize::from(number)];
        let first = &mut self.first[usize::from(list)];
        if *first == number {
            *first = behind;
            return;
        }
        let mut at = usize::from(*first);
        while self.next[at] != number {
            at = usize::from(self.next[at]);
        }
        self.next[at] = behind;
    }

    /// The entries that may answer stores to a page.
    pub fn of(&self, host_page: u64) -> impl Iterator<Item = usize> {
        let mut next = self.first[usize::from(Self::list_of(host_page))];
        std::iter::from_fn(move || {
            let entry = (next != NONE).then_some(usize::from(next))?;
            next = self.next[entry];
            Some(entry)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_list_of_its_page_and_in_no_other() {
        let mut writers = Writers::default();
        let mut random = vm_core::Entropy::new(1);
        let mut pages = vec![None; TLB_ENTRIES];
        for _ in 0..100_000 {
            let entry = random.next_u64() as usize % 64;
            // Some are in one list though they are different pages.
            let page = random.next_u64() % 4 * 0x1000 + random.next_u64() % 2 * (1 << 40);
            writers.note(entry, page);
            pages[entry] = Some(page);
            let mut found: Vec<_> = writers.of(page).collect();
            found.sort_unstable();
            let same = |other: &Option<u64>| other.is_some_and(|o| (o ^ page) & 0xf000 == 0);
            let wanted = (0..TLB_ENTRIES).filter(|entry| same(&pages[*entry]));
            assert!(found.into_iter().eq(wanted));
        }
    }
}
