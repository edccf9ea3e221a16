//! Fused multiply-add: one rounding of the exact product plus the addend.
//!
//! IEEE 754-2019, sections 5.4.1 and 7.2 (c), which leaves infinity times zero plus a quiet NaN
//! to the implementation.

use super::add::{add_wide, widen};
use super::format::{Format, Kind, Layout};
use super::mul::product;
use super::nan;
use super::round::{Wide, round, sign_of_zero_sum};
use super::rules::{Flags, NanRule, Out, Rounding, Rules};

/// `a * b + c`; the negated forms are made by turning signs of operands or of the result.
pub fn fma(f: Format, a: u64, b: u64, c: u64, rm: Rounding, rules: Rules) -> Out {
    let format = f.layout();
    let (left, right, addend) = (format.unpack(a), format.unpack(b), format.unpack(c));
    let sign = left.sign != right.sign;
    let infinity_times_zero = matches!(
        (left.kind, right.kind),
        (Kind::Infinite, Kind::Zero) | (Kind::Zero, Kind::Infinite)
    );
    if [left.kind, right.kind, addend.kind].contains(&Kind::Nan) {
        return with_nan(format, [a, b, c], infinity_times_zero, rules);
    }
    if infinity_times_zero {
        return nan::invalid(format, rules);
    }
    if left.kind == Kind::Infinite || right.kind == Kind::Infinite {
        return if addend.kind == Kind::Infinite && addend.sign != sign {
            nan::invalid(format, rules)
        } else {
            Out::exact(format.signed(sign, format.infinity()))
        };
    }
    let product_is_zero = left.kind == Kind::Zero || right.kind == Kind::Zero;
    let total = match (product_is_zero, addend.kind) {
        (false, Kind::Finite) => add_wide(room_for_carry(product(left, right)), widen(addend)),
        (false, Kind::Zero) => Some(product(left, right)),
        (true, Kind::Zero) if addend.sign == sign => return Out::exact(format.zero(sign)),
        (true, Kind::Zero) => None,
        (_, _) => {
            return Out::exact(format.signed(addend.sign, c & format.magnitude_mask()));
        }
    };
    match total {
        Some(value) => round(format, value, rm, rules.tininess_after_rounding),
        None => Out::exact(format.zero(sign_of_zero_sum(rm))),
    }
}

/// A product moved one place down; its lowest bits are zeros, so nothing is lost.
const fn room_for_carry(value: Wide) -> Wide {
    Wide {
        exp: value.exp + 1,
        sig: value.sig >> 1,
        ..value
    }
}

/// The result when an operand is a NaN.
#[cold]
fn with_nan(format: Layout, [a, b, c]: [u64; 3], infinity_times_zero: bool, rules: Rules) -> Out {
    match rules.nan {
        NanRule::Canonical => {
            let out = nan::propagate(format, &[a, b, c], rules);
            Out {
                flags: out.flags | Flags::NV.when(infinity_times_zero),
                ..out
            }
        }
        // The factors are no NaNs here, so only the addend can be signalling.
        NanRule::ArmPropagate if infinity_times_zero && !format.is_signalling(c) => {
            nan::invalid(format, rules)
        }
        NanRule::ArmPropagate => nan::propagate(format, &[c, a, b], rules),
        NanRule::X86Propagate => nan::propagate(format, &[a, b, c], rules),
    }
}
