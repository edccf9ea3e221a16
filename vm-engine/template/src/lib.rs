//! The template compiler: host code for x86-64 in one walk over a block, for code that is warm.
//!
//! A block of the IR goes through the passes, is asked who uses which value until when
//! (`survey`), and is then written down operation by operation: each is a row of a table in
//! `ops`, memory accesses and calls stand in `memory`, the ways out in `exits`.
//! Eight registers hold values, three are scratch; a value that finds no register is read from
//! the slot that holds it, or is kept in a spare word of the CPU (`body`).
//! The code keeps to the convention of [`vm_engine_interp::native`], so that it stands beside
//! that of any other compiler.
//!
//! What is not known here, floating point above all, is refused: the block stays with the
//! interpreter until another compiler takes it.
//!
//! **Invariant**: every `set` is stored where it stands, so that the CPU's words are the state at
//! the beginning of an instruction at each place that may leave the code.
//!
//! **Invariant**: compiling is one walk, linear in the block.

mod atomic;
mod body;
mod compiler;
mod conditions;
mod exits;
mod fields;
mod memory;
mod ops;
mod pieces;
mod survey;
mod write;
mod x64;

// HOST-ARCH: what is written is run.
#[cfg(all(test, target_arch = "x86_64"))]
mod tests;

pub use compiler::Templates;
