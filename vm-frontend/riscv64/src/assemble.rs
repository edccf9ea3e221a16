//! From assembly text to an encoding, in exactly the form that the disassembler writes.
//!
//! For tests and case files: no labels, no pseudo-instructions, no other spellings but register
//! numbers (`x5`, `f10`) beside their names.

use crate::isa::text::{Kind, Piece};
use crate::isa::{ROWS, Row, Status, decode};

/// The encoding of one instruction at `pc`, and its length in bytes; `None` if the text is none.
#[must_use]
pub fn assemble(text: &str, pc: u64) -> Option<(u32, usize)> {
    ROWS.iter()
        .filter(|row| row.status != Status::Reserved)
        .find_map(|row| Some((assemble_as(row, text, pc)?, row.bytes as usize)))
}

fn assemble_as(row: &'static Row, text: &str, pc: u64) -> Option<u32> {
    let (mut rest, mut encoding, mut seen) = (text, row.value, Vec::new());
    for piece in row.pieces() {
        match piece {
            Piece::Literal(literal) => rest = rest.strip_prefix(literal)?,
            Piece::Field(letter, kind) => {
                let (value, left) = parse(kind, rest, pc)?;
                rest = left;
                // A field that stands twice has one value.
                if seen.iter().any(|(l, v)| *l == letter && *v != value) {
                    return None;
                }
                seen.push((letter, value));
                encoding |= row.field(letter).put(value)?;
            }
        }
    }
    let same = decode(encoding).is_some_and(|found| std::ptr::eq(found, row));
    (rest.is_empty() && same).then_some(encoding)
}

fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()? as i64,
        None => digits.parse().ok()?,
    };
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

fn register(text: &str, names: &[&str], letter: char) -> Option<i64> {
    let by_number = || {
        let number = text.strip_prefix(letter)?.parse::<i64>().ok()?;
        (number < 32).then_some(number)
    };
    let by_name = names.iter().position(|name| *name == text);
    by_name.map(|n| n as i64).or_else(by_number)
}

/// The value of a field at the start of `text`, and what follows it.
fn parse(kind: Kind, text: &str, pc: u64) -> Option<(i64, &str)> {
    match kind {
        Kind::Order => {
            // The longest name first; the empty one always fits.
            let names = crate::isa::text::ORDER_NAMES.iter().enumerate().rev();
            return names
                .map(|(n, name)| (n as i64, text.strip_prefix(*name)))
                .find_map(|(n, rest)| rest.map(|rest| (n, rest)));
        }
        Kind::Rounding => {
            let Some(name) = text.strip_prefix(", ") else {
                return Some((7, text));
            };
            let names = &crate::isa::text::ROUNDING_NAMES;
            let n = names.iter().position(|n| !n.is_empty() && *n == name)?;
            return Some((n as i64, ""));
        }
        _ => {}
    }
    let end = text.find([',', '(', ')', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let value = match kind {
        Kind::X | Kind::ShortX => register(word, &crate::isa::text::X_NAMES, 'x')?,
        Kind::F | Kind::ShortF => register(word, &crate::isa::text::F_NAMES, 'f')?,
        Kind::V => register(word, &[], 'v')?,
        Kind::Target => number(word)?.wrapping_sub(pc as i64),
        Kind::Upper => i64::from((number(word)? as i32).wrapping_shl(12)),
        Kind::Csr => crate::csr::by_name(word)
            .map(i64::from)
            .or_else(|| number(word))?,
        Kind::Fence if word == "0" => 0,
        Kind::Fence => {
            let bit = |c| "wroi".find(c).map(|bit| 1 << bit);
            word.chars().try_fold(0, |set, c| Some(set | bit(c)?))?
        }
        _ => number(word)?,
    };
    Some((value, rest))
}
