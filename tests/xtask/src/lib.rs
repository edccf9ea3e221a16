//! Project tasks, run as `cargo xtask NAME`: the few things that cargo alone does not do.
//!
//! `images` makes guest test material from Debian packages and keeps it outside the tree.
//! `tidy` checks the rules of the architecture.
//! `ci` is everything that has to hold before a change is merged.
//! `demo` builds the freestanding guests whose images are committed.
//! `bench` measures the emulator's speed beside the host's and QEMU's.
//! `mutants` alters one row at a time and sees that the tests notice.
//! `coverage` counts the rows and case lines of every guest ISA.
//! A task is a plain function in [`command`]'s table; it prints one line a step and fails with a
//! message that names what was being done.
//! Tests of other crates use this library for one thing: to find the images, through
//! [`images::need`].
//!
//! **Invariant**: nothing here installs anything or changes the machine's package state.
//!
//! **Invariant**: an image at its final path is whole; it got there by a rename.
//!
//! **Invariant**: the same packages and the same recipe give the same image bit for bit.

#![expect(
    clippy::print_stdout,
    reason = "a task talks to the person who runs it"
)]

pub mod bench;
pub mod ci;
pub mod command;
pub mod coverage;
pub mod demo;
pub mod fuzz;
pub mod images;
pub mod mutants;
pub mod tidy;
mod workspace;
