//! How a run ended.

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest switched the machine off.
    PowerOff,
    /// The guest restarted the machine, and restarts end the run.
    Reset,
    /// The guest ended the run with a code of its own.
    Failed(u32),
    /// The guest's kernel panicked.
    Panicked,
    /// A CPU can not go on: a trap came while none could be delivered.
    Stuck {
        /// Which CPU.
        cpu: u32,
    },
    /// A CPU does nothing but trap, and nothing can come between: its trap handler traps.
    Trapping {
        /// Which CPU.
        cpu: u32,
    },
    /// Every CPU waits and nothing can wake any of them.
    Hung,
    /// The guest has printed nothing, read nothing and asked no disk for as long as the watchdog
    /// permits.
    Silent,
    /// The instruction limit was reached.
    Limit,
    /// The engine and the interpreter, which it is held to, came to different states.
    Diverged,
    /// The user ended the run.
    Interrupted,
}

/// How a run ended, with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What ended it.
    pub outcome: Outcome,
    /// Instructions executed by all CPUs.
    pub instructions: u64,
    /// Guest time in nanoseconds.
    pub guest_ns: u64,
    /// How often the guest or the user restarted the machine.
    pub resets: u32,
    /// The hash of the whole state, in virtual time.
    pub state_hash: Option<u64>,
}
