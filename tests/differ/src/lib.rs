//! Random encodings against outside judges.
//!
//! A judge is another program that executes guest instructions: QEMU's user emulator.
//! Random sequences of valid instructions run there and on the interpreter, from the same
//! state at the same addresses, and everything that they left must be equal: registers,
//! floating-point flags, memory.
//! A difference is narrowed down to one instruction and shown with the seed that finds it again.
//!
//! **Invariant**: both sides execute the same image; nothing is compared that only one produced.
//!
//! **Invariant**: what is left out stands in a table with the reason beside it.

pub mod random;
pub mod riscv64;
