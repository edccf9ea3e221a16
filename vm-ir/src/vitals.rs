//! What a report of a guest's failure shows of a CPU, and how its stack is read.
//!
//! Registers have the names that [`crate::Frontend::register`] knows.

/// What matters of a CPU when its guest has failed.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    /// The general registers that matter most.
    pub general: &'static [&'static str],
    /// The system registers that matter most.
    pub system: &'static [&'static str],
    /// What the numbers of [`crate::Frontend::privilege`] are called.
    pub privileges: &'static [(u32, &'static str)],
    /// Where privileges note the trap that they took last.
    pub traps: &'static [TrapNote],
    /// How its stack is read.
    pub stack: StackRules,
}

/// Where a privilege notes the trap that it took last.
#[derive(Clone, Copy, Debug)]
pub struct TrapNote {
    /// The least privilege that notes here.
    pub privilege: u32,
    /// The number of the cause.
    pub cause: &'static str,
    /// Which bits of it say that it was an interrupt; they do not belong to the number.
    pub interrupt: u64,
    /// Where it came.
    pub pc: &'static str,
    /// What goes with it.
    pub value: &'static str,
}

/// How programs use their stack, where they keep to the usual conventions.
#[derive(Clone, Copy, Debug)]
pub struct StackRules {
    /// The stack pointer.
    pub pointer: &'static str,
    /// The frame pointer.
    pub frame: &'static str,
    /// The register that a function which calls nobody returns by.
    pub link: Option<&'static str>,
    /// How far from where the frame pointer leads the caller's frame pointer is kept.
    pub saved_frame: i64,
    /// How far from there the address to return to is kept.
    pub saved_link: i64,
    /// Where a function that calls nobody keeps its caller's frame pointer instead.
    pub leaf_frame: Option<i64>,
    /// Whether code ends with a call, so that it may be returned to what stands behind it; it
    /// gets [`StackRules::CALL_BYTES`] or fewer.
    pub ends_with_call: fn(&[u8]) -> bool,
}

impl StackRules {
    /// How many bytes of code before an address are looked at.
    pub const CALL_BYTES: usize = 8;
}
