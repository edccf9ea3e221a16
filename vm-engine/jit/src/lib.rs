//! The block compiler (T1): host code for blocks that are hot, by Cranelift.
//!
//! [`Jit`] takes a piece of guest code, lifts it again with the same frontend, lets all passes
//! run, and writes one host function for it.
//! Every `set` is also stored, so that the CPU's words are the guest's state before every
//! instruction that may stop; what was got or set before is used from registers.
//! On x86-64 hosts, what the compiler has written is then changed in three places (`finish`): the
//! frame is left out, checks of the soft TLB jump to stubs instead of traps, and the fuel is taken
//! in front.
//! Only forms that are known to the byte are changed; a block with any other is refused, and
//! stays with the interpreter.
//! On other hosts functions stay as they were written ([`KEEPS_FRAMES`]).
//!
//! **Invariant**: native code does what the block's handlers do, in state, order and count of
//! instructions, and a block has the same instructions in both.
//!
//! **Invariant**: a piece of native code does not depend on where it stands; it finds everything
//! from the CPU's struct and the block's own.

#[cfg(doc)]
use vm_engine_interp::native::KEEPS_FRAMES;

mod body;
mod compiler;
mod exits;
mod finish;
mod gates;
pub mod lower;
mod memory;
mod order;
mod region;
#[cfg(test)]
mod tests;
mod told;
mod x64;

pub use compiler::{Jit, JitError};
pub use region::RegionJit;
