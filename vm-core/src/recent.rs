//! What a virtual CPU did last, for reports of failures.

use crate::GuestVirt;

/// One thing that a virtual CPU did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Recent {
    /// It went on at this address: a block begins there, or goes on there.
    Block(GuestVirt),
    /// It took an exception or an interrupt.
    Trap {
        /// The number of its cause.
        cause: u32,
        /// Whether it was an interrupt.
        interrupt: bool,
    },
}
