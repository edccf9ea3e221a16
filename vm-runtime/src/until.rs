//! Runs a machine in parts: up to a point, so that somebody can look at it, and then on.
//!
//! Where a part ends is decided by the guest alone in virtual time: by its instructions, its
//! time, or what it prints. A run in parts is the same run as one without them.

use std::sync::atomic::Ordering;

use vm_core::{NS_PER_INSN, TimeMode};

use crate::vm::Turn;
use crate::{Ending, Network, OnReset, Outcome, Vm, VmError};

/// How far a part of a run goes, if nothing ends it before; the default goes on to the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Until {
    /// Up to this guest time, in nanoseconds since power-on.
    pub guest_ns: Option<u64>,
    /// Until so many instructions of all CPUs together have been executed since power-on.
    pub insns: Option<u64>,
}

/// Why a part of a run is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The whole run is over.
    Ended(Ending),
    /// The console's other end has called [`crate::ConsoleHub::pause`]: the instruction that
    /// printed has been executed, and none behind it.
    Paused,
    /// The guest time of [`Until::guest_ns`] has come.
    Time,
    /// The instructions of [`Until::insns`] have been executed.
    Instructions,
}

impl Vm {
    /// Runs until something ends the run.
    pub fn run(&mut self) -> Result<Ending, VmError> {
        loop {
            // Without a limit of its own a part ends early only for a pause, which nobody waits
            // for here.
            if let Stop::Ended(ending) = self.run_until(Until::default())? {
                return Ok(ending);
            }
        }
    }

    /// Runs until something ends the run or this part of it; calling it again goes on.
    pub fn run_until(&mut self, until: Until) -> Result<Stop, VmError> {
        self.until = until;
        // A wish from before this part is about output that its owner knows by now.
        self.console.take_pause();
        loop {
            if self.control.quits() {
                return Ok(self.ended(Outcome::Interrupted));
            }
            if self.control.resets.swap(0, Ordering::Relaxed) > 0 {
                self.reset()?;
            }
            if let Some(outcome) = self.attend()? {
                return Ok(self.ended(outcome));
            }
            if let Some(stop) = self.reached() {
                return Ok(stop);
            }
            let turn = self.step();
            self.show_progress();
            if let Turn::Ends(outcome) = self.settle(turn)? {
                let outcome = self.attend_ending(outcome)?;
                return Ok(self.ended(outcome));
            }
            if self.console.take_pause() {
                return Ok(Stop::Paused);
            }
        }
    }

    /// Whether this run can be repeated exactly.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.is_virtual() && matches!(self.config.network, Network::None)
    }

    /// Whether the guest's time is virtual.
    fn is_virtual(&self) -> bool {
        self.clock.mode() == TimeMode::Virtual
    }

    /// Types at the console; what is too much for it is left out, and the number taken returned.
    ///
    /// The guest gets it as its receiver has room. Between two parts of a run in virtual time it
    /// comes at the same instruction in every run.
    pub fn type_in(&self, bytes: &[u8]) -> usize {
        self.console.feed(bytes)
    }

    /// Changes what a restart by the guest does.
    pub fn set_on_reset(&mut self, on_reset: OnReset) {
        self.config.on_reset = on_reset;
    }

    fn ended(&mut self, outcome: Outcome) -> Stop {
        let virtual_time = self.is_virtual();
        Stop::Ended(Ending {
            outcome,
            instructions: self.instructions(),
            guest_ns: self.clock.now_ns(),
            resets: self.resets,
            state_hash: virtual_time.then(|| self.state_hash()),
        })
    }

    fn reached(&self) -> Option<Stop> {
        let Until { guest_ns, insns } = self.until;
        if guest_ns.is_some_and(|end| self.clock.now_ns() >= end) {
            Some(Stop::Time)
        } else if insns.is_some_and(|end| self.spent() >= end) {
            Some(Stop::Instructions)
        } else {
            None
        }
    }

    /// How many instructions may be executed before the run or its part has to end.
    pub(crate) fn allowance(&self) -> u64 {
        let most = [self.config.limit_insns, self.until.insns];
        let most = most.into_iter().flatten().min().unwrap_or(u64::MAX);
        let left = most.saturating_sub(self.spent());
        match self.until.guest_ns {
            Some(end) if self.is_virtual() => {
                let left_ns = end.saturating_sub(self.clock.now_ns());
                left.min(left_ns.div_ceil(NS_PER_INSN))
            }
            _ => left,
        }
    }

    /// The guest time up to which idle time may be skipped.
    pub(crate) fn skip_to(&self, next_ns: u64) -> u64 {
        self.until.guest_ns.map_or(next_ns, |end| next_ns.min(end))
    }
}
