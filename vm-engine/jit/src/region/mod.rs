//! The region compiler (T2): loops of several blocks, with what they call, as one host function.
//!
//! A region is made around a block in which many slices of the guest's time have ended.
//! The blocks that were entered often are lifted again; [`ways`] finds out where they lead to, and
//! [`former`] chooses those that make up the loop nest around the hot one; [`flow`] finds out
//! which slots they use and where those have values that memory has not; [`writer`] writes them
//! as one function, in which slots are values, and which Cranelift then optimises as a whole;
//! [`finish`] leaves the frame out, as the block compiler does.
//!
//! **State.** At the entry, every slot that the region uses is loaded.
//! Where it is left, what was set is stored: at exits to other blocks, where the fuel does not
//! reach through a block, and where an access is not answered by the TLB or an instruction traps.
//! These ways out are cold blocks of their own, so the hot way stores nothing; only where they
//! would be too many does a block store what it has set when it ends ([`flow`]).
//!
//! Singles in registers of doubles are held without their boxes ([`singles`]).
//! What no block sets is the same wherever the region goes: whether it makes an instruction trap,
//! and whether the host's floating-point results may be taken, is asked at the entry.
//!
//! **Fuel.** Each block takes its instructions from the fuel when it begins, like native code of
//! its own, so everything that asks how far the guest has come finds the same answer. A loop of
//! blocks in a row takes it for all of them, and may put some aside while it turns ([`turns`]).
//!
//! **Memory.** [`spans`] tells accesses that are likely to be where they were a turn before, and
//! [`probes`] keeps what the TLB has said of those. Where each access waits for what the one before
//! has loaded ([`chases`]), what it is going to say is guessed.
//!
//! **Jumps.** A return, a call by a register, a switch: where they lead to is compared with the
//! blocks inside that they are expected to lead to; else the region is left ([`jumps`]).
//!
//! **Pages.** The blocks may stand on several pages, which have to be mapped as far from each other
//! as they were seen. That is asked where the region is entered, and holds as long as it runs.
//! Meanwhile [`Places::PC`](vm_engine_interp::native::Places::PC) is on the first page, whichever
//! block is at work; where the region is left, it is put on the block's own.
//!
//! **Invariant**: the region leaves where its blocks would, with the same state and the same fuel.
//!
//! **Invariant**: a region knows its blocks by the addresses of their heads; it goes, at the
//! latest, when one of them does, and all go with their pages.

mod calculations;
mod chases;
mod compiler;
mod entry;
mod exits;
mod finish;
mod flow;
mod former;
mod jumps;
mod members;
mod memory;
mod nest;
mod probes;
mod reserve;
mod singles;
mod spans;
mod state;
#[cfg(test)]
mod tests;
mod turns;
mod ways;
mod writer;

pub use compiler::RegionJit;
