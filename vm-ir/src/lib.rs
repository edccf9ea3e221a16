//! The shared IR: operation table, builder, text form, verifier, passes, soft floating point.

pub mod float;
