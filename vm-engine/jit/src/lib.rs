//! Host code for guest code: Cranelift tiers.

mod lower;
