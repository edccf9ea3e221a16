//! RISC-V64 as a guest: RV64GC and what stands around it.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.

mod assemble;
mod disasm;
pub mod helper_ids;
pub mod isa;
pub mod lift;
pub mod slots;

pub use assemble::assemble;
pub use disasm::disassemble;
pub use lift::lift;
