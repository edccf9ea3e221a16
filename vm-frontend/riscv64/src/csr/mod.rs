//! Control and status registers: one table, the rights to them, and what reading and writing do.
//!
//! The RISC-V Instruction Set Manual, volume II, chapters on the machine and supervisor levels;
//! Zicntr, Zihpm and Sstc.

mod access;
mod counts;
mod rules;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod views;

pub use access::{
    Change, Moment, by_name, is_plain, is_plain_read, knows_time, modify, name, permitted, read,
    read_anytime, write, write_anytime,
};
pub(crate) use access::{make_dirty, timeless};
pub(crate) use counts::TICK_NS;
pub(crate) use rules::{is_privilege, pmp_address, pmp_entries, pmp_entry};
pub(crate) use status::{data_privilege, effective_blocks};
pub(crate) use table::TABLE;
pub(crate) use table::Write;
pub use table::{Csr, Modify};
#[cfg(test)]
pub(crate) use table::{Gate, Read};
pub(crate) use views::{STATUS_AT_RESET, is_status, mip, tick};
