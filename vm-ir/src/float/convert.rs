//! Conversions between formats, to and from integers, and to integral values.
//!
//! IEEE 754-2019, sections 5.4.1 (`convertFromInt`, `convertToInteger`), 5.4.2 and 5.9.

use super::format::{Format, Kind, Layout, Parts};
use super::nan;
use super::round::{Wide, drop_bits, round, shift_right_sticky};
use super::rules::{Flags, NanRule, Out, Rounding, Rules};

/// What becomes of a value that no integer of the target stands for; invalid is raised for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Saturation {
    /// The nearest integer; the largest for a NaN: RISC-V.
    NanToMax,
    /// The nearest integer; zero for a NaN: Arm.
    NanToZero,
    /// Always the "integer indefinite": the most negative signed or the largest unsigned integer:
    /// x86.
    Indefinite,
}

/// `a` in another format; also quiets a NaN when both formats are the same.
pub fn convert(from: Format, to: Format, a: u64, rm: Rounding, rules: Rules) -> Out {
    let (source, target) = (from.layout(), to.layout());
    let operand = source.unpack(a);
    match operand.kind {
        Kind::Finite => {
            let sig = u128::from(operand.sig) << 64;
            let value = Wide {
                sign: operand.sign,
                exp: operand.exp,
                sig,
            };
            round(target, value, rm, rules.tininess_after_rounding)
        }
        Kind::Zero => Out::exact(target.zero(operand.sign)),
        Kind::Infinite => Out::exact(target.signed(operand.sign, target.infinity())),
        Kind::Nan => convert_nan(source, target, a, rules),
    }
}

/// A NaN in another format: the top of the payload is kept, unless the rule is to drop it.
#[cold]
fn convert_nan(source: Layout, target: Layout, a: u64, rules: Rules) -> Out {
    let flags = Flags::NV.when(source.is_signalling(a));
    if rules.nan == NanRule::Canonical {
        return Out {
            bits: nan::default_nan(target, rules),
            flags,
        };
    }
    let payload = a & (source.min_normal() - 1);
    let moved = (payload << (63 - source.frac_bits)) >> (63 - target.frac_bits);
    let magnitude = nan::quiet(target, target.infinity() | moved);
    Out {
        bits: target.signed(source.is_negative(a), magnitude),
        flags,
    }
}

/// `a` as an integer of `bits` bits (1 to 64), in the low bits of the result.
///
/// Raises invalid alone if the rounded value does not fit, else inexact if it differs from `a`.
pub fn to_int(
    f: Format,
    a: u64,
    signed: bool,
    bits: u32,
    rm: Rounding,
    saturation: Saturation,
) -> Out {
    let mask = u64::MAX >> (64 - bits);
    let operand = f.layout().unpack(a);
    // Anything from 2^64 on is as good as infinite.
    let infinite = operand.kind == Kind::Infinite || operand.exp > 63;
    if operand.kind == Kind::Zero {
        return Out::exact(0);
    }
    if operand.kind == Kind::Finite && !infinite {
        let (magnitude, inexact) = integral_magnitude(operand, rm);
        let limit = match (signed, operand.sign) {
            (false, false) => u128::from(mask),
            (false, true) => 0,
            (true, false) => u128::from(mask >> 1),
            (true, true) => u128::from(mask >> 1) + 1,
        };
        if magnitude <= limit {
            let magnitude = magnitude as u64;
            let value = if operand.sign {
                magnitude.wrapping_neg()
            } else {
                magnitude
            };
            return Out {
                bits: value & mask,
                flags: Flags::NX.when(inexact),
            };
        }
    }
    let (lowest, highest) = if signed {
        (mask - (mask >> 1), mask >> 1)
    } else {
        (0, mask)
    };
    let bits = match saturation {
        Saturation::Indefinite => {
            if signed {
                lowest
            } else {
                highest
            }
        }
        Saturation::NanToZero if operand.kind == Kind::Nan => 0,
        Saturation::NanToMax if operand.kind == Kind::Nan => highest,
        Saturation::NanToZero | Saturation::NanToMax => {
            if operand.sign {
                lowest
            } else {
                highest
            }
        }
    };
    Out {
        bits,
        flags: Flags::NV,
    }
}

/// The integer in the low `bits` bits (1 to 64) of `value`, rounded to a format.
pub fn from_int(f: Format, value: u64, signed: bool, bits: u32, rm: Rounding) -> Out {
    let unused = 64 - bits;
    let (sign, magnitude) = if signed {
        let value = ((value << unused) as i64) >> unused;
        (value < 0, value.unsigned_abs())
    } else {
        (false, (value << unused) >> unused)
    };
    if magnitude == 0 {
        return Out::exact(0);
    }
    // Tininess cannot arise: the smallest magnitude is one.
    round(
        f.layout(),
        Wide {
            sign,
            exp: 127,
            sig: u128::from(magnitude),
        },
        rm,
        true,
    )
}

/// `a` rounded to an integral value of its own format.
///
/// Raises inexact only if `raise_inexact` is set.
pub fn round_to_int(f: Format, a: u64, rm: Rounding, raise_inexact: bool, rules: Rules) -> Out {
    let format = f.layout();
    let operand = format.unpack(a);
    match operand.kind {
        Kind::Nan => nan::propagate(format, &[a], rules),
        Kind::Finite if operand.exp < format.frac_bits as i32 => {
            let (magnitude, inexact) = integral_magnitude(operand, rm);
            let flags = Flags::NX.when(inexact && raise_inexact);
            if magnitude == 0 {
                return Out {
                    bits: format.zero(operand.sign),
                    flags,
                };
            }
            let value = Wide {
                sign: operand.sign,
                exp: 127,
                sig: magnitude,
            };
            Out {
                flags,
                ..round(format, value, rm, rules.tininess_after_rounding)
            }
        }
        // Zeros, infinities and values whose last place is one or more.
        _ => Out::exact(format.signed(operand.sign, a & format.magnitude_mask())),
    }
}

/// The magnitude of a finite value below `2^64` rounded to an integer, and whether it changed.
fn integral_magnitude(operand: Parts, rm: Rounding) -> (u128, bool) {
    // Fixed point with 64 places after the point.
    let sig = u128::from(operand.sig);
    let places = operand.exp + 1;
    let fixed = if places >= 0 {
        sig << places
    } else {
        shift_right_sticky(sig, places.unsigned_abs())
    };
    drop_bits(fixed, 64, operand.sign, rm)
}
