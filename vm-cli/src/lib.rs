//! The command `vm`.
//!
//! It turns arguments into a configuration, lends the guest a terminal, and says how the run
//! ended: once as text for people, once as an exit code for scripts, and as JSON if asked.
//! What a machine is and does is the runtime's business.
//!
//! It is a library so that what reads strangers' files can be tried from outside
//! ([`probe`]); nothing else of it is meant for others.
//!
//! **Invariant**: the terminal is left as it was found, however the run ends.
//!
//! **Invariant**: no argument, file or input makes it panic; every complaint has a code that
//! `vm explain` knows.

mod args;
mod codes;
mod command;
mod config;
mod console;
mod diagnose;
mod difference;
mod disasm;
mod doctor;
mod dump;
mod engines;
mod exits;
mod explain;
mod failure;
mod legacy;
mod machine;
mod out;
mod ports;
mod project;
mod report;
mod run;
mod shell;
mod stats;
mod summary;
mod symbols;
mod testing;
mod units;

pub use command::main;
pub use testing::probe;
