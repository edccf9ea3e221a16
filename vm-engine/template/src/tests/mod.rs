//! Templates mean what the operation table and the reference run say.

mod blocks;
mod calls;
mod lines;
mod machine;
mod ops;
mod shape;
