//! The words all other crates share.
//!
//! An emulator is made of people who must agree on small things: what an address is, what time
//! it is in the guest, why a virtual CPU stopped, what a device answers, how state is written
//! down.
//! This crate holds those words and nothing else: no input or output, no threads, no unsafe
//! code, and no word that only one guest architecture would understand.
//!
//! **Invariant**: nothing here reads the host's clock, files or randomness; they are handed in.
//!
//! **Invariant**: the order of events depends on guest time and sequence numbers alone.
//!
//! **Invariant**: the state format refuses what it does not know, with the reason.

mod addr;
mod background;
mod clock;
mod entropy;
mod events;
mod exit;
mod hash;
mod recent;
mod state;
mod stops;
mod trace;
mod trap;
mod vcpu;
mod width;

pub use addr::{GuestPhys, GuestVirt, PAGE_BITS, PAGE_BYTES, PAGE_MASK};
pub use background::{Background, Inline, Job};
pub use clock::{Clock, NS_PER_INSN, TimeMode};
pub use entropy::Entropy;
pub use events::{Events, Token};
pub use exit::{Access, AccessKind, Answer, Exit, Fault, Space};
pub use hash::StateHash;
pub use recent::Recent;
pub use state::{Fields, Image, Section, StateError};
pub use stops::{Stopped, Stops, Translation, Watchpoint};
pub use trace::{Moment, Trace, TraceEvent, TraceKinds};
pub use trap::Trap;
pub use vcpu::{Flush, Kick, Register, RegisterKind, Vcpu};
pub use width::Width;
