//! RISC-V64 as a guest: RV64GC and what stands around it.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.

mod cells;
pub mod csr;
mod fields;
#[cfg(any())]
mod frontend;
pub mod helper_ids;
pub mod helpers;
mod mmu;
mod mode;
pub mod profile;
pub mod slots;
mod state;
mod trap;
