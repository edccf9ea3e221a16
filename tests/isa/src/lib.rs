//! Case files of every guest ISA: one line an instruction, run through every engine.
//!
//! A line says an encoding, its text, the state before and what changes:
//!
//! ```text
//! 8b020020  add x0, x1, x2  | x1=5 x2=7 => x0=12
//! ```
//!
//! [`case`] reads such lines, [`run`] puts each one through disassembly, the verifier, the
//! reference run before and after the passes, and the interpreter.
//! A [`Guest`] says which architecture the lines are of.
//!
//! **Invariant**: what a line does not say to change stays the same, in registers and in memory.

pub mod case;
mod coverage;
mod guest;
mod memory;
mod reference;
pub mod run;
mod stopped;
#[cfg(test)]
mod tests;

pub use coverage::{covered, files};
pub use guest::{Guest, Order};
pub use run::{check, check_file};
