//! What is noted of a block while it is written.

use vm_ir::Id;

use crate::x64::{Jump, Rm};

/// Code out of line that calls a gate and comes back.
#[derive(Clone, Copy, Debug)]
pub struct Stub {
    /// Where it is jumped from.
    pub from: Jump,
    /// What it says, packed.
    pub miss: u32,
    /// Where it comes back to.
    pub back: usize,
}

/// A line of memory that was stored to; `rax` holds the host's address of what was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The instruction that stores.
    pub site: u8,
    /// The line's address.
    pub base: Id,
    /// The offset of what was stored.
    pub offset: i32,
}

/// An operand as an instruction takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A register or memory.
    Rm(Rm),
    /// A constant.
    Imm(i32),
}
