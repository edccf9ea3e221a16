//! Multiplication, and the exact product which `fma` shares.
//!
//! IEEE 754-2019, section 5.4.1.

use super::format::{Format, Kind, Parts};
use super::nan;
use super::round::{Wide, round};
use super::rules::{Out, Rounding, Rules};

/// `a * b`.
pub fn mul(f: Format, a: u64, b: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    let (left, right) = (format.unpack(a), format.unpack(b));
    let sign = left.sign != right.sign;
    match (left.kind, right.kind) {
        (Kind::Finite, Kind::Finite) => round(
            format,
            product(left, right),
            rm,
            rules.tininess_after_rounding,
        ),
        (Kind::Nan, _) | (_, Kind::Nan) => nan::propagate(format, &[a, b], rules),
        (Kind::Infinite, Kind::Zero) | (Kind::Zero, Kind::Infinite) => nan::invalid(format, rules),
        (Kind::Infinite, _) | (_, Kind::Infinite) => {
            Out::exact(format.signed(sign, format.infinity()))
        }
        (Kind::Zero, _) | (_, Kind::Zero) => Out::exact(format.zero(sign)),
    }
}

/// The exact product of two finite operands.
#[inline]
pub(super) const fn product(left: Parts, right: Parts) -> Wide {
    Wide {
        sign: left.sign != right.sign,
        exp: left.exp + right.exp + 1,
        sig: left.sig as u128 * right.sig as u128,
    }
}
