//! Runs the guest on the host's own CPU: KVM, HVF, WHPX.
//!
//! A guest of the host's architecture need not be emulated instruction by instruction, if the
//! host's operating system lends its CPU.
//! So far this crate only finds out whether it would: [`probe`] asks, and says why not.
//!
//! **Invariant**: asking changes nothing on the host and never fails; a refusal is an answer.

mod accelerator;
mod sys;

pub use accelerator::{Accelerator, State, probe};
