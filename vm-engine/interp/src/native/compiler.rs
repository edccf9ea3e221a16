//! What a compiler is given, and what it gives.

use std::mem::MaybeUninit;

use vm_engine_cache::Ways;

use super::{EXITS, Listing};

/// How many words of the CPU's struct belong to the compiler.
// LIMIT: a table of the functions that its code calls, and their result.
pub const HELPERS: usize = 256;

/// Makes native code; shared by threads.
pub trait Compiler: Send + Sync {
    /// Native code for a block; `None` if it can not be compiled.
    fn compile(&self, work: &Work) -> Option<Native>;

    /// How it makes native code for a block, by doing it once more and writing down each step;
    /// `None` if it can not be compiled, or the compiler tells nothing.
    fn explain(&self, work: &Work) -> Option<Listing> {
        let _ = work;
        None
    }

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
    /// Whether its loads and stores are often misaligned; not more than a hint.
    pub odd: bool,
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
    /// Where its ways to other code are, if it can be joined to it.
    pub ways: Option<Ways>,
}

impl Native {
    /// Writes the address of the block's struct into it.
    pub(crate) fn belongs_to(&mut self, code: u64) {
        self.bytes[self.code..self.code + 8].copy_from_slice(&code.to_le_bytes());
    }
}
