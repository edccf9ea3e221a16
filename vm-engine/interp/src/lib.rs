//! The threaded interpreter (T0): the engine that runs everything, and the oracle for the others.
//!
//! Blocks of IR become *flat ops*: a handler, up to four words of the CPU, a constant.
//! Handlers call each other in tail position, which the optimiser turns into jumps, so a running
//! block never returns; whatever a handler can not do itself it hands to a slow path, and what
//! the slow path can not do stops the run with all guest state in the CPU struct.
//! [`Interpreter`] puts it together: it finds or translates the block for the program counter,
//! runs it, and deals with traps, interrupts and devices.
//!
//! **Invariant**: at every stop the CPU's words hold the state at the start of an instruction.
//!
//! **Invariant**: fuel is counted in instructions, exactly; a run never exceeds its budget.
//!
//! **Invariant**: code is found by physical address, and a write to it is noticed at once.

mod blocks;
mod checkpoint;
mod control;
mod counts;
mod cpu;
mod engine;
mod flat;
mod flatten;
mod handlers;
mod interpreter;
mod jumps;
mod link;
mod memory;
mod modes;
pub mod native;
mod observe;
mod pairs;
mod reservation;
mod ring;
mod slow;
mod stops;
mod store;
#[cfg(test)]
mod tests;
mod translate;
mod vcpu;
mod watch;

pub use blocks::{BlockStats, Limits};
pub use checkpoint::{Checkpoint, Maker};
pub use counts::{Residency, RunStats};
pub use engine::{Engine, SharedTrace};
pub use interpreter::Interpreter;
