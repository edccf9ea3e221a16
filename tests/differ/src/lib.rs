//! Random encodings against outside judges.
//!
//! A judge is another program that executes guest instructions: QEMU's user emulators.
//! A [`Program`] is a static ELF file made here, instruction by instruction: sequences of random
//! encodings, each between code that loads all registers from memory and code that stores them.
//! [`judge`] runs it under an outside emulator, [`ours`] on the interpreter, and [`compare`] says
//! where their records differ.
//! What is particular to a guest is how its program is made: [`arm64`]; [`riscv64`] brings a
//! harness of its own, made for ten million instructions in a test run, which narrows a difference
//! down to one instruction.
//! x86-64 is judged by the host's processor itself, in the tests.
//!
//! **Invariant**: judge and engine run the very same bytes at the same addresses.
//!
//! **Invariant**: an encoding that is left out is left out for a reason that is written down.

pub mod arm64;
pub mod compare;
mod elf;
pub mod judge;
pub mod ours;
mod program;
pub mod random;
pub mod riscv64;

pub use compare::{Difference, compare};
pub use program::{Exclusions, Program, Sequence};
