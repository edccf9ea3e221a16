//! What a row is.

use super::text::{self, Piece};
use super::{Field, Notation, pattern};

/// How far a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It has a meaning.
    Live,
    /// It decodes and prints; the instruction is not offered to guests yet.
    Todo,
    /// It stands for encodings that the manual reserves inside those of another row.
    Reserved,
}

/// One guest instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row<N: Notation> {
    /// The mnemonic in capitals, as Rust writes it.
    pub name: &'static str,
    /// The extension it belongs to, as the manual writes it.
    pub extension: &'static str,
    /// The bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// The length of the encoding in bytes: 2 or 4.
    pub bytes: u32,
    /// How far it is.
    pub status: Status,
    /// What the architecture wants to know of a row without looking at its strings.
    pub marks: u32,
    /// The bit string.
    pub pattern: &'static str,
    /// The text template.
    pub text: &'static str,
    /// What it does; `None` unless it is live.
    pub meaning: Option<N::Meaning>,
}

impl<N: Notation> Row<N> {
    /// A row; does not compile if its parts do not fit each other.
    #[must_use]
    pub const fn new(
        extension: &'static str,
        name: &'static str,
        pattern: &'static str,
        text: &'static str,
        status: Status,
        marks: u32,
        meaning: Option<N::Meaning>,
    ) -> Self {
        let width = pattern::width(pattern);
        let (mask, value) = pattern::fixed(pattern);
        let bytes = width / 8;
        assert!(
            bytes * 8 == width && (bytes == 2 || bytes == 4),
            "encodings have 16 or 32 bits"
        );
        if !matches!(status, Status::Reserved) {
            let (encoded, shown) = (pattern::letters(pattern), text::letters(text));
            assert!(
                encoded == shown,
                "encoding and text do not have the same fields"
            );
        }
        let live = matches!(status, Status::Live);
        assert!(
            live == meaning.is_some(),
            "live rows have a meaning, others have none"
        );
        Self {
            name,
            extension,
            mask,
            value,
            bytes,
            status,
            marks,
            pattern,
            text,
            meaning,
        }
    }

    /// Whether this is the row of an encoding, as far as fixed bits go.
    #[must_use]
    pub const fn matches(&self, encoding: u32) -> bool {
        encoding & self.mask == self.value
    }

    /// The parts of the text template.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<N::Kind>> {
        text::pieces(self.text).map(|piece| match piece {
            Piece::Literal(text) => Piece::Literal(text),
            Piece::Field(letter, name) => Piece::Field(letter, N::kind(name)),
        })
    }

    /// The field of this letter; its kind is known from the text template.
    #[must_use]
    pub fn field(&self, letter: u8, kind: N::Kind) -> Field {
        Field::lettered(self.pattern, letter, N::reading(kind))
    }

    /// The fields with their kinds, as often as the text names them.
    pub fn fields(&self) -> impl Iterator<Item = (Field, N::Kind)> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Field(letter, kind) => Some((self.field(letter, kind), kind)),
        })
    }

    /// The text of an encoding of this row that stands at `pc`.
    #[must_use]
    pub fn show(&self, encoding: u32, pc: u64) -> String {
        let mut out = String::with_capacity(32);
        for piece in self.pieces() {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Field(letter, kind) => {
                    let value = self.field(letter, kind).take(encoding);
                    N::show(&mut out, kind, value, pc);
                }
            }
        }
        out
    }

    /// A valid encoding of this row whose fields are filled from random bits; `None` if the bits
    /// make it one of another row, or reserved.
    #[must_use]
    pub fn sample(&'static self, random: u32) -> Option<u32> {
        let room = if self.bytes == 2 { 0xffff } else { u32::MAX };
        let encoding = (self.value | random & !self.mask) & room;
        N::decode(encoding)
            .is_some_and(|row| std::ptr::eq(row, self))
            .then_some(encoding)
    }
}

/// Pairs of rows that match one encoding though neither has all fixed bits of the other, and no
/// third row has the bits of both.
#[must_use]
pub fn overlaps<N: Notation>(rows: &[Row<N>]) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for (i, a) in rows.iter().enumerate() {
        for b in rows.iter().skip(i + 1) {
            let common = a.mask & b.mask;
            if a.bytes != b.bytes || a.value & common != b.value & common {
                continue;
            }
            let both = (a.mask | b.mask, a.value | b.value);
            let told_apart = rows.iter().any(|row| (row.mask, row.value) == both);
            if a.mask == b.mask || !told_apart {
                found.push((a.name, b.name));
            }
        }
    }
    found
}
