//! Notices a guest that will come to nothing: one that has panicked and stays so, and one that
//! does nothing for too long.
//!
//! A guest that waits for what can not come is noticed in `turns.rs`, where it would sleep.

use crate::vm::Turn;
use crate::{Outcome, Vm};

/// How long a kernel that has panicked may go on, for the rest of its report and its restart.
const PANIC_NS: u64 = 1_000_000_000;

/// Since when the guest has done nothing, or has been in panic.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Health {
    /// What the guest had done when it was last looked at.
    seen: u64,
    /// When it did that.
    since_ns: u64,
    panicked_ns: Option<u64>,
}

impl Vm {
    /// Whether the guest's kernel has said since the last restart that it panicked.
    ///
    /// What a program prints may look the same.
    #[must_use]
    pub fn has_panicked(&self) -> bool {
        self.console.has_panicked()
    }

    /// Whether what it said is what only a kernel says.
    #[must_use]
    pub fn is_panic_certain(&self) -> bool {
        self.console.is_panic_certain()
    }

    /// Whether the host has failed to read or write a disk: what the guest did after that says
    /// nothing about the guest.
    #[must_use]
    pub fn host_failed(&self) -> bool {
        self.activity.host_failed()
    }

    /// Begins to watch anew, after a restart or in a restored state.
    pub(crate) fn watch_anew(&mut self) {
        self.health = Health {
            seen: self.activity.count(),
            since_ns: self.clock.now_ns(),
            panicked_ns: None,
        };
    }

    /// Ends the run of a guest that comes to nothing.
    pub(crate) fn check_health(&mut self) -> Turn {
        let now = self.clock.now_ns();
        if self.config.end_on_panic && self.console.is_panic_certain() {
            let since = *self.health.panicked_ns.get_or_insert(now);
            if now.saturating_sub(since) >= PANIC_NS || self.console.is_panic_over() {
                return Turn::Ends(Outcome::Panicked);
            }
        }
        let Some(watchdog_ns) = self.config.watchdog_ns else {
            return Turn::Goes;
        };
        let count = self.activity.count();
        if count != self.health.seen {
            (self.health.seen, self.health.since_ns) = (count, now);
        }
        if now.saturating_sub(self.health.since_ns) >= watchdog_ns {
            return Turn::Ends(self.end_of_hang(Outcome::Silent));
        }
        Turn::Goes
    }

    /// What a guest that hangs ends with: after a panic, with that.
    pub(crate) fn end_of_hang(&self, outcome: Outcome) -> Outcome {
        if self.console.has_panicked() {
            Outcome::Panicked
        } else {
            outcome
        }
    }
}
