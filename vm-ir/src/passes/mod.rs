//! Passes: they make a block shorter without changing what it does.
//!
//! [`optimise`] runs those that [`Passes`] names, in a fixed order:
//!
//! - `forward` replaces a `get` by the value that the block itself has set or got before;
//! - `fold` computes what is constant and drops what does nothing;
//! - `dead_state` removes a `set` that is overwritten before anything can observe it;
//! - `dead_code` removes operations whose value nobody uses.
//!
//! The first two work hand in hand in one walk, the last two share the walk that closes the gaps.
//!
//! Guest state can be observed where control may leave the block: at each operation that may trap
//! or touch memory, at each helper, behind an instruction that has called one, and at the end.
//! Between those points slots are free, and guest flags are slots like any other.
//!
//! **Invariant**: ids stay dense: operation number `i` makes value `i`.
//!
//! **Invariant**: every pass is linear in the block and allocates only while its [`Scratch`] grows.

mod dead_code;
mod dead_state;
mod fold;
mod forward;
mod optimise;
mod scratch;

#[cfg(test)]
mod tests;

pub use optimise::{Passes, optimise};
pub use scratch::Scratch;
