//! Whether the tests notice wrong meanings: each row of a table alters one operation or one
//! instruction in a copy of the tree, and some test has to fail.
//!
//! The copy and what is built from it stay in the host's temporary folder, so that the next
//! altered row only builds what depends on it.

mod copy;
mod judge;
mod report;
mod table;
mod task;

pub use task::main;
