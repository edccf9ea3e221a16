//! Host code for guest code: what a compiler gives, and how its code and the handlers meet.
//!
//! The handlers of a block and the native code for it do the same.
//! Native code is entered from handlers by the first handler of the block, which is replaced, and
//! from other native code by the block's [`Head`]; it goes on to handlers by the heads of blocks
//! that have no native code.
//! So control changes over at every border between blocks, at the cost of a jump or two.
//!
//! **Convention.** Native code is entered at [`Head::entry`] with its CPU pointer (see
//! [`Places`]) in the first argument register, the head of the block in the second, the block that
//! was left in the third, the CPU's struct in the frame pointer's register, and the fuel in the
//! register that the compiler keeps free for it.
//! The page of [`crate::cpu::Cpu::pc`] is that of the block; its low bits may be stale, since jumps inside a
//! page leave it alone.
//! The stack holds nothing but the return address, and every register may be changed: whoever
//! called handlers or native code from outside has saved them ([`run`]).
//!
//! **Slow paths.** A load or store that the TLB does not answer goes to [`Gates::miss`], which
//! fills the TLB and returns, or gives control back by the saved stack pointer: then the
//! interpreter does the instruction, from its beginning.
//! Whatever else may stop does the same.

mod gates;
mod hooks;
// HOST-ARCH: gates are assembly.
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
// HOST-ARCH: none are written for other hosts yet.
#[cfg_attr(not(target_arch = "x86_64"), path = "elsewhere.rs")]
mod host;
mod places;
mod tier;

use std::mem::MaybeUninit;

pub use crate::flat::{EXITS, Head};
pub(crate) use gates::unlinked;
pub use gates::{Call, Gates, Miss};
pub(crate) use hooks::heated;
pub use host::AVAILABLE;
pub(crate) use host::{HOOK, run};
pub use places::Places;
pub use tier::{Tier, TierStats, Unit};

/// How many words of the CPU's struct belong to the compiler.
// LIMIT: a table of the functions that its code calls, and their result.
pub const HELPERS: usize = 128;

/// Makes native code; shared by threads.
pub trait Compiler: Send + Sync {
    /// Native code for a block; `None` if it can not be compiled.
    fn compile(&self, work: &Work) -> Option<Native>;

    /// Writes what its code wants to find at [`Places::HELPERS`] into a CPU.
    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]);
}

/// A block to be compiled.
#[derive(Clone, Debug)]
pub struct Work {
    /// The guest code, and what stands behind it on its page, as far as lifting looks.
    pub bytes: Vec<u8>,
    /// How many of the bytes are the block.
    pub length: u32,
    /// How many instructions that is.
    pub insns: u32,
    /// Where it stands in its page.
    pub page_offset: u64,
    /// The mode it is for.
    pub mode: u64,
}

/// Native code for a block; it may stand at any multiple of sixteen.
#[derive(Clone, Debug)]
pub struct Native {
    /// The code, and what it needs beside it.
    pub bytes: Vec<u8>,
    /// Where in `bytes` it is entered.
    pub entry: usize,
    /// Where in `bytes` the address of the block's [`Code`] is to be written.
    pub code: usize,
    /// Where its exits lead to, from the block's first byte.
    pub distances: [i64; EXITS],
}
