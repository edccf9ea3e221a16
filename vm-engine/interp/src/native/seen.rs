//! Where a region's pages were seen, for all CPUs of a machine.

use super::sync::{AtomicU64, Ordering};

/// In which state of a CPU's mappings a region's pages were seen, and where; zero is none.
///
/// The number of a state belongs to one CPU, and what it has seen in that state holds for ever.
/// So the two words have to be of one CPU: they are written by one at a time, with the state gone
/// meanwhile, and read the other way round.
/// Who then finds a state of its own has read the place that goes with it, or a later one, of
/// which the state would have been seen, too.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Seen {
    pub(super) state: AtomicU64,
    pub(super) base: AtomicU64,
}

impl Seen {
    /// All pages were there in a state, counted from `base`; called by one at a time.
    pub fn note(&self, state: u64, base: u64) {
        self.state.store(0, Ordering::Relaxed);
        self.base.store(base, Ordering::Release);
        self.state.store(state, Ordering::Release);
    }

    /// Whether they were, as native code asks: the place first.
    pub fn holds(&self, state: u64, base: u64) -> bool {
        let there = self.base.load(Ordering::Acquire);
        let then = self.state.load(Ordering::Acquire);
        (then, there) == (state, base)
    }
}
