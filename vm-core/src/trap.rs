//! A guest exception as a value.

/// An exception of the guest architecture, on its way to the guest.
///
/// The numbers are the guest's own: only its frontend makes them and delivers them, everyone
/// else hands them on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trap {
    /// Which exception (RISC-V `mcause` code, ARM exception class, x86 vector).
    pub cause: u32,
    /// The address or value that goes with it (`tval`, `FAR`, `CR2`).
    pub value: u64,
    /// What else the architecture reports (ARM syndrome bits, x86 error code); else zero.
    pub detail: u64,
}

impl Trap {
    /// A trap that reports one value.
    #[must_use]
    pub const fn new(cause: u32, value: u64) -> Self {
        Self {
            cause,
            value,
            detail: 0,
        }
    }
}
