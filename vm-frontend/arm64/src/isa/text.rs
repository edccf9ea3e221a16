//! Assembly texts: the kinds of fields that A64's instructions have.
//!
//! Some kinds gather several fields of the manual's encoding diagrams, because they are shown
//! together: a shift and its amount, a register and how it is extended.

use std::fmt::Write;

use super::masks;
use crate::lift::Gpr;

#[rustfmt::skip] // One row a kind.
vm_ir::kinds! {
    /// A 64-bit register; 31 is zero.
    X "";
    /// A 32-bit register; 31 is zero.
    W "w";
    /// A 64-bit register; 31 is the stack pointer.
    XSp "sp";
    /// A 32-bit register; 31 is the stack pointer.
    WSp "wsp";
    /// An unsigned number.
    Unsigned "u";
    /// The number of a bit.
    Bit "bit";
    /// The number of a bit in the high word.
    HighBit "high";
    /// A signed number.
    Signed "s";
    /// What is added to an address; nothing is shown for zero.
    Offset "off";
    /// A signed number that is added to an address; nothing is shown for zero.
    SignedOffset "soff";
    /// Twelve bits, and whether they are shifted left by twelve.
    Added "add";
    /// Sixteen bits, and their place.
    Wide "wide";
    /// A mask of 64 bits.
    Mask "mask";
    /// A mask of 32 bits.
    MaskW "maskw";
    /// A shift (two bits) and its amount (six bits); nothing is shown for none.
    Shifted "shift";
    /// The same without rotation.
    ShiftedNoRor "shift3";
    /// A register (five bits), how it is extended (three) and shifted (three).
    Extended "ext";
    /// The same for 32-bit forms.
    ExtendedW "extw";
    /// A register (five bits) in an address, how it is extended (three) and whether it is
    /// multiplied by the size of the access (one): here bytes.
    Index0 "index0";
    /// The same for halfwords.
    Index1 "index1";
    /// The same for words.
    Index2 "index2";
    /// The same for doublewords.
    Index3 "index3";
    /// A condition.
    Condition "cond";
    /// A distance from the instruction, shown as the address.
    Target "to";
    /// A distance from the instruction's page, shown as the address.
    Page "page";
    /// The acquire and release bits.
    Order "order";
    /// What a barrier orders.
    Barrier "barrier";
}

/// The kinds that [`permits`] has to look at, by name.
pub(crate) const CHECKED_KINDS: [&str; 9] = [
    "mask", "maskw", "shift3", "ext", "extw", "index0", "index1", "index2", "index3",
];

const CONDITIONS: [&str; 16] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
];
const SHIFTS: [&str; 4] = ["lsl", "lsr", "asr", "ror"];
const EXTENDS: [&str; 8] = [
    "uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx",
];
const INDEX_EXTENDS: [&str; 8] = ["", "", "uxtw", "lsl", "", "", "sxtw", "sxtx"];
const ORDERS: [&str; 4] = ["", "l", "a", "al"];

/// A register with an extension and a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extended {
    /// The register.
    pub reg: Gpr,
    /// The extension by number.
    pub option: u32,
    /// The shift to the left.
    pub shift: u32,
}

impl Extended {
    pub(crate) const fn of(value: u32) -> Self {
        Self {
            reg: Gpr(value as u8 & 31),
            option: value >> 5 & 7,
            shift: value >> 8 & 7,
        }
    }
}

/// A register with an extension and a shift, in an address.
pub type Index = Extended;

impl Index {
    pub(crate) const fn index(value: u32, size: u32) -> Self {
        Self {
            shift: (value >> 8 & 1) * size,
            ..Self::of(value)
        }
    }
}

/// Whether a field may have this value.
pub(crate) fn permits(kind: Kind, value: i64) -> bool {
    let value = value as u32;
    match kind {
        Kind::Mask => masks::mask(value, 64).is_some(),
        Kind::MaskW => masks::mask(value, 32).is_some(),
        Kind::ShiftedNoRor => value >> 6 != 3,
        Kind::Extended | Kind::ExtendedW => value >> 8 <= 4,
        Kind::Index0 | Kind::Index1 | Kind::Index2 | Kind::Index3 => value >> 6 & 1 == 1,
        _ => true,
    }
}

