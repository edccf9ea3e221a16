//! All tests that every engine runs.

use super::{REGIONS, tier};

#[path = "cache.rs"]
mod cache;
#[path = "calls.rs"]
mod calls;
#[path = "code.rs"]
mod code;
#[path = "device.rs"]
mod device;
#[path = "floats.rs"]
mod floats;
#[path = "fuel.rs"]
mod fuel;
#[path = "loops.rs"]
mod loops;
#[path = "memory.rs"]
mod memory;
#[path = "ops.rs"]
mod ops;
#[path = "rig.rs"]
mod rig;
#[path = "sampled.rs"]
pub mod sampled;
#[path = "slices.rs"]
mod slices;
#[path = "split.rs"]
mod split;
#[path = "stops.rs"]
mod stops;
#[path = "threads.rs"]
mod threads;
#[path = "turns.rs"]
mod turns;
#[path = "witness.rs"]
mod witness;
