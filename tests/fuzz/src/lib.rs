//! Fuzz targets: everything that takes bytes from a stranger, each as a function of bytes.
//!
//! A guest's code, a guest's accesses, images, saved states and files come from people who may
//! mean harm.
//! A target hands such bytes to the real thing and asserts what the thing promises; that nothing
//! panics is only the first of it.
//! `cargo xtask fuzz` runs the targets under libFuzzer; `tests/corpora.rs` runs each over its
//! committed corpus, and over changes of it, in every run of the tests.
//!
//! **Invariant**: a target does the same for the same bytes.

mod decoder;
mod devices;
mod fdt;
mod feed;
mod loaders;
mod queues;
mod state;
mod targets;
mod wires;

pub use feed::Feed;
pub use targets::{TARGETS, Target, find};
