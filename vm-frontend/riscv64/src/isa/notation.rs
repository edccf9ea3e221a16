//! How RISC-V's rows are written: what [`vm_ir::rows`] asks of an architecture.

use vm_ir::rows::{self, Notation, Reading, text};

use super::decode::{self, decode};
pub(crate) use super::text::{Kind, kind_of};
use super::text::{kind_named, parse_field, show_field};
pub(crate) use crate::lift::Lift;
use crate::lift::{Fpr, Xpr};

/// RISC-V's notation.
#[derive(Clone, Copy, Debug)]
pub struct Riscv;

/// One guest instruction.
pub type Row = rows::Row<Riscv>;

/// Writes the operations of one instruction, from its encoding.
pub type Meaning = fn(&Lift<'_>, u32);

/// The row works on floating-point registers, so that it is illegal when they are off.
pub(crate) const FLOAT: u32 = 1;
/// The row has a rounding mode, two of whose numbers are reserved.
pub(crate) const ROUNDS: u32 = 2;

/// The marks of a row.
pub(crate) const fn marks(pattern: &str, template: &str) -> u32 {
    let (mask, value) = rows::pattern::fixed(pattern);
    let long = value & mask & 3 == 3;
    assert!(
        long == (rows::pattern::width(pattern) == 32),
        "the two lowest bits say the length"
    );
    let float = text::has_kind(template, "f") || text::has_kind(template, "cf");
    let rounds = text::has_kind(template, "rm");
    (float as u32 * FLOAT) | (rounds as u32 * ROUNDS)
}

/// Whether a rounding mode stands in the encoding that the manual reserves.
pub(crate) const fn is_reserved(row: &Row, encoding: u32) -> bool {
    row.marks & ROUNDS != 0 && matches!(encoding >> 12 & 7, 5 | 6)
}

/// How the bits of a field become its value.
pub(crate) const fn reading(kind: Kind) -> Reading {
    match kind {
        Kind::Signed | Kind::Upper | Kind::Target => Reading::SIGNED,
        Kind::ShortX | Kind::ShortF => Reading::plus(8),
        _ => Reading::UNSIGNED,
    }
}

impl Notation for Riscv {
    type Kind = Kind;
    type Meaning = Meaning;

    /// The two lowest bits say the length.
    const FORM: u32 = 3;
    const FIRST_BITS: u32 = decode::FIRST_BITS;
    const SECOND_BITS: u32 = decode::SECOND_BITS;

    #[inline]
    fn first_key(encoding: u32) -> u32 {
        decode::first_key(encoding)
    }

    #[inline]
    fn second_key(encoding: u32) -> u32 {
        decode::second_key(encoding)
    }

    fn decode(encoding: u32) -> Option<&'static Row> {
        decode(encoding)
    }

    fn kind(name: &'static str) -> Kind {
        kind_named(name.as_bytes())
    }

    fn reading(kind: Kind) -> Reading {
        reading(kind)
    }

    fn show(out: &mut String, kind: Kind, value: i64, pc: u64) {
        show_field(out, kind, value, pc);
    }

    fn parse(kind: Kind, text: &str, pc: u64) -> Option<(i64, &str)> {
        parse_field(kind, text, pc)
    }
}

/// What a field of some kind is for a meaning: [`Kind`] as a type.
pub(crate) struct Typed<const KIND: u8>;

/// See [`Typed`].
pub(crate) trait Taken {
    /// What a meaning takes.
    type Value;
    /// From the field's number.
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
