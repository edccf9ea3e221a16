//! Division and square root: an integer quotient or root of 64 bits, and whether a rest remained.
//!
//! IEEE 754-2019, sections 5.4.1, 6.3 (the root of negative zero) and 7.3 (division by zero).

use super::format::{Format, Kind};
use super::nan;
use super::round::{Wide, round};
use super::rules::{Flags, Out, Rounding, Rules};

/// `a / b`.
pub fn div(f: Format, a: u64, b: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    let (left, right) = (format.unpack(a), format.unpack(b));
    let sign = left.sign != right.sign;
    match (left.kind, right.kind) {
        (Kind::Finite, Kind::Finite) => {
            let dividend = u128::from(left.sig) << 64;
            let divisor = u128::from(right.sig);
            let quotient = dividend / divisor;
            let rest = dividend - quotient * divisor;
            // Both significands are in [2^63, 2^64), so the quotient is in (2^63, 2^65).
            let sig = (quotient << 63) | u128::from(rest != 0);
            let value = Wide {
                sign,
                exp: left.exp - right.exp,
                sig,
            };
            round(format, value, rm, rules.tininess_after_rounding)
        }
        (Kind::Nan, _) | (_, Kind::Nan) => nan::propagate(format, &[a, b], rules),
        (Kind::Infinite, Kind::Infinite) | (Kind::Zero, Kind::Zero) => nan::invalid(format, rules),
        (Kind::Infinite, _) => Out::exact(format.signed(sign, format.infinity())),
        (_, Kind::Zero) => Out {
            bits: format.signed(sign, format.infinity()),
            flags: Flags::DZ,
        },
        (Kind::Zero, _) | (_, Kind::Infinite) => Out::exact(format.zero(sign)),
    }
}

/// The square root of `a`.
pub fn sqrt(f: Format, a: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    let operand = format.unpack(a);
    match operand.kind {
        Kind::Finite if !operand.sign => {
            // An odd exponent lends one factor of two to the significand.
            let radicand = u128::from(operand.sig) << (63 + (operand.exp & 1));
            let root = radicand.isqrt();
            let sig = (root << 64) | u128::from(root * root != radicand);
            let value = Wide {
                sign: false,
                exp: operand.exp >> 1,
                sig,
            };
            round(format, value, rm, rules.tininess_after_rounding)
        }
        Kind::Nan => nan::propagate(format, &[a], rules),
        Kind::Zero => Out::exact(format.zero(operand.sign)),
        Kind::Infinite if !operand.sign => Out::exact(format.infinity()),
        Kind::Finite | Kind::Infinite => nan::invalid(format, rules),
    }
}
