//! Machines: memory map and devices as one table.
//!
//! A machine is a board: which devices stand at which addresses, which line leads where, and
//! where the first instruction is.
//! Each machine is one file with one table; the bus and the device tree are made from that
//! table, so that they can not disagree.
//! The built-in firmware of RISC-V machines, [`Sbi`], is here as well: to a kernel it is a part
//! of the board.
//!
//! **Invariant**: a machine knows no engine and no host: back ends, files and the numbers of the
//! guest's processor are handed in.
//!
//! **Invariant**: no call of a guest to the firmware panics, and each moves a bounded number of
//! bytes and forgets a bounded number of pages.

mod error;
mod machines;
pub mod riscv64_virt;
mod sbi;

pub use error::MachineError;
pub use machines::{MACHINES, MachineKind, find};
pub use riscv64_virt::Riscv64Virt;
pub use sbi::{
    Call, FirmwareCx, HartState, Outcome, Sbi, SbiError, enter, reply_text, start_state,
};
