//! From an encoding to its row.
//!
//! The first key is made of the bits that most rows fix: for 32-bit encodings the opcode and
//! `funct3`, for 16-bit ones `funct3` and the quadrant. The second has seven more bits.

use std::sync::LazyLock;

use vm_ir::rows::Decoder;

use super::ROWS;
use super::notation::{Riscv, Row, is_reserved};

/// The keys are so many bits wide.
pub(super) const FIRST_BITS: u32 = 9;
pub(super) const SECOND_BITS: u32 = 7;

static DECODER: LazyLock<Decoder<Riscv>> = LazyLock::new(|| Decoder::new(ROWS));

pub(super) const fn first_key(encoding: u32) -> u32 {
    if encoding & 3 == 3 {
        encoding >> 2 & 31 | (encoding >> 12 & 7) << 5 | 1 << 8
    } else {
        encoding & 3 | (encoding >> 13 & 7) << 2
    }
}

pub(super) const fn second_key(encoding: u32) -> u32 {
    if encoding & 3 == 3 {
        encoding >> 25 & 127
    } else {
        (encoding >> 10 & 7) << 4 | (encoding >> 5 & 3) << 2 | (encoding >> 2 & 3)
    }
}

/// The row of an encoding; `None` if it is reserved or nothing.
///
/// A 16-bit encoding stands in the low half; what is above it does not matter.
#[inline]
#[must_use]
pub fn decode(encoding: u32) -> Option<&'static Row> {
    let long = encoding & 3 == 3;
    let encoding = if long { encoding } else { encoding & 0xffff };
    let row = DECODER.find(encoding)?;
    (!is_reserved(row, encoding)).then_some(row)
}
