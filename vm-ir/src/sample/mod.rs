//! Random valid blocks and a small world to run them in, for tests of passes and engines.
//!
//! The blocks are made to be simplified: few slots, edge values, operands used again.
//! What is not random is in [`ops`]: each operation, and what it is to be given.

mod blocks;
pub mod guest;
pub mod ops;
mod outside;
mod world;

pub use blocks::block;
pub use outside::Memory;
pub use world::{HELPERS, World, layout};
