//! RISC-V64 as a guest: RV64GC and what stands around it.
//!
//! A hart is a row of slots ([`slots`]).
//! Its instructions are rows of encoding, text and meaning ([`isa`]), which the lifter turns into
//! operations ([`fn@lift`]); what operations can not say are helpers ([`helpers`]).
//! System registers ([`csr`]), the page walk, traps and interrupts stand beside them, and
//! [`Riscv64`] offers all of it to engines, which know no word of RISC-V.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.
//!
//! **Invariant**: a system register never holds a value that software could not have written.
//!
//! **Invariant**: the mode bits of a context decide what a block means, and nothing else does.

mod assemble;
mod cells;
pub mod csr;
mod disasm;
mod fields;
mod frontend;
pub mod helper_ids;
pub mod helpers;
pub mod isa;
pub mod lift;
mod mmu;
mod mode;
pub mod profile;
pub mod slots;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod trap;
mod vitals;

pub use assemble::assemble;
pub use disasm::disassemble;
pub use frontend::Riscv64;
pub use lift::lift;
