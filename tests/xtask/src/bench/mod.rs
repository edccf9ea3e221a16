//! How fast the emulator is: the same programs natively, under QEMU and under `vm`, in one run.
//!
//! Three guests are booted: one with the bench program, one with a compiler and an interpreter,
//! and an installed Debian.
//! Time is CPU time of the emulator's process, charged to each workload as the guest's lines
//! arrive, so neither the guest's clock nor other load on the host distorts it much.

mod against;
mod args;
mod boots;
mod bounds;
mod contender;
mod measure;
mod picture;
mod process;
mod report;
mod stats;
mod task;

pub use task::main;
