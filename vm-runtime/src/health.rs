//! Notices a guest that will come to nothing: one that has panicked and stays so, and one that
//! does nothing for too long.
//!
//! A guest that waits for what can not come is noticed in `turns.rs`, where it would sleep.

use crate::vm::Turn;
use crate::{Outcome, Vm};

/// How long a kernel that has panicked may go on, for the rest of its report and its restart.
const PANIC_NS: u64 = 1_000_000_000;

/// Since when the guest has done nothing, or has been in panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    /// What the guest had done when it was last looked at.
    seen: u64,
    /// When it did that.
    since_ns: u64,
    panicked_ns: Option<u64>,
    /// How many instructions each CPU could have executed since it last executed one, had it not
    /// only trapped; empty if none has done so yet.
    trapped: Vec<u64>,
}

/// For how many instructions a CPU may do nothing but trap.
// LIMIT: 50 ms of guest time, in which what was asked of a disk or a network has come.
const TRAPS: u64 = 5_000_000;

impl Vm {
    /// Whether the guest's kernel has said since the last restart that it panicked,
    /// on the console or through a device.
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
            trapped: Vec::new(),
        };
    }

    /// Takes note of what a CPU did in (a part of) its turn.
    pub(crate) fn note_turn(&mut self, cpu: usize, executed: u64, trapped: u64) {
        let known = &mut self.health.trapped;
        if executed == 0 && known.len() <= cpu {
            known.resize(cpu + 1, 0);
        }
        if let Some(since) = known.get_mut(cpu) {
            *since = if executed == 0 {
                since.saturating_add(trapped)
            } else {
                0
            };
        }
    }

    /// A CPU that traps for ever, if there is one and nothing else goes on.
    ///
    /// A CPU that executes nothing between two traps has nothing by which the next could differ,
    /// unless an interrupt comes or memory changes; for that there must be another CPU that will
    /// run, or a transfer under way.
    pub(crate) fn traps_for_ever(&self) -> Option<u32> {
        let all = &self.health.trapped;
        let found = all.iter().position(|trapped| *trapped >= TRAPS)?;
        let ended = |index: usize| {
            let Some(cpu) = self.cpus.get(index) else {
                return false;
            };
            let traps = all.get(index).is_some_and(|trapped| *trapped >= TRAPS);
            if traps {
                return !self.board.takes_interrupts(&**cpu);
            }
            let sleeps = self.waiting.get(index) == Some(&true);
            !self.board.runs(index) || sleeps && cpu.deadline_ns().is_none()
        };
        let all_ended = (0..self.cpus.len()).all(ended);
        all_ended.then_some(found as u32)
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
