//! From guest code to operations: the lifter that rows write with, and the loop over a block.
//!
//! [`Lift`] is the `t` of a row's meaning. Its parts: operands, flags, then one file a group of
//! instructions that share more than an operand or two.

mod arithmetic;
mod bits;
mod block;
mod control;
mod flags;
mod lifter;
mod multiply;
mod operand;
mod shift;
mod string;
#[cfg(test)]
mod tests;

pub use bits::Change;
pub use block::lift;
pub use flags::Condition;
pub use lifter::Lift;
use lifter::{TSO, type_of};
pub use shift::Way;
