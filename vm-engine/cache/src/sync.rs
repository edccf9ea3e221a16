//! The atomics that `epochs` and `entry` are written with; their models replace this module.

pub use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering, fence};
