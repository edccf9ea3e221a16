//! From assembly text to an encoding, in exactly the form that the disassembler writes.

use vm_ir::rows;

use crate::isa::ROWS;

/// The encoding of one instruction at `pc`, and its length in bytes; `None` if the text is none.
#[must_use]
pub fn assemble(text: &str, pc: u64) -> Option<(u32, usize)> {
    rows::assemble(ROWS, text, pc)
}
