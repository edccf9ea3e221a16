//! Chips: the small devices that every machine has some of.
//!
//! A serial port, interrupt controllers, timers, a clock, a switch to end the run, a box of files
//! for firmware.
//! Each file is one chip and follows one plan: its register table, named as in its manual, the
//! device with one `match` for loads and one for stores, its entry in the machine's description,
//! and its tests on a bus that holds nothing else.
//! Where a register does something that manuals leave open, the chip does what the machines of
//! QEMU do, because kernels and firmware were tested there.
//!
//! **Invariant**: no chip panics, loops or grows without bound on what a guest writes.
//!
//! **Invariant**: a restored value is one that the guest could have brought about.
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod aclint;
mod finisher;
mod fw_cfg;
mod goldfish_rtc;
mod pflash;
mod plic;
mod uart16550;

pub use aclint::{Clint, Sswi, TICK_NS};
pub use finisher::Finisher;
pub use fw_cfg::{FwCfg, FwCfgError};
pub use goldfish_rtc::GoldfishRtc;
pub use pflash::{Pflash, PflashError};
pub use plic::{Plic, SOURCES};
pub use uart16550::Uart16550;
