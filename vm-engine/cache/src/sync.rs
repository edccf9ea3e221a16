//! The atomics that `epochs` and `entry` are written with; their models replace this module.

pub use std::sync::atomic::{AtomicU64, Ordering, fence};
