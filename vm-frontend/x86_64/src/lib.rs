//! x86-64 as a guest: a slice that proves the seams, not yet a full system.
//!
//! The integer instructions of 64-bit mode stand here as rows of mnemonic and meaning ([`isa`]),
//! with operands read and written through one small lifter ([`lift`]); decoding and text come
//! from the crate `iced-x86`.
//! A processor is a row of slots ([`slots`]), with each status flag a slot of its own.
//! The environment is that of a program: every address in RAM is its own physical address, others
//! are not mapped, and a trap stops the processor and is kept in the slots `trap` and `trap_value` ([`trap`]).
//! Left out as yet: system registers, privilege, paging, interrupts, port I/O, 16- and 32-bit
//! modes, floating point and vectors; their instructions raise an invalid-opcode exception.
//!
//! **Invariant**: an instruction's meaning is written once, in its row.
//!
//! **Invariant**: memory is written before any slot is, so that a fault finds the state at the
//! instruction's start.
//!
//! **Invariant**: each iteration of a repeated string instruction counts as one instruction, and
//! so does the one that finds nothing left to do; between them the state is precise.

mod disasm;
mod frontend;
pub mod isa;
pub mod lift;
pub mod slots;
mod state;
pub mod trap;

pub use disasm::disassemble;
pub use frontend::X86_64;
pub use lift::lift;
