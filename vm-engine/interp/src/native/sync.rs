//! The atomics that `seen` is written with; its models replace this module.

pub use std::sync::atomic::{AtomicU64, Ordering};
