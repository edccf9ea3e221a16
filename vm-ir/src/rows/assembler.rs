//! From assembly text to an encoding, in exactly the form that rows show.
//!
//! For tests and case files: no labels, no pseudo-instructions.

use super::text::Piece;
use super::{Notation, Row, Status};

/// The encoding of one instruction at `pc`, and its length in bytes; `None` if the text is none.
#[must_use]
pub fn assemble<N: Notation>(rows: &'static [Row<N>], text: &str, pc: u64) -> Option<(u32, usize)> {
    rows.iter()
        .filter(|row| row.status != Status::Reserved)
        .find_map(|row| Some((assemble_as(row, text, pc)?, row.bytes as usize)))
}

fn assemble_as<N: Notation>(row: &'static Row<N>, text: &str, pc: u64) -> Option<u32> {
    let (mut rest, mut encoding, mut seen) = (text, row.value, Vec::new());
    for piece in row.pieces() {
        match piece {
            Piece::Literal(literal) => rest = rest.strip_prefix(literal)?,
            Piece::Field(letter, kind) => {
                let (value, left) = N::parse(kind, rest, pc)?;
                rest = left;
                // A field that stands twice has one value.
                if seen.iter().any(|(l, v)| *l == letter && *v != value) {
                    return None;
                }
                seen.push((letter, value));
                encoding |= row.field(letter, kind).put(value)?;
            }
        }
    }
    let same = N::decode(encoding).is_some_and(|found| std::ptr::eq(found, row));
    (rest.is_empty() && same).then_some(encoding)
}
