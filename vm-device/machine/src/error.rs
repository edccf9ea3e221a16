//! Why a machine can not be put together or started.

use thiserror::Error;
use vm_device_boot::BootError;
use vm_device_bus::BusError;

/// Why a machine can not be put together or started.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineError {
    /// A number of CPUs that the machine does not have room for.
    #[error("{count} CPUs are not possible, the machine has 1 to {most}")]
    Cpus {
        /// The number that was asked for.
        count: u32,
        /// The most that there can be.
        most: u32,
    },
    /// A size of RAM that the machine can not have.
    #[error("{bytes} bytes of memory are not possible: {least} to {most} MiB in pages of 4 KiB")]
    Memory {
        /// The size that was asked for.
        bytes: u64,
        /// The smallest size in MiB.
        least: u64,
        /// The largest size in MiB.
        most: u64,
    },
    /// More devices than slots.
    #[error("there are {count} {what} devices, the machine has {most} slots for them")]
    Slots {
        /// Which kind of slot.
        what: &'static str,
        /// How many devices were given.
        count: usize,
        /// How many slots there are.
        most: usize,
    },
    /// An instruction set that is not a RISC-V one of 64 bits.
    #[error("`{0}` does not describe a 64-bit RISC-V processor: it does not begin with rv64i")]
    Isa(String),
    /// The table contradicts itself.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The files do not suit the machine.
    #[error(transparent)]
    Boot(#[from] BootError),
}
