//! The region compiler (T2): loops of several blocks of a page as one host function.
//!
//! A region is made around a block in which many slices of the guest's time have ended.
//! The blocks that were entered often are lifted again, and [`former`] chooses those that make up
//! the loop nest around it; [`flow`] finds out which slots they use and where those have values
//! that memory has not; [`writer`] writes them as one function, in which slots are values, and
//! which Cranelift then optimises as a whole; [`finish`] leaves the frame out, as the block
//! compiler does.
//!
//! **State.** At the entry, every slot that the region uses is loaded.
//! Where it is left, what was set is stored: at exits to other blocks, where the fuel does not
//! reach through a block, and where an access is not answered by the TLB or an instruction traps.
//! These ways out are cold blocks of their own, so the hot way stores nothing.
//!
//! Singles in registers of doubles are held without their boxes ([`singles`]).
//! What no block sets is the same wherever the region goes: whether it makes an instruction trap,
//! and whether the host's floating-point results may be taken, is asked at the entry.
//!
//! **Fuel.** Each block takes its instructions from the fuel when it begins, like native code of
//! its own, so everything that asks how far the guest has come finds the same answer. A loop of
//! one block may put some aside while it turns ([`turns`]).
//!
//! **Memory.** [`spans`] tells accesses that are likely to be where they were a turn before, and
//! [`probes`] keeps what the TLB has said of those.
//!
//! **Invariant**: the region leaves where its blocks would, with the same state and the same fuel.
//!
//! **Invariant**: a region knows its blocks by the addresses of their heads; it goes, at the
//! latest, when one of them does, and all go with their page.

mod compiler;
mod entry;
mod exits;
mod finish;
mod flow;
mod former;
mod memory;
mod nest;
mod probes;
mod singles;
mod spans;
mod state;
#[cfg(test)]
mod tests;
mod turns;
mod writer;

pub use compiler::RegionJit;
