//! Assembly texts: how a row writes an instruction for people.
//!
//! A field stands in braces, with the kind of what it holds behind a colon: `{i:s}` is a signed
//! number; without a kind it is an integer register.
//! The kind decides both what is printed and what the row's meaning is given.

use super::Row;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal;)+) => {
        /// What a field holds.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])+ $name),+ }

        const fn kind_named(name: &[u8]) -> Kind {
            $(if same(name, $text.as_bytes()) {
                return Kind::$name;
            })+
            panic!("there is no such kind of field")
        }
    };
}

#[rustfmt::skip] // One row a kind.
kinds! {
    /// An integer register.
    X "";
    /// An integer register of the eight that compressed instructions reach.
    ShortX "c";
    /// A floating-point register.
    F "f";
    /// A floating-point register of the eight that compressed instructions reach.
    ShortF "cf";
    /// A vector register.
    V "v";
    /// A signed number.
    Signed "s";
    /// An unsigned number.
    Unsigned "u";
    /// A distance of shifting, shown in hexadecimal digits.
    Shift "sh";
    /// A signed number whose low 12 bits are zero and not shown.
    Upper "upper";
    /// A distance from the instruction, shown as the address.
    Target "to";
    /// A control and status register.
    Csr "csr";
    /// A rounding mode.
    Rounding "rm";
    /// The acquire and release bits.
    Order "order";
    /// The accesses that a fence orders.
    Fence "fence";
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The field in the first braces at or behind `at`: its letter, its kind, and where it ends.
const fn field_from(text: &[u8], at: usize) -> Option<(u8, Kind, usize)> {
    let mut open = at;
    while open < text.len() && text[open] != b'{' {
        open += 1;
    }
    if open == text.len() {
        return None;
    }
    let mut close = open;
    while text[close] != b'}' {
        close += 1;
    }
    let (_, rest) = text.split_at(open + 1);
    let (inner, _) = rest.split_at(close - open - 1);
    let kind = match inner {
        [_] => Kind::X,
        [_, b':', name @ ..] => kind_named(name),
        _ => panic!("braces hold a letter and perhaps a kind"),
    };
    Some((inner[0], kind, close + 1))
}

/// The kind that a text gives a field.
pub(super) const fn kind_of(text: &str, letter: u8) -> Kind {
    let mut at = 0;
    while let Some((found, kind, end)) = field_from(text.as_bytes(), at) {
        if found == letter {
            return kind;
        }
        at = end;
    }
    panic!("the text has no such field")
}

/// The fields of a text, as bits of a set: bit 0 is `a`.
pub(super) const fn letters(text: &str) -> u32 {
    let mut set = 0;
    let mut at = 0;
    while let Some((letter, _, end)) = field_from(text.as_bytes(), at) {
        set |= 1 << (letter - b'a');
        at = end;
    }
    set
}

/// Whether a text names a field of one of two kinds.
pub(super) const fn has_kind(text: &str, one: Kind, other: Kind) -> bool {
    let mut at = 0;
    while let Some((_, kind, end)) = field_from(text.as_bytes(), at) {
        if kind as u8 == one as u8 || kind as u8 == other as u8 {
            return true;
        }
        at = end;
    }
    false
}

/// The names of the integer registers in the standard calling convention.
#[rustfmt::skip] // As the manual's table.
pub const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// The names of the floating-point registers in the standard calling convention.
#[rustfmt::skip] // As the manual's table.
pub const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// The rounding modes by number; the last one is the dynamic one, which is not shown.
pub(crate) const ROUNDING_NAMES: [&str; 8] = ["rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn"];

/// The orderings by number.
pub(crate) const ORDER_NAMES: [&str; 4] = ["", ".rl", ".aq", ".aqrl"];

/// A part of a text.
pub(crate) enum Piece {
    /// These characters.
    Literal(&'static str),
    /// The field of this letter.
    Field(u8, Kind),
}

impl Row {
    /// The parts of the text template.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let (text, mut at) = (self.text, 0);
        let mut field = None;
        std::iter::from_fn(move || {
            if let Some((letter, kind)) = field.take() {
                return Some(Piece::Field(letter, kind));
            }
            if at == text.len() {
                return None;
            }
            let start = at;
            let end = match field_from(text.as_bytes(), at) {
                Some((letter, kind, end)) => {
                    field = Some((letter, kind));
                    at = end;
                    start + text[start..].find('{').unwrap_or_default()
                }
                None => {
                    at = text.len();
                    at
                }
            };
            Some(Piece::Literal(&text[start..end]))
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
                    show_field(&mut out, kind, self.field(letter).take(encoding), pc);
                }
            }
        }
        out
    }
}

fn show_field(out: &mut String, kind: Kind, value: i64, pc: u64) {
    let name = |names: &[&'static str]| names[value as usize % names.len()];
    match kind {
        Kind::X | Kind::ShortX => out.push_str(name(&X_NAMES)),
        Kind::F | Kind::ShortF => out.push_str(name(&F_NAMES)),
        Kind::V => out.push_str(&format!("v{value}")),
        Kind::Signed | Kind::Unsigned => out.push_str(&value.to_string()),
        Kind::Shift => out.push_str(&format!("{value:#x}")),
        Kind::Upper => out.push_str(&format!("{:#x}", value >> 12 & 0xf_ffff)),
        Kind::Target => out.push_str(&format!("{:#x}", pc.wrapping_add(value as u64))),
        Kind::Csr => match crate::csr::name(value as u16) {
            Some(name) => out.push_str(&name),
            None => out.push_str(&format!("{value:#x}")),
        },
        Kind::Rounding if value == 7 => {}
        Kind::Rounding => {
            out.push_str(", ");
            out.push_str(name(&ROUNDING_NAMES));
        }
        Kind::Order => out.push_str(name(&ORDER_NAMES)),
        Kind::Fence if value == 0 => out.push('0'),
        Kind::Fence => {
            let on = |bit: u32| value >> bit & 1 == 1;
            out.extend(
                "wroi"
                    .char_indices()
                    .rev()
                    .filter(|(bit, _)| on(*bit as u32))
                    .map(|(_, c)| c),
            );
        }
    }
}
