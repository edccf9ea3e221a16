//! Where a debugger wants virtual CPUs to stop, and what it asks about addresses.

use std::ops::RangeInclusive;

use crate::{GuestPhys, GuestVirt, PAGE_MASK};

/// Why a virtual CPU stopped for a debugger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// It stands at an instruction with a breakpoint, which has not been executed.
    Breakpoint,
    /// It stands at an instruction that would access watched memory; nothing of the instruction
    /// has happened that would not be found undone.
    Watchpoint(Watchpoint),
    /// A step is done: see [`Vcpu::step`](crate::Vcpu::step).
    Step,
}

/// Memory whose accesses are watched, by virtual address, in every address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Watchpoint {
    /// The first address.
    pub addr: GuestVirt,
    /// How many bytes.
    pub bytes: u64,
    /// Whether loads are watched.
    pub loads: bool,
    /// Whether stores are watched.
    pub stores: bool,
}

impl Watchpoint {
    fn last(&self) -> u64 {
        self.addr.0.saturating_add(self.bytes.max(1) - 1)
    }

    fn pages(&self) -> RangeInclusive<u64> {
        self.addr.page_number()..=GuestVirt(self.last()).page_number()
    }
}

/// Everything that virtual CPUs are to stop at; as many as wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stops {
    /// Sorted.
    breaks: Vec<u64>,
    watches: Vec<Watchpoint>,
    /// The first and the last page of each stretch of watched pages, sorted and apart.
    pages: Vec<(u64, u64)>,
}

impl Stops {
    /// Stops at these addresses, and at accesses to this memory.
    #[must_use]
    pub fn new(mut breaks: Vec<u64>, mut watches: Vec<Watchpoint>) -> Self {
        breaks.sort_unstable();
        breaks.dedup();
        watches.sort_unstable();
        watches.dedup();
        let mut pages: Vec<(u64, u64)> = Vec::new();
        for watch in &watches {
            let (first, last) = watch.pages().into_inner();
            match pages.last_mut() {
                Some((_, end)) if first <= *end => *end = last.max(*end),
                _ => pages.push((first, last)),
            }
        }
        Self {
            breaks,
            watches,
            pages,
        }
    }

    /// The addresses of breakpoints, in order.
    #[must_use]
    pub fn breaks(&self) -> &[u64] {
        &self.breaks
    }

    /// What is watched, in order.
    #[must_use]
    pub fn watches(&self) -> &[Watchpoint] {
        &self.watches
    }

    /// Whether the instruction at an address has a breakpoint.
    #[must_use]
    pub fn breaks_at(&self, pc: u64) -> bool {
        self.breaks.binary_search(&pc).is_ok()
    }

    /// Whether there is a breakpoint at one of the addresses from `first` to `last`.
    #[must_use]
    pub fn breaks_within(&self, first: u64, last: u64) -> bool {
        let next = self.breaks.partition_point(|addr| *addr < first);
        self.breaks.get(next).is_some_and(|addr| *addr <= last)
    }

    /// Whether there is a breakpoint on the page of an address.
    #[must_use]
    pub fn breaks_on_page(&self, addr: u64) -> bool {
        self.breaks_within(addr & PAGE_MASK, addr | !PAGE_MASK)
    }

    /// Whether anything on the page of an address is watched.
    #[must_use]
    pub fn watches_page(&self, addr: u64) -> bool {
        let page = GuestVirt(addr).page_number();
        let next = self.pages.partition_point(|(_, last)| *last < page);
        self.pages
            .get(next)
            .is_some_and(|(first, _)| *first <= page)
    }

    /// The watchpoint that an access meets.
    #[must_use]
    pub fn watched(&self, addr: u64, bytes: u64, load: bool, store: bool) -> Option<Watchpoint> {
        let last = addr.saturating_add(bytes.max(1) - 1);
        let concerns = |watch: &&Watchpoint| {
            let way = load && watch.loads || store && watch.stores;
            way && watch.addr.0 <= last && addr <= watch.last()
        };
        self.watches.iter().find(concerns).copied()
    }
}

/// Where a virtual address leads, for people who look at it from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Translation {
    /// The physical address, if there is one.
    pub phys: Option<GuestPhys>,
    /// What was read to find out, in the architecture's words, one line a step.
    pub steps: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(addr: u64, bytes: u64, loads: bool, stores: bool) -> Watchpoint {
        Watchpoint {
            addr: GuestVirt(addr),
            bytes,
            loads,
            stores,
        }
    }

    #[test]
    fn breakpoints_are_found_by_address_range_and_page() {
        let stops = Stops::new(vec![0x2000, 0x1ffe, 0x2000, u64::MAX - 1], Vec::new());
        assert_eq!(stops.breaks(), [0x1ffe, 0x2000, u64::MAX - 1]);
        for (first, last, want) in [
            (0x1ffe, 0x1ffe, true),
            (0x1fff, 0x1fff, false),
            (0x1fff, 0x2000, true),
            (0x2001, 0x2fff, false),
            (0, u64::MAX, true),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(
                stops.breaks_within(first, last),
                want,
                "{first:#x} {last:#x}"
            );
        }
        for (addr, on_page) in [
            (0x1000, true),
            (0x2fff, true),
            (0x3000, false),
            (0xfff, false),
        ] {
            assert_eq!(stops.breaks_on_page(addr), on_page, "{addr:#x}");
        }
        assert!(stops.breaks_at(0x2000) && !stops.breaks_at(0x1fff));
    }

    #[test]
    fn watchpoints_are_met_by_what_touches_them_in_their_direction() {
        let stops = Stops::new(
            Vec::new(),
            vec![
                watch(0x1ffc, 8, false, true),
                watch(0x5000, 1, true, false),
                watch(0x1000, 0x10, false, true),
                watch(u64::MAX - 3, 4, true, true),
            ],
        );
        for (addr, bytes, load, store, want) in [
            (0x1ff8, 4, false, true, None),
            (0x1ff8, 8, false, true, Some(0x1ffc)),
            (0x1ff8, 8, true, false, None),
            (0x2003, 1, false, true, Some(0x1ffc)),
            (0x2004, 8, false, true, None),
            (0x5000, 8, true, false, Some(0x5000)),
            (0x5000, 8, true, true, Some(0x5000)),
            (0x5001, 1, true, false, None),
            (u64::MAX - 7, 8, false, true, Some(u64::MAX - 3)),
            (u64::MAX, 1, true, false, Some(u64::MAX - 3)),
        ] {
            let got = stops.watched(addr, bytes, load, store);
            let got = got.map(|watch| watch.addr.0);
            assert_eq!(got, want, "{addr:#x} {bytes} {load} {store}");
        }
        for (addr, want) in [
            (0xfff, false),
            (0x1000, true),
            (0x2fff, true),
            (0x3000, false),
            (0x4fff, false),
            (0x5abc, true),
            (0x6000, false),
            (u64::MAX, true),
        ] {
            assert_eq!(stops.watches_page(addr), want, "{addr:#x}");
        }
        assert!(!Stops::default().watches_page(0));
    }
}
