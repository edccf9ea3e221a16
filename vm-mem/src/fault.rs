//! What can be wrong with RAM, and with an access to it.

use thiserror::Error;
use vm_core::GuestPhys;

/// Why RAM can not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RamError {
    /// The host does not give the memory.
    #[error("the host does not give {bytes} bytes for guest RAM: {reason}")]
    Map {
        /// How much was asked for.
        bytes: u64,
        /// The host's words.
        reason: String,
    },
    /// The regions are empty, overlap or wrap around.
    #[error("the RAM region at {base} of {bytes} bytes is not possible")]
    Layout {
        /// Where the region begins.
        base: GuestPhys,
        /// Its length.
        bytes: u64,
    },
}

/// An access that leaves RAM.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[error("{bytes} bytes at {addr} are not all in RAM")]
pub struct RamFault {
    /// The first address.
    pub addr: GuestPhys,
    /// The length.
    pub bytes: u64,
}
