//! Exact floating point in integers: the meaning of every floating-point op, on any host.
//!
//! Values are bit patterns in the low bits of a `u64`; what stands above a format's width is
//! ignored in operands and zero in results (a guest that boxes narrow values, as RISC-V does,
//! checks and makes the boxes itself).
//! Every function is a pure function of its arguments, and returns the exceptions it raised beside
//! its result, so that flags are values like any other.
//!
//! An operation works in three steps: [`Format`]'s `unpack` takes the operands apart, the
//! operation computes an exact value of up to 128 bits with a sticky last bit, and `round`, the
//! only place that rounds, makes a pattern and flags of it.
//! What IEEE 754-2019 leaves open is said by [`Rules`], with one constant a guest ISA: [`RISCV`],
//! [`ARM64`], [`X86`].
//!
//! Interpreters call the functions of [`fast`], which take the flags that are sticky already and
//! use the host's arithmetic where that provably gives the same answer.
//!
//! Not here yet: the x87 format and its own rules, binary128, remainders, flushing of subnormals
//! (x86 `DAZ` and `FTZ`, Arm `FZ` and `AH`) and the flag for subnormal operands, Arm's alternative
//! half precision and rounding to odd.
//!
//! **Invariant**: nothing here reads the host's floating-point environment.
//! **Invariant**: only `fast` uses the host's floating-point arithmetic.
//! **Invariant**: no operand makes a function panic.

mod add;
mod compare;
mod convert;
mod div_sqrt;
pub mod fast;
mod fma;
mod format;
mod mul;
mod nan;
mod round;
mod rules;

#[cfg(test)]
mod tests;

pub use add::{add, sub};
pub use compare::{Comparison, MinMaxRule, classify, compare, eq, le, lt, max, min, unordered};
pub use convert::{Saturation, convert, from_int, round_to_int, to_int};
pub use div_sqrt::{div, sqrt};
pub use fma::fma;
pub use format::Format;
pub use mul::mul;
pub use rules::{ARM64, Flags, NanRule, Out, RISCV, Rounding, Rules, X86};
