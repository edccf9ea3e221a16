//! Cells that say where to go on, and what it costs to go there.

use super::sync::{AtomicI64, AtomicPtr, Ordering, fence};

/// One way to a piece of code: a link between two pieces, the head of one, a place in a map.
///
/// Host code reads the cell as plain data and jumps there, or reads what it finds there; so what
/// it reads depends on the address, and every host keeps such reads in order.
/// Changing the cell is one store, on every host.
#[derive(Debug)]
#[repr(transparent)]
pub struct Entry<T>(
    /// Where it leads.
    pub AtomicPtr<T>,
);

impl<T> Entry<T> {
    /// A cell that leads there.
    #[must_use]
    pub fn new(to: *mut T) -> Self {
        Self(AtomicPtr::new(to))
    }

    /// Makes the cell lead elsewhere; what is there is complete, and published if it is code.
    pub fn lead_to(&self, to: *mut T) {
        self.0.store(to, Ordering::Release);
    }

    /// Where the cell leads. To be followed only by a CPU that was inside when it asked.
    #[inline(always)]
    #[must_use]
    pub fn leads_to(&self) -> *mut T {
        self.0.load(Ordering::Acquire)
    }
}

/// How much fuel a piece of code takes: more than there ever is when it is dead, so that one
/// comparison asks for both.
///
/// **The rule.** Whoever changes guest code buries what was made of it before anything that he
/// does afterwards is seen ([`Toll::bury`]).
/// A CPU whose guest asks for new code heeds that ([`heed`]) before it looks for code again: if it
/// has seen what was done afterwards, it sees the piece dead.
/// Until then it may run what it knows, as a processor may whose fetches are ahead.
#[derive(Debug)]
#[repr(transparent)]
pub struct Toll(AtomicI64);

impl Toll {
    /// What a dead piece takes.
    pub const DEAD: i64 = i64::MAX / 2;

    /// That of a piece which is alive.
    #[must_use]
    pub fn new(fuel: i64) -> Self {
        Self(AtomicI64::new(fuel))
    }

    /// How much it is now.
    #[inline(always)]
    #[must_use]
    pub fn fuel(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the piece may no longer be entered.
    #[inline(always)]
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.fuel() == Self::DEAD
    }

    /// Keeps everybody from entering the piece.
    pub fn bury(&self) {
        self.0.store(Self::DEAD, Ordering::Relaxed);
        fence(Ordering::Release);
    }
}

/// What CPUs have buried whose later stores have been seen is dead from here on.
#[inline(always)]
pub fn heed() {
    fence(Ordering::Acquire);
}
