//! From guest code to operations: the lifter that rows write with, and the loop over a block.
//!
//! [`Lift`] is the `t` of a row's meaning. `integer` holds what all instructions need; its
//! siblings hold floating point, atomics and the privileged part, and `block` the loop.

mod atomic;
mod block;
mod float;
mod integer;
mod system;
#[cfg(test)]
mod tests;

pub(crate) use block::fetch;
pub use block::lift;
pub use float::Sign;
pub use integer::{Fpr, Lift, RA, SP, Xpr, ZERO};
