//! The instructions as rows, one file a chapter: Intel SDM volume 1, section 5.1.

mod arithmetic;
mod bits;
mod control;
mod data;
mod flags;
mod logical;
mod misc;
mod row;
mod shift;
mod string;

use std::sync::LazyLock;

use iced_x86::{Code, Instruction, MemorySize, Mnemonic, OpKind};

use crate::disasm::{Decoded, decode};

pub use row::{FlagSet, Meaning, Row, Undefined};

/// All rows, chapter by chapter.
pub const CHAPTERS: [&[Row]; 9] = [
    data::ROWS,
    arithmetic::ROWS,
    logical::ROWS,
    shift::ROWS,
    bits::ROWS,
    control::ROWS,
    string::ROWS,
    flags::ROWS,
    misc::ROWS,
];

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    CHAPTERS.into_iter().flatten()
}

static BY_MNEMONIC: LazyLock<Vec<Option<&'static Row>>> = LazyLock::new(|| {
    let mut table = vec![None; Mnemonic::values().len()];
    for row in rows() {
        table[row.mnemonic as usize] = Some(row);
    }
    table
});

/// The row of an instruction; `None` if there is none for it, or none for its operands.
#[must_use]
pub fn row_of(insn: &Instruction) -> Option<&'static Row> {
    let row = BY_MNEMONIC
        .get(insn.mnemonic() as usize)
        .copied()
        .flatten()?;
    takes(insn).then_some(row)
}

/// The row of the first instruction of some bytes.
#[must_use]
pub fn row_at(code: &[u8]) -> Option<&'static Row> {
    match decode(code, 0) {
        Decoded::Insn(insn) => row_of(&insn),
        Decoded::Invalid(_) | Decoded::Short => None,
    }
}

/// Whether all operands are of the kinds that rows know: a mnemonic also names forms with
/// segments, system registers and vectors, and far jumps.
fn takes(insn: &Instruction) -> bool {
    let far = matches!(
        insn.memory_size(),
        MemorySize::SegPtr16 | MemorySize::SegPtr32 | MemorySize::SegPtr64
    );
    // A 16-bit return or jump exists on some processors only.
    let short = matches!(insn.code(), Code::Retnw | Code::Retnw_imm16);
    let operands = (0..insn.op_count()).all(|i| match insn.op_kind(i) {
        OpKind::Register => insn.op_register(i).is_gpr(),
        OpKind::FarBranch16 | OpKind::FarBranch32 | OpKind::NearBranch16 => false,
        _ => true,
    });
    operands && !far && !short
}

#[cfg(test)]
mod tests;
