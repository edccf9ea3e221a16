//! The atomics that `marks` is written with; its models replace this module.

pub use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
