//! `vm test`: boots guests and checks what they do.
//!
//! A test file is read to a [`suite::Suite`] before anything runs; every test then runs in a
//! process of its own (`vm test --one`, hidden), which says as JSON what came of it.
//! So a test that takes its process with it is trouble of the host and no verdict on the guest,
//! and tests share nothing but the files that they read.
//!
//! **Invariant**: a test in virtual time is decided by its file, its images and its seed: the
//! guest stands still between steps, and all limits are in guest time.
//!
//! **Invariant**: nothing that a guest does to a disk of a test reaches the disk's file.

mod fields;
mod files;
mod history;
mod jobs;
mod junit;
mod keys;
mod listener;
mod load;
mod one;
mod pattern;
mod play;
mod serve;
mod setup;
mod shell;
mod show;
mod source;
mod steps;
mod suite;
mod task;
mod variables;
mod verdict;

pub use task::test;

#[cfg(test)]
mod tests;
