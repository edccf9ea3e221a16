//! Random valid blocks and a small world to run them in, for tests of passes and engines.
//!
//! The blocks are made to be simplified: few slots, edge values, operands used again.

mod blocks;
mod world;

pub use blocks::block;
pub use world::{HELPERS, World, layout};
