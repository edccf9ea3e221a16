mod blocks;
mod machine;
mod ops;
mod shape;
