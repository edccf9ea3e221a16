//! ARM64 as a guest: the integer instructions of A64, as a program in user mode sees them.
//!
//! A CPU is a row of slots ([`slots`]), the four condition flags among them.
//! Its instructions are rows of encoding, text and meaning ([`isa`]), which the lifter turns into
//! operations ([`fn@lift`]), and [`Arm64`] offers them to engines.
//!
//! This is no full system. There is one privilege; addresses are physical, and all of RAM may be
//! read, written and executed; an exception is not taken but stops the CPU where it stands.
//! System registers, page tables, exception levels, interrupts, floating point and vectors are
//! not there, and of what a CPU checks for, the alignment of the program counter and of the stack
//! pointer is left out.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.
//!
//! **Invariant**: a flag is a slot like any other, so that a flag nobody reads is never computed.

mod assemble;
mod disasm;
mod frontend;
pub mod isa;
pub mod lift;
pub mod slots;

pub use assemble::assemble;
pub use disasm::disassemble;
pub use frontend::{Arm64, cause};
pub use lift::lift;
