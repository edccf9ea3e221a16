//! Guest time.
//!
//! Either the host's time since the machine was started, or *virtual time*, which advances with
//! retired instructions alone, so that two runs see the same times.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Virtual nanoseconds that one retired instruction takes.
pub const NS_PER_INSN: u64 = 1;

/// Which of the two times the guest lives in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeMode {
    /// The guest's clock follows the host's.
    Host,
    /// The guest's clock follows its instruction counts; idle time is skipped.
    Virtual,
}

/// The guest's clock, in nanoseconds since power-on.
pub struct Clock {
    source: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
    base_ns: AtomicU64,
}

impl Clock {
    /// A clock that only moves when it is told to.
    #[must_use]
    pub fn virtual_time() -> Self {
        Self {
            source: None,
            base_ns: AtomicU64::new(0),
        }
    }

    /// A clock that follows `source`, the host's nanoseconds since some moment.
    #[must_use]
    pub fn host_time(source: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let start = source();
        Self {
            source: Some(Box::new(move || source().wrapping_sub(start))),
            base_ns: AtomicU64::new(0),
        }
    }

    /// Which time this clock keeps.
    #[must_use]
    pub fn mode(&self) -> TimeMode {
        if self.source.is_some() {
            TimeMode::Host
        } else {
            TimeMode::Virtual
        }
    }

    /// The time now; in virtual time, the time at which the running slice began.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        let base = self.base_ns.load(Ordering::Relaxed);
        match &self.source {
            Some(source) => base.wrapping_add(source()),
            None => base,
        }
    }

    /// The time as an instruction sees it that stands `retired` instructions into the slice.
    #[must_use]
    pub fn within_slice_ns(&self, retired: u64) -> u64 {
        match self.mode() {
            TimeMode::Host => self.now_ns(),
            TimeMode::Virtual => self
                .now_ns()
                .wrapping_add(retired.wrapping_mul(NS_PER_INSN)),
        }
    }

    /// Sets virtual time; it never goes back.
    ///
    /// In host time this does nothing: the host's clock decides.
    pub fn advance_to(&self, now_ns: u64) {
        if self.source.is_none() {
            self.base_ns.fetch_max(now_ns, Ordering::Relaxed);
        }
    }

    /// Makes the clock show `now_ns` at this moment and go on from there, in either mode.
    pub fn restore(&self, now_ns: u64) {
        let elapsed = self.source.as_ref().map_or(0, |source| source());
        self.base_ns
            .store(now_ns.wrapping_sub(elapsed), Ordering::Relaxed);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?}, {} ns)", self.mode(), self.now_ns())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_moves_only_forward() {
        let clock = Clock::virtual_time();
        clock.advance_to(50);
        clock.advance_to(20);
        assert_eq!(clock.now_ns(), 50);
        assert_eq!(clock.within_slice_ns(7), 50 + 7 * NS_PER_INSN);
    }

    #[test]
    fn a_restored_host_clock_goes_on_from_the_saved_time() {
        let clock = Clock::host_time(|| 1000);
        clock.restore(42);
        assert_eq!(clock.now_ns(), 42);
        assert_eq!(clock.within_slice_ns(9), 42);
    }
}
