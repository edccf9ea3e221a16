//! What a row is, and the macro that reads a table of them.

use super::pattern::{self, Field};
use super::text::{self, Kind};
use crate::lift::{Fpr, Lift, Xpr};

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

/// Writes the operations of one instruction, from its encoding.
pub type Meaning = fn(&Lift<'_>, u32);

/// One guest instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row {
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
    /// Whether it works on floating-point registers, so that it is illegal when they are off.
    pub float: bool,
    /// Whether it has a rounding mode, two of whose numbers are reserved.
    pub rounds: bool,
    /// The bit string.
    pub pattern: &'static str,
    /// The text template.
    pub text: &'static str,
    /// What it does; `None` unless it is live.
    pub(crate) meaning: Option<Meaning>,
}

impl Row {
    pub(super) const fn new(
        extension: &'static str,
        name: &'static str,
        pattern: &'static str,
        text: &'static str,
        status: Status,
        meaning: Option<Meaning>,
    ) -> Self {
        let width = pattern::width(pattern);
        let (mask, value) = pattern::fixed(pattern);
        let bytes = width / 8;
        assert!(
            bytes * 8 == width && (bytes == 2 || bytes == 4),
            "encodings have 16 or 32 bits"
        );
        let long = value & mask & 3 == 3;
        assert!(long == (bytes == 4), "the two lowest bits say the length");
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
            float: text::has_kind(text, Kind::F, Kind::ShortF),
            rounds: text::has_kind(text, Kind::Rounding, Kind::Rounding),
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

    /// Whether a rounding mode stands in the encoding that the manual reserves.
    #[must_use]
    pub(super) const fn is_reserved(&self, encoding: u32) -> bool {
        self.rounds && matches!(encoding >> 12 & 7, 5 | 6)
    }

    /// The field of this letter.
    pub(crate) const fn field(&self, letter: u8) -> Field {
        Field::lettered(self.pattern, self.text, letter)
    }

    /// A valid encoding of this row whose fields are filled from random bits; `None` if the bits
    /// make it one of another row, or reserved.
    #[must_use]
    pub fn sample(&'static self, random: u32) -> Option<u32> {
        let room = if self.bytes == 2 { 0xffff } else { u32::MAX };
        let encoding = (self.value | random & !self.mask) & room;
        super::decode(encoding)
            .is_some_and(|row| std::ptr::eq(row, self))
            .then_some(encoding)
    }
}

/// What a field of some kind is for a meaning: [`Kind`] as a type.
pub(super) struct Typed<const KIND: u8>;

/// See [`Typed`].
pub(super) trait Taken {
    type Value;
    fn from_field(value: i64) -> Self::Value;
}

macro_rules! taken {
    ($($($kind:ident)+ => $value:ty, $from:expr;)+) => {
        $($(impl Taken for Typed<{ Kind::$kind as u8 }> {
            type Value = $value;
            #[inline(always)]
            fn from_field(value: i64) -> $value {
                let from: fn(i64) -> $value = $from;
                from(value)
            }
        })+)+
    };
}

taken! {
    X ShortX => Xpr, |value| Xpr(value as u8);
    F ShortF => Fpr, |value| Fpr(value as u8);
    Signed Unsigned Shift Upper Target => i64, |value| value;
    V Csr Rounding Order Fence => u32, |value| value as u32;
}

/// Reads a table of rows into `ROWS`.
macro_rules! rows {
    (
        $extension:literal
        $($name:ident $bits:literal $text:literal
            $($status:ident)? $(|$t:ident $(, $field:ident)*| $meaning:expr)?;)+
    ) => {
        /// The rows of this file.
        pub(super) const ROWS: &[$crate::isa::row::Row] = &[$({
            $crate::isa::row::Row::new(
                $extension,
                stringify!($name),
                $bits,
                $text,
                $crate::isa::row::status!($($status)?),
                $crate::isa::row::meaning!($bits $text $(|$t $(, $field)*| $meaning)?),
            )
        }),+];
    };
}

macro_rules! status {
    () => {
        $crate::isa::row::Status::Live
    };
    (todo) => {
        $crate::isa::row::Status::Todo
    };
    (reserved) => {
        $crate::isa::row::Status::Reserved
    };
}

macro_rules! meaning {
    ($bits:literal $text:literal) => {
        None
    };
    ($bits:literal $text:literal |$t:ident $(, $field:ident)*| $meaning:expr) => {{
        fn meaning($t: &$crate::lift::Lift<'_>, encoding: u32) {
            let _ = encoding;
            $(let $field = {
                use $crate::isa::pattern::Field;
                use $crate::isa::row::{Taken, Typed};
                const FIELD: Field = Field::of($bits, $text, stringify!($field));
                <Typed<{ FIELD.kind as u8 }> as Taken>::from_field(FIELD.take(encoding))
            };)*
            $meaning
        }
        Some(meaning as $crate::isa::row::Meaning)
    }};
}

pub(super) use {meaning, rows, status};
