//! What is known of a guest that has failed: where its CPUs stand and how they came there.
//!
//! Everything is read from outside, and nothing of it is changed: a machine that was looked at
//! has the same state.

mod look;
mod passages;
mod stack;

pub(crate) use look::Names;
pub use look::{CpuFailure, Failure};
pub use passages::{Passage, Spot, Step};
pub use stack::{BackTrace, TraceKind};
