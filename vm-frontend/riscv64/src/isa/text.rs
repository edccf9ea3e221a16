//! Assembly texts: how a row writes an instruction for people.
//!
//! A field stands in braces, with the kind of what it holds behind a colon: `{i:s}` is a signed
//! number; without a kind it is an integer register.
//! The kind decides both what is printed and what the row's meaning is given.

#[rustfmt::skip] // One row a kind.
vm_ir::kinds! {
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

/// Writes a field's value.
pub(super) fn show_field(out: &mut String, kind: Kind, value: i64, pc: u64) {
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
pub(super) fn parse_field(kind: Kind, text: &str, pc: u64) -> Option<(i64, &str)> {
    match kind {
        Kind::Order => {
            // The longest name first; the empty one always fits.
            let names = ORDER_NAMES.iter().enumerate().rev();
            return names
                .map(|(n, name)| (n as i64, text.strip_prefix(*name)))
                .find_map(|(n, rest)| rest.map(|rest| (n, rest)));
        }
        Kind::Rounding => {
            let Some(name) = text.strip_prefix(", ") else {
                return Some((7, text));
            };
            let names = &ROUNDING_NAMES;
            let n = names.iter().position(|n| !n.is_empty() && *n == name)?;
            return Some((n as i64, ""));
        }
        _ => {}
    }
    let end = text.find([',', '(', ')', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let value = match kind {
        Kind::X | Kind::ShortX => register(word, &X_NAMES, 'x')?,
        Kind::F | Kind::ShortF => register(word, &F_NAMES, 'f')?,
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
