//! Host code for guest code: Cranelift tiers.

pub mod lower;
