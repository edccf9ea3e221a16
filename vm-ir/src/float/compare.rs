//! Comparison, minimum and maximum, classification: nothing here rounds.
//!
//! IEEE 754-2019, sections 5.11 (comparison), 9.6 (minimum and maximum) and 5.7.2 (`class`).

use std::cmp::Ordering;

use super::format::{Format, Kind, Layout};
use super::nan;
use super::rules::{Flags, Out, Rules};

/// When a comparison raises invalid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Comparison {
    /// For a signalling NaN: equality, x86 `UCOMIS`, Arm `FCMP`.
    Quiet,
    /// For any NaN: order, x86 `COMIS`, Arm `FCMPE`.
    Signalling,
}

/// How two values stand to each other; `None` is unordered. Zeros are equal whatever their signs.
pub fn compare(f: Format, a: u64, b: u64, comparison: Comparison) -> (Option<Ordering>, Flags) {
    let format = f.layout();
    if unordered(f, a, b) {
        let invalid = match comparison {
            Comparison::Quiet => format.is_signalling(a) || format.is_signalling(b),
            Comparison::Signalling => true,
        };
        return (None, Flags::NV.when(invalid));
    }
    (
        Some(order_key(format, a).cmp(&order_key(format, b))),
        Flags::NONE,
    )
}

/// `a == b`; quiet.
pub fn eq(f: Format, a: u64, b: u64) -> (bool, Flags) {
    let (order, flags) = compare(f, a, b, Comparison::Quiet);
    (order == Some(Ordering::Equal), flags)
}

/// `a < b`; signalling.
pub fn lt(f: Format, a: u64, b: u64) -> (bool, Flags) {
    let (order, flags) = compare(f, a, b, Comparison::Signalling);
    (order == Some(Ordering::Less), flags)
}

/// `a <= b`; signalling.
pub fn le(f: Format, a: u64, b: u64) -> (bool, Flags) {
    let (order, flags) = compare(f, a, b, Comparison::Signalling);
    (
        matches!(order, Some(Ordering::Less | Ordering::Equal)),
        flags,
    )
}

/// Whether either value is a NaN; raises nothing.
pub fn unordered(f: Format, a: u64, b: u64) -> bool {
    let format = f.layout();
    format.is_nan(a) || format.is_nan(b)
}

/// A number that orders as the value does, both zeros as one.
const fn order_key(format: Layout, bits: u64) -> i64 {
    let magnitude = (bits & format.magnitude_mask()) as i64;
    if format.is_negative(bits) {
        -magnitude
    } else {
        magnitude
    }
}

/// What minimum and maximum make of NaNs and of zeros with different signs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MinMaxRule {
    /// A NaN loses against a number, a signalling one raises invalid; -0 is below +0.
    ///
    /// `minimumNumber` of IEEE 754-2019: RISC-V `FMIN` from version 2.2 of the extensions on.
    Number,
    /// A quiet NaN loses against a number, a signalling one is propagated; -0 is below +0.
    ///
    /// `minNum` of IEEE 754-2008: Arm `FMINNM`.
    QuietNumber,
    /// A NaN is propagated; -0 is below +0.
    ///
    /// `minimum` of IEEE 754-2019: Arm `FMIN`, RISC-V `FMINM`.
    Nan,
    /// The second operand, unchanged, unless the first compares below (or above) it; any NaN
    /// raises invalid: x86 `MINSS`.
    Second,
}

/// The lesser of two values.
pub fn min(f: Format, a: u64, b: u64, rule: MinMaxRule, rules: Rules) -> Out {
    choose(f.layout(), [a, b], Ordering::Less, rule, rules)
}

/// The greater of two values.
pub fn max(f: Format, a: u64, b: u64, rule: MinMaxRule, rules: Rules) -> Out {
    choose(f.layout(), [a, b], Ordering::Greater, rule, rules)
}

/// The first operand if it stands as `wanted` to the second, else the second.
fn choose(
    format: Layout,
    operands: [u64; 2],
    wanted: Ordering,
    rule: MinMaxRule,
    rules: Rules,
) -> Out {
    let [a, b] = operands.map(|bits| bits & (format.sign_bit() | format.magnitude_mask()));
    let nans = (format.is_nan(a), format.is_nan(b));
    let signalling = format.is_signalling(a) || format.is_signalling(b);
    match (rule, nans) {
        (_, (false, false)) => {}
        (MinMaxRule::Second, _) => {
            return Out {
                bits: b,
                flags: Flags::NV,
            };
        }
        (MinMaxRule::Number, (true, false)) => {
            return Out {
                bits: b,
                flags: Flags::NV.when(signalling),
            };
        }
        (MinMaxRule::Number, (false, true)) => {
            return Out {
                bits: a,
                flags: Flags::NV.when(signalling),
            };
        }
        (MinMaxRule::QuietNumber, (true, false)) if !signalling => return Out::exact(b),
        (MinMaxRule::QuietNumber, (false, true)) if !signalling => return Out::exact(a),
        _ => return nan::propagate(format, &[a, b], rules),
    }
    let mut order = order_key(format, a).cmp(&order_key(format, b));
    if order == Ordering::Equal && rule != MinMaxRule::Second {
        // Equal values differ in nothing but the sign of a zero.
        order = format.is_negative(b).cmp(&format.is_negative(a));
    }
    Out::exact(if order == wanted { a } else { b })
}

/// The class of a value as one bit of ten.
///
/// From bit 0: negative infinity, normal, subnormal and zero; positive zero, subnormal, normal and
/// infinity; signalling NaN, quiet NaN.
/// This is the result of RISC-V's `FCLASS` (Unprivileged ISA, "Floating-Point Classify
/// Instruction").
pub fn classify(f: Format, a: u64) -> u64 {
    let format = f.layout();
    let magnitude = a & format.magnitude_mask();
    let positive = match format.unpack(a).kind {
        Kind::Nan if format.is_signalling(a) => return 1 << 8,
        Kind::Nan => return 1 << 9,
        Kind::Zero => 4,
        Kind::Finite if magnitude < format.min_normal() => 5,
        Kind::Finite => 6,
        Kind::Infinite => 7,
    };
    1 << if format.is_negative(a) {
        7 - positive
    } else {
        positive
    }
}
