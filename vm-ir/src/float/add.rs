//! Addition and subtraction, and the sum of two wide values which `fma` shares.
//!
//! IEEE 754-2019, sections 5.4.1 and 6.3 (the sign of a zero sum).

use super::format::{Format, Kind, Layout, Parts};
use super::nan;
use super::round::{Wide, round, shift_right_sticky, sign_of_zero_sum};
use super::rules::{Out, Rounding, Rules};

/// `a + b`.
pub fn add(f: Format, a: u64, b: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    sum(format, a, b, format.unpack(b), rm, rules)
}

/// `a - b`.
pub fn sub(f: Format, a: u64, b: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    let mut right = format.unpack(b);
    // Only the parts are negated: a NaN operand is delivered with the sign it came with.
    right.sign = !right.sign;
    sum(format, a, b, right, rm, rules)
}

/// `a` plus the parts of `b`, whose sign a subtraction has turned.
#[inline]
fn sum(format: Layout, a: u64, b: u64, right: Parts, rm: Rounding, rules: Rules) -> Out {
    let left = format.unpack(a);
    match (left.kind, right.kind) {
        (Kind::Finite, Kind::Finite) => match add_wide(widen(left), widen(right)) {
            Some(total) => round(format, total, rm, rules.tininess_after_rounding),
            None => Out::exact(format.zero(sign_of_zero_sum(rm))),
        },
        (Kind::Nan, _) | (_, Kind::Nan) => nan::propagate(format, &[a, b], rules),
        (Kind::Infinite, Kind::Infinite) if left.sign != right.sign => nan::invalid(format, rules),
        (Kind::Infinite, _) => Out::exact(format.signed(left.sign, format.infinity())),
        (_, Kind::Infinite) => Out::exact(format.signed(right.sign, format.infinity())),
        (Kind::Zero, Kind::Zero) => {
            let same = left.sign == right.sign;
            let sign = if same {
                left.sign
            } else {
                sign_of_zero_sum(rm)
            };
            Out::exact(format.zero(sign))
        }
        (_, Kind::Zero) => Out::exact(format.signed(left.sign, a & format.magnitude_mask())),
        (Kind::Zero, _) => Out::exact(format.signed(right.sign, b & format.magnitude_mask())),
    }
}

/// A finite operand as a term of a sum: one free bit above for the carry.
pub(super) const fn widen(parts: Parts) -> Wide {
    Wide {
        sign: parts.sign,
        exp: parts.exp + 1,
        sig: (parts.sig as u128) << 63,
    }
}

/// The sum of two values whose bit 127 is clear, or `None` if it is exactly zero.
///
/// The sum is exact but for a sticky last bit.
/// That bit is only needed when the terms are so far apart that the leading bits of the larger one
/// survive, so it stays below the rounding position: a term has at most 106 significant bits at
/// the top of 127 (a product of two binary64 significands), hence loses none before it is shifted
/// by more than 20 places.
#[inline]
pub(super) fn add_wide(x: Wide, y: Wide) -> Option<Wide> {
    let (high, low) = if x.exp >= y.exp { (x, y) } else { (y, x) };
    let low_sig = shift_right_sticky(low.sig, high.exp.abs_diff(low.exp));
    if high.sign == low.sign {
        return Some(Wide {
            sig: high.sig + low_sig,
            ..high
        });
    }
    let sig = high.sig.abs_diff(low_sig);
    let sign = if high.sig >= low_sig {
        high.sign
    } else {
        low.sign
    };
    (sig != 0).then_some(Wide {
        sign,
        exp: high.exp,
        sig,
    })
}
