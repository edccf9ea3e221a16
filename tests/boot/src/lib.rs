//! Boots of whole guests, as ordinary tests.
//!
//! A [`Guest`] says what is started and what its console is to be told; [`Guest::run`] boots it
//! in this process and gives back how it ended and what it printed.
//! CPUs run in the calling thread, so whoever listens to the console is called by the guest's own
//! output: input is fed at the very instruction that printed what it waits for, and no test
//! sleeps or looks at the host's clock.
//! Tests that need the kernel ask for it through `tests_xtask::images::need`; the demo and the
//! privileged checks are committed in the tree and need nothing.
//!
//! **Invariant**: every boot has a limit in guest instructions.
//!
//! **Invariant**: tests share no file but the cache of images, which they only read.

mod assembly;
mod guest;
mod listener;
mod machine;

pub use assembly::program;
pub use guest::{Boot, Guest};
pub use listener::{Deed, Listener};
pub use machine::Machine;
