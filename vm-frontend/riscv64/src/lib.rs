//! RISC-V64 as a guest: RV64GC and what stands around it.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.

pub mod helper_ids;
pub mod slots;
