//! Addresses: the page walk (Sv39, Sv48, Sv57) and physical memory protection.
//!
//! The RISC-V Instruction Set Manual, volume II, "Supervisor-Level ISA" and "Physical Memory
//! Protection"; Svade, Svadu, Svnapot, Svpbmt.

mod examine;
mod pmp;
mod table;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use examine::examine;
pub(crate) use walk::walk;
