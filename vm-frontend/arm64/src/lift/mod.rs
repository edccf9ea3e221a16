//! From guest code to operations: the lifter that rows write with, and the loop over a block.
//!
//! [`Lift`] is the `t` of a row's meaning. `registers` holds registers and flags; its siblings hold
//! what groups of instructions need.

mod arithmetic;
mod block;
mod memory;
mod registers;
mod system;

pub(crate) use block::fetch;
pub use block::lift;
pub use memory::{Mode, Widen};
pub use registers::{Cond, Gpr, LR, Lift, Shift, Spr};