fn register(out: &mut String, letter: char, number: i64, last: &str) {
    let _ = match number {
        31 => write!(out, "{last}"),
        _ => write!(out, "{letter}{number}"),
    };
}

/// Writes a field's value.
pub(crate) fn show(out: &mut String, kind: Kind, value: i64, pc: u64) {
    let name = |names: &[&'static str]| names[value as usize % names.len()];
    let _ = match kind {
        Kind::X => return register(out, 'x', value, "xzr"),
        Kind::W => return register(out, 'w', value, "wzr"),
        Kind::XSp => return register(out, 'x', value, "sp"),
        Kind::WSp => return register(out, 'w', value, "wsp"),
        Kind::Unsigned | Kind::Bit | Kind::HighBit | Kind::Signed | Kind::Barrier => {
            write!(out, "#{value}")
        }
        Kind::Offset | Kind::SignedOffset if value == 0 => Ok(()),
        Kind::Offset | Kind::SignedOffset => write!(out, ", #{value}"),
        Kind::Added => match value >> 12 {
            0 => write!(out, "#{value}"),
            _ => write!(out, "#{}, lsl #12", value & 0xfff),
        },
        Kind::Wide => match value >> 16 {
            0 => write!(out, "#{value}"),
            place => write!(out, "#{}, lsl #{}", value & 0xffff, place * 16),
        },
        Kind::Mask => write!(out, "#{:#x}", masks::mask(value as u32, 64).unwrap_or(0)),
        Kind::MaskW => write!(out, "#{:#x}", masks::mask(value as u32, 32).unwrap_or(0)),
        Kind::Shifted | Kind::ShiftedNoRor if value == 0 => Ok(()),
        Kind::Shifted | Kind::ShiftedNoRor => {
            let shift = SHIFTS[(value >> 6) as usize % SHIFTS.len()];
            write!(out, ", {shift} #{}", value & 63)
        }
        Kind::Extended | Kind::ExtendedW => return show_extended(out, kind, value),
        Kind::Index0 => return show_index(out, value, 0),
        Kind::Index1 => return show_index(out, value, 1),
        Kind::Index2 => return show_index(out, value, 2),
        Kind::Index3 => return show_index(out, value, 3),
        Kind::Condition => write!(out, "{}", name(&CONDITIONS)),
        Kind::Target => write!(out, "{:#x}", pc.wrapping_add(value as u64)),
        Kind::Page => write!(out, "{:#x}", (pc & !0xfff).wrapping_add(value as u64)),
        Kind::Order => write!(out, "{}", name(&ORDERS)),
    };
}

fn show_extended(out: &mut String, kind: Kind, value: i64) {
    let e = Extended::of(value as u32);
    let wide = kind == Kind::Extended && e.option & 3 == 3;
    let (letter, zero) = if wide { ('x', "xzr") } else { ('w', "wzr") };
    register(out, letter, i64::from(e.reg.0), zero);
    let _ = write!(out, ", {}", EXTENDS[e.option as usize]);
    if e.shift != 0 {
        let _ = write!(out, " #{}", e.shift);
    }
}

fn show_index(out: &mut String, value: i64, size: u32) {
    let (e, scaled) = (Index::index(value as u32, size), value >> 8 & 1 == 1);
    let (letter, zero) = if e.option & 1 == 1 {
        ('x', "xzr")
    } else {
        ('w', "wzr")
    };
    register(out, letter, i64::from(e.reg.0), zero);
    let extend = INDEX_EXTENDS[e.option as usize];
    if scaled {
        let _ = write!(out, ", {extend} #{size}");
    } else if extend != "lsl" {
        let _ = write!(out, ", {extend}");
    }
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

/// The word at the start of `text`, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let end = text.find([',', ' ', '[', ']', '!']).unwrap_or(text.len());
    text.split_at(end)
}

/// A number behind `#`.
fn hash(text: &str) -> Option<(i64, &str)> {
    let (digits, rest) = word(text.strip_prefix('#')?);
    Some((number(digits)?, rest))
}

fn parse_register(text: &str, letter: char, last: &str) -> Option<(i64, &'static str)> {
    let value = if text == last {
        31
    } else {
        text.strip_prefix(letter)?
            .parse()
            .ok()
            .filter(|n| *n < 31)?
    };
    Some((value, ""))
}

/// The value of a field at the start of `text`, and what follows it.
pub(crate) fn parse(kind: Kind, text: &str, pc: u64) -> Option<(i64, &str)> {
    let (first, rest) = word(text);
    let reg = |letter, last| Some((parse_register(first, letter, last)?.0, rest));
    let place = |names: &[&str]| names.iter().position(|n| *n == first).map(|n| n as i64);
    match kind {
        Kind::X => reg('x', "xzr"),
        Kind::W => reg('w', "wzr"),
        Kind::XSp => reg('x', "sp"),
        Kind::WSp => reg('w', "wsp"),
        Kind::Unsigned | Kind::Bit | Kind::HighBit | Kind::Signed | Kind::Barrier => hash(text),
        Kind::Offset | Kind::SignedOffset => match text.strip_prefix(", ") {
            Some(rest) => hash(rest),
            None => Some((0, text)),
        },
        Kind::Added => {
            let (value, rest) = hash(text)?;
            Some(match rest.strip_prefix(", lsl #12") {
                Some(rest) => (value | 1 << 12, rest),
                None => (value, rest),
            })
        }
        Kind::Wide => {
            let (value, rest) = hash(text)?;
            match rest.strip_prefix(", lsl ") {
                Some(rest) => hash(rest).map(|(by, rest)| (value | (by / 16) << 16, rest)),
                None => Some((value, rest)),
            }
        }
        Kind::Mask | Kind::MaskW => {
            let (value, rest) = hash(text)?;
            let width = if kind == Kind::Mask { 64 } else { 32 };
            Some((i64::from(masks::bits(value as u64, width)?), rest))
        }
        Kind::Shifted | Kind::ShiftedNoRor => {
            let Some(text) = text.strip_prefix(", ") else {
                return Some((0, text));
            };
            let (name, rest) = word(text);
            let shift = SHIFTS.iter().position(|n| *n == name)? as i64;
            let (by, rest) = hash(rest.strip_prefix(' ')?)?;
            Some((shift << 6 | by, rest))
        }
        Kind::Extended | Kind::ExtendedW => parse_extended(text),
        Kind::Index0 | Kind::Index1 | Kind::Index2 | Kind::Index3 => parse_index(text),
        Kind::Condition => Some((place(&CONDITIONS)?, rest)),
        Kind::Target => Some((number(first)?.wrapping_sub(pc as i64), rest)),
        Kind::Page => Some((number(first)?.wrapping_sub((pc & !0xfff) as i64), rest)),
        // The longest name first; the empty one always fits.
        Kind::Order => [3, 2, 1, 0]
            .iter()
            .find_map(|n| Some((*n, text.strip_prefix(ORDERS[*n as usize])?))),
    }
}

fn any_register(text: &str) -> Option<i64> {
    let wide = parse_register(text, 'x', "xzr");
    Some(wide.or_else(|| parse_register(text, 'w', "wzr"))?.0)
}

fn parse_extended(text: &str) -> Option<(i64, &str)> {
    let (name, rest) = word(text);
    let reg = any_register(name)?;
    let (extend, rest) = word(rest.strip_prefix(", ")?);
    let option = EXTENDS.iter().position(|n| *n == extend)? as i64;
    let (by, rest) = match rest.strip_prefix(' ') {
        Some(rest) => hash(rest)?,
        None => (0, rest),
    };
    Some((reg | option << 5 | by << 8, rest))
}

fn parse_index(text: &str) -> Option<(i64, &str)> {
    let (name, rest) = word(text);
    let reg = any_register(name)?;
    let Some(rest) = rest.strip_prefix(", ") else {
        return Some((reg | 3 << 5, rest));
    };
    let (extend, rest) = word(rest);
    let known = INDEX_EXTENDS.iter().position(|n| *n == extend)? as i64;
    let (scaled, rest) = match rest.strip_prefix(' ') {
        Some(rest) => (1, hash(rest)?.1),
        None => (0, rest),
    };
    Some((reg | known << 5 | scaled << 8, rest))
}
