//! What an engine owes a guest, whatever it does inside: a budget is kept to the instruction,
//! changed code runs as it now stands, devices are asked once for each access, and a run gives
//! the same result however it is cut into slices.
//!
//! The guest programs are a few lines of RISC-V, since that is the smallest guest; nothing here
//! is about RISC-V itself, which `tests/isa` covers.
//!
//! **Invariant**: no test depends on how the engine does what it does, only on what it owes.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod code;
#[cfg(test)]
mod device;
#[cfg(test)]
mod fuel;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod slices;
#[cfg(test)]
mod split;
#[cfg(test)]
mod stops;
#[cfg(test)]
mod witness;
