//! The one place where a value loses bits.
//!
//! Every operation computes its result as a [`Wide`]: enough leading bits to be exact up to and
//! beyond the rounding position, and all that follows gathered into the last bit ("sticky").
//! IEEE 754-2019, sections 4.3 (rounding), 7.4 (overflow), 7.5 (underflow) and 7.6 (inexact).

use super::format::Layout;
use super::rules::{Flags, Out, Rounding};

/// A value other than zero before rounding: `sig * 2^(exp - 127)`.
///
/// `sig` need not be normalised, but is never zero.
/// Its lowest bit may stand for any fraction of that bit, as long as it is below the rounding
/// position of the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    /// Set for negative values.
    pub sign: bool,
    /// Exponent of bit 127 of the significand.
    pub exp: i32,
    /// Significand.
    pub sig: u128,
}

/// Shifts right and keeps in the lowest bit whether anything but zeros fell out.
#[inline]
pub(super) const fn shift_right_sticky(sig: u128, count: u32) -> u128 {
    match count {
        0 => sig,
        1..=127 => (sig >> count) | (sig << (128 - count) != 0) as u128,
        _ => (sig != 0) as u128,
    }
}

/// Drops the low `drop` bits (1 to 127) in the given direction; says whether they held anything.
#[inline]
pub(super) const fn drop_bits(sig: u128, drop: u32, sign: bool, rm: Rounding) -> (u128, bool) {
    let kept = sig >> drop;
    let rest = sig & ((1 << drop) - 1);
    let half = 1 << (drop - 1);
    let up = match rm {
        Rounding::NearestEven => rest > half || (rest == half && kept & 1 == 1),
        Rounding::NearestAway => rest >= half,
        Rounding::TowardZero => false,
        Rounding::Down => sign && rest != 0,
        Rounding::Up => !sign && rest != 0,
    };
    (kept + up as u128, rest != 0)
}

/// Rounds to a format: overflow, underflow and the encoding of subnormals included.
pub(super) fn round(to: Layout, value: Wide, rm: Rounding, tininess_after: bool) -> Out {
    debug_assert!(
        value.sig != 0,
        "zeros are the caller's, who knows their sign"
    );
    let Wide { sign, .. } = value;
    let shift = value.sig.leading_zeros();
    let sig = value.sig << shift;
    let exp = value.exp - shift as i32;
    if exp > to.max_exp() {
        return overflow(to, sign, rm);
    }
    let drop = 127 - to.frac_bits;
    let below = to.min_exp() - exp;
    if below > 0 {
        // The last place stays where it is for the smallest normal value.
        let (kept, inexact) = drop_bits(shift_right_sticky(sig, below as u32), drop, sign, rm);
        // With an unbounded exponent only the binade next to the normal values can round up to
        // the smallest of them.
        let reaches_normal = || drop_bits(sig, drop, sign, rm).0 >> (to.frac_bits + 1) != 0;
        let tiny = !(tininess_after && below == 1 && reaches_normal());
        // A carry out of the fraction makes the exponent field 1, as it should.
        let bits = to.signed(sign, kept as u64);
        return Out {
            bits,
            flags: (Flags::NX | Flags::UF.when(tiny)).when(inexact),
        };
    }
    let (kept, inexact) = drop_bits(sig, drop, sign, rm);
    // The leading bit of `kept` adds the last one to the exponent field; a carry adds another.
    let magnitude = (((exp + to.max_exp() - 1) as u64) << to.frac_bits) + kept as u64;
    if magnitude >= to.infinity() {
        return overflow(to, sign, rm);
    }
    Out {
        bits: to.signed(sign, magnitude),
        flags: Flags::NX.when(inexact),
    }
}

/// What a value beyond the largest finite one becomes.
#[cold]
fn overflow(to: Layout, sign: bool, rm: Rounding) -> Out {
    let infinite = match rm {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardZero => false,
        Rounding::Down => sign,
        Rounding::Up => !sign,
    };
    let magnitude = if infinite {
        to.infinity()
    } else {
        to.infinity() - 1
    };
    Out {
        bits: to.signed(sign, magnitude),
        flags: Flags::OF | Flags::NX,
    }
}

/// The sign of a sum of exactly zero whose terms were not both zeros of one sign.
pub(super) const fn sign_of_zero_sum(rm: Rounding) -> bool {
    matches!(rm, Rounding::Down)
}
