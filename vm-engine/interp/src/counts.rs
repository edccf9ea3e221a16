//! What CPUs did besides running code, counted where it is slow anyway.

use vm_core::Exit;

use crate::Maker;
use crate::cpu::Stop;

/// Counters for people, of all CPUs of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Times that an owner let a CPU run.
    pub runs: u64,
    /// Runs that ended because their budget was spent, but for less than a block.
    pub budget: u64,
    /// Runs that ended for an access to a device.
    pub access: u64,
    /// Runs that ended since the guest waits for an interrupt.
    pub idle: u64,
    /// Runs that ended for a call of the firmware.
    pub call: u64,
    /// Runs that ended for any other reason: a timer was set anew, a debugger, a CPU is stuck.
    pub other: u64,
    /// Page walks, since the TLB did not answer.
    pub walks: u64,
    /// Times that code gave control back since the address it went to was not linked.
    pub unlinked: u64,
    /// The same behind a jump to an address that was computed.
    pub indirect: u64,
    /// The same since the rest of the run was shorter than a block, or a block had gone.
    pub fuel: u64,
    /// The same behind an instruction that may have changed what translations depend on.
    pub next: u64,
    /// Instructions that native code left to the interpreter.
    pub alone: u64,
    /// Traps; interrupts are not counted.
    pub traps: u64,
    /// In whose code slices have ended.
    pub residency: Residency,
}

/// In whose code slices have ended.
///
/// A slice ends after a number of instructions that has nothing to do with what the guest does,
/// so these are samples of who runs its instructions; counting each would not be free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residency {
    /// In blocks without native code.
    pub handlers: u64,
    /// In blocks that templates have written.
    pub templates: u64,
    /// In blocks that the block compiler has made.
    pub blocks: u64,
    /// In blocks that are parts of regions.
    pub regions: u64,
}

impl Residency {
    /// How many samples there are.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.handlers + self.templates + self.blocks + self.regions
    }

    /// A slice has ended in code that is run by `maker`.
    pub(crate) fn note(&mut self, maker: Maker) {
        *match maker {
            Maker::Handlers => &mut self.handlers,
            Maker::Template => &mut self.templates,
            Maker::Block => &mut self.blocks,
            Maker::Region => &mut self.regions,
        } += 1;
    }
}

impl RunStats {
    /// Code has given control back.
    pub(crate) fn stopped(&mut self, why: &Stop) {
        match why {
            Stop::Fuel => self.fuel += 1,
            Stop::Lookup => self.unlinked += 1,
            Stop::LookupIndirect => self.indirect += 1,
            Stop::Next => self.next += 1,
            Stop::Alone => self.alone += 1,
            Stop::Trap(_) => self.traps += 1,
            Stop::Access(_) | Stop::Stopped(_) => {}
        }
    }

    /// A run is over.
    pub(crate) fn ended(&mut self, exit: Exit) {
        self.runs += 1;
        match exit {
            Exit::Budget => self.budget += 1,
            Exit::Access(_) => self.access += 1,
            Exit::Idle => self.idle += 1,
            Exit::Call => self.call += 1,
            Exit::Kicked | Exit::Stopped(_) | Exit::Stuck => self.other += 1,
        }
    }
}
