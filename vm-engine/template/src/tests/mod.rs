//! Templates mean what the operation table and the reference run say.

mod blocks;
mod calls;
mod machine;
mod ops;
mod shape;
