//! When memory that CPUs ran code from may be used again.
//!
//! The rule has two sides.
//! Whoever takes code away first makes every shared way to it lead elsewhere, then calls
//! [`Epochs::retire`] and keeps the memory until [`Epochs::passed`] says yes.
//! A CPU takes entry pointers from shared cells only while it is inside, and pointers that it
//! keeps for itself (a jump cache, a stack of return addresses) are good for one epoch: when
//! [`Inside::epoch`] has changed, they are forgotten before the next one is followed.
//!
//! Why this is enough: a CPU that goes in says so before it reads the first cell, with a fence
//! between; whoever retires changes the cells before it looks who is inside, with a fence
//! between.
//! So either the CPU is seen inside, or it sees the changed cells.
//! A CPU that is inside with an epoch of the stamp or later read the count after it had grown,
//! and therefore sees the changed cells, too.

use super::sync::{AtomicU64, Ordering, fence};

/// What stands in the slot of a CPU that is not inside.
const OUTSIDE: u64 = u64::MAX;

/// The count of epochs, and where each CPU stands.
#[derive(Debug)]
pub struct Epochs {
    now: AtomicU64,
    cpus: Box<[Slot]>,
}

/// A line of the host's caches for each CPU: only its own CPU writes there.
#[derive(Debug)]
#[repr(align(128))]
struct Slot(AtomicU64);

/// The moment at which something was retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Epochs {
    /// Epochs for this many CPUs, all of them outside.
    #[must_use]
    pub fn new(cpus: usize) -> Self {
        Self {
            now: AtomicU64::new(1),
            cpus: (0..cpus).map(|_| Slot(AtomicU64::new(OUTSIDE))).collect(),
        }
    }

    /// How many CPUs there may be.
    #[must_use]
    pub fn cpus(&self) -> usize {
        self.cpus.len()
    }

    /// A CPU goes in: from now on it may follow entry pointers.
    ///
    /// # Panics
    ///
    /// If there is no such CPU, or it is inside already.
    pub fn enter(&self, cpu: usize) -> Inside<'_> {
        let slot = &self.cpus[cpu];
        let free = slot.0.load(Ordering::Relaxed) == OUTSIDE;
        assert!(free, "CPU {cpu} goes in twice");
        let epoch = self.now.load(Ordering::Acquire);
        // Release, since whoever reads this has not read that the CPU was outside before.
        slot.0.store(epoch, Ordering::Release);
        fence(Ordering::SeqCst);
        Inside {
            epochs: self,
            slot,
            epoch,
        }
    }

    /// Begins a new epoch, after everything shared that led to something was made to lead
    /// elsewhere.
    pub fn retire(&self) -> Stamp {
        // Releases, too, to whoever reads the new number.
        fence(Ordering::SeqCst);
        Stamp(self.now.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether nobody can be, or come, where a way led that was undone before this stamp.
    #[must_use]
    pub fn passed(&self, stamp: Stamp) -> bool {
        let mut cpus = self.cpus.iter();
        cpus.all(|slot| slot.0.load(Ordering::Acquire) >= stamp.0)
    }
}

/// Proof that a CPU is inside; dropping it is going out.
#[derive(Debug)]
pub struct Inside<'a> {
    epochs: &'a Epochs,
    slot: &'a Slot,
    epoch: u64,
}

impl Inside<'_> {
    /// The CPU is in its dispatcher, between two pieces of code: a safe point. Costs two loads
    /// and a comparison while nothing is retired.
    ///
    /// True if an epoch has begun: pointers that the CPU keeps for itself must be forgotten.
    #[must_use = "private pointers are good for one epoch"]
    pub fn pass(&mut self) -> bool {
        let now = self.epochs.now.load(Ordering::Acquire);
        if now == self.epoch {
            return false;
        }
        // Whoever still reads the old number only waits longer, so no fence is needed here.
        self.slot.0.store(now, Ordering::Release);
        self.epoch = now;
        true
    }

    /// The epoch that the CPU is in; pointers kept from another one must be forgotten.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.slot.0.store(OUTSIDE, Ordering::Release);
    }
}
