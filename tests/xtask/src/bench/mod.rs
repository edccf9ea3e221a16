//! How fast the emulator is: the same program natively, under QEMU and under `vm`, in one run.
//!
//! Time is CPU time of the emulator's process, charged to each workload as the guest's lines
//! arrive, so neither the guest's clock nor other load on the host distorts it much.

mod bounds;
mod contender;
mod measure;
mod report;
mod task;

pub use task::main;
