//! Tests of the region compiler.

mod shapes;
mod singles;
