//! How A64's rows are written: what [`vm_ir::rows`] asks of an architecture.

use vm_ir::rows::{self, Notation, Reading, text as template};

use super::decode;
use super::masks::mask;
use super::text::{self, Extended, Index, kind_named};
pub(crate) use super::text::{Kind, kind_of};
pub(crate) use crate::lift::Lift;
use crate::lift::{Cond, Gpr, Shift, Spr};

/// A64's notation.
#[derive(Clone, Copy, Debug)]
pub struct A64;

/// One guest instruction.
pub type Row = rows::Row<A64>;

/// Writes the operations of one instruction, from its encoding.
pub type Meaning = fn(&Lift<'_>, u32);

/// A field of the row has reserved values.
pub(crate) const CHECKED: u32 = 1;

/// The marks of a row.
pub(crate) const fn marks(pattern: &str, text: &str) -> u32 {
    assert!(
        rows::pattern::width(pattern) == 32,
        "encodings have 32 bits"
    );
    let mut i = 0;
    while i < text::CHECKED_KINDS.len() {
        if template::has_kind(text, text::CHECKED_KINDS[i]) {
            return CHECKED;
        }
        i += 1;
    }
    0
}

/// How the bits of a field become its value.
pub(crate) const fn reading(kind: Kind) -> Reading {
    match kind {
        Kind::Signed | Kind::SignedOffset | Kind::Target | Kind::Page => Reading::SIGNED,
        Kind::HighBit => Reading::plus(32),
        _ => Reading::UNSIGNED,
    }
}

impl Notation for A64 {
    type Kind = Kind;
    type Meaning = Meaning;

    const FORM: u32 = 0;
    const FIRST_BITS: u32 = 11;
    const SECOND_BITS: u32 = 7;

    #[inline]
    fn first_key(encoding: u32) -> u32 {
        encoding >> 21
    }

    #[inline]
    fn second_key(encoding: u32) -> u32 {
        encoding >> 10 & 63 | encoding >> 9 & 64
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
        text::show(out, kind, value, pc);
    }

    fn parse(kind: Kind, text: &str, pc: u64) -> Option<(i64, &str)> {
        text::parse(kind, text, pc)
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
    X W => Gpr, |value| Gpr(value as u8);
    XSp WSp => Spr, |value| Spr(value as u8);
    Unsigned Bit HighBit Order Barrier => u32, |value| value as u32;
    Signed Offset SignedOffset Target Page => i64, |value| value;
    Added => i64, |value| (value & 0xfff) << ((value >> 12 & 1) * 12);
    Wide => (u32, u64), |value| ((value >> 16) as u32 * 16, value as u64 & 0xffff);
    Mask => u64, |value| mask(value as u32, 64).unwrap_or(0);
    MaskW => u64, |value| mask(value as u32, 32).unwrap_or(0);
    Shifted ShiftedNoRor => (Shift, u32), |value| (Shift::of(value as u32 >> 6), value as u32 & 63);
    Extended => Extended, |value| Extended::of(value as u32);
    ExtendedW => Extended, |value| Extended::of(value as u32);
    Index0 => Index, |value| Index::index(value as u32, 0);
    Index1 => Index, |value| Index::index(value as u32, 1);
    Index2 => Index, |value| Index::index(value as u32, 2);
    Index3 => Index, |value| Index::index(value as u32, 3);
    Condition => Cond, |value| Cond(value as u8);
}
