//! A debugger's other end: GDB's remote serial protocol.
//!
//! "Appendix E: GDB Remote Serial Protocol" of the manual "Debugging with GDB".
//! [`packet`] takes bytes apart and puts them together; `Session` answers packets about a
//! machine that stands still, and knows nothing of sockets; [`Gdb`] is the debugger that the
//! machine asks between its turns; [`Server`] is the socket and its thread.
//!
//! Each CPU is a thread, numbered from one.
//! Breakpoints and watchpoints of every kind are kept outside guest memory, so that the guest can
//! not see them, and there is no limit to how many of them it can have at once.
//!
//! **Invariant**: no bytes from the other end make this panic or take memory without a bound.

mod debugger;
mod monitor;
pub mod packet;
mod resume;
mod server;
mod session;
mod stops;
mod words;
mod xml;

pub use debugger::Gdb;
pub use server::{Address, Answers, Server};
pub use session::{Answer, Session};

#[cfg(test)]
mod tests;
