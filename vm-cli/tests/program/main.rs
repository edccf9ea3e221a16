//! The program from outside, as its users have it.

mod demo;
mod disk;
mod disks;
mod dump;
mod endings;
mod engines;
mod errors;
mod failures;
mod project;
mod restarts;
mod suites;
mod vm;
