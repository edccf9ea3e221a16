//! The same operations on the host's own arithmetic, where that provably changes nothing.
//!
//! Every function gives what its namesake outside this module gives, except that it may leave out
//! a flag that is in `sticky` already.
//! The host is asked when three things hold:
//!
//! 1. The rounding direction is to nearest, ties to even.
//!    Rust's arithmetic on `f32` and `f64` is defined as IEEE 754's in that direction, correctly
//!    rounded, and assumes that nobody changes the host's mode.
//! 2. Inexact is sticky.
//! 3. The host's result is finite and its magnitude is above that of the smallest normal value.
//!
//! The result is then the right one, since IEEE 754 leaves no choice: these operations are
//! correctly rounded, and the points where implementations differ are NaNs and tininess.
//! A result that is no NaN had no NaN among its operands.
//! Nor does any flag but inexact go unseen:
//!
//! - *Invalid* delivers a NaN, and *division by zero* an infinity; point 3 excludes both.
//! - *Overflow* delivers an infinity when rounding to nearest; excluded.
//! - *Underflow* needs a tiny value, that is, one below the smallest normal one in magnitude,
//!   before rounding or (for other guests) after.
//!   Rounding is monotonic and the smallest normal value is representable, so a tiny value rounds
//!   to that at most, by either reading; excluded.
//! - *Inexact* may be raised, and is sticky by point 2.
//!
//! Else the host is asked all the same, and its result taken if it is exact: then nothing is
//! raised, and the direction does not matter either, but for the sign of a zero sum.
//! So programs that compute with small whole numbers, and never raise inexact, run as fast as
//! others. What is neither is computed by the exact operation.
//!
//! Flags beyond the five are not covered: a guest that tells subnormal operands (x86's `DE`) or
//! flushes them must look at its operands itself.
//! The host's sticky flags are never read: compilers move, merge and drop floating-point
//! operations without regard to them.

mod exact;

use super::{Flags, Format, Out, Rounding, Rules};

/// HOST-ARCH: 32-bit x86 without SSE2 computes in the x87's wider format and rounds twice.
const HOST_IS_IEEE: bool = !cfg!(all(target_arch = "x86", not(target_feature = "sse2")));

/// HOST-ARCH: elsewhere `mul_add` on `f64` is a library call, slow and of unknown quality.
const HOST_HAS_FMA: bool = cfg!(any(
    target_feature = "fma",
    target_arch = "aarch64",
    target_arch = "riscv64"
));

/// Points 1 and 2 of the module's proof.
#[inline(always)]
const fn permitted(rm: Rounding, sticky: Flags) -> bool {
    HOST_IS_IEEE && matches!(rm, Rounding::NearestEven) && sticky.contains(Flags::NX)
}

/// Point 3 for binary32.
#[inline(always)]
fn accept_single(result: f32) -> Option<Out> {
    // Magnitudes from one above the smallest normal value to the largest finite one.
    let bits = result.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    (magnitude.wrapping_sub(0x0080_0001) < 0x7eff_ffff).then(|| Out::exact(bits.into()))
}

/// Point 3 for binary64.
#[inline(always)]
fn accept_double(result: f64) -> Option<Out> {
    let bits = result.to_bits();
    let magnitude = bits & 0x7fff_ffff_ffff_ffff;
    (magnitude.wrapping_sub(0x0010_0000_0000_0001) < 0x7fdf_ffff_ffff_ffff)
        .then(|| Out::exact(bits))
}

/// The value of a pattern, whose high half is ignored.
#[inline(always)]
const fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

/// Defines one operation: its documentation, name, operands, and for each width how it is computed
/// and how one sees that a result is exact. The sign of a sum of zero depends on the direction.
macro_rules! fast {
    ($doc:literal $name:ident($($operand:ident),+) $sign_of_zero:literal
        $single:expr, $single_exact:expr; $double:expr, $double_exact:expr) => {
        #[doc = $doc]
        #[inline]
        pub fn $name(
            f: Format,
            $($operand: u64,)+
            rm: Rounding,
            rules: Rules,
            sticky: Flags,
        ) -> Out {
            /// By the host if that is exact, else by the exact operation.
            #[inline(never)]
            fn with_flags(f: Format, $($operand: u64,)+ rm: Rounding, rules: Rules) -> Out {
                let settled = match f {
                    Format::F32 => {
                        let compute: fn($(fast!(@f32 $operand)),+) -> Option<f32> = $single;
                        let exact: fn($(fast!(@f32 $operand),)+ f32) -> bool = $single_exact;
                        $(let $operand = single($operand);)+
                        let result = compute($($operand),+);
                        let result = result.filter(|result| exact($($operand,)+ *result));
                        result.map(|result| u64::from(result.to_bits()))
                    }
                    Format::F64 => {
                        let compute: fn($(fast!(@f64 $operand)),+) -> Option<f64> = $double;
                        let exact: fn($(fast!(@f64 $operand),)+ f64) -> bool = $double_exact;
                        $(let $operand = f64::from_bits($operand);)+
                        let result = compute($($operand),+);
                        let result = result.filter(|result| exact($($operand,)+ *result));
                        result.map(f64::to_bits)
                    }
                    Format::F16 => None,
                };
                let signed = $sign_of_zero && !matches!(rm, Rounding::NearestEven);
                let zero = |bits: &u64| bits & f.layout().magnitude_mask() == 0;
                match settled {
                    Some(bits) if HOST_IS_IEEE && !(signed && zero(&bits)) => Out::exact(bits),
                    _ => super::$name(f, $($operand,)+ rm, rules),
                }
            }
            if permitted(rm, sticky) {
                let accepted = match f {
                    Format::F32 => {
                        let compute: fn($(fast!(@f32 $operand)),+) -> Option<f32> = $single;
                        compute($(single($operand)),+).and_then(accept_single)
                    }
                    Format::F64 => {
                        let compute: fn($(fast!(@f64 $operand)),+) -> Option<f64> = $double;
                        compute($(f64::from_bits($operand)),+).and_then(accept_double)
                    }
                    Format::F16 => None,
                };
                if let Some(out) = accepted {
                    return out;
                }
            }
            with_flags(f, $($operand,)+ rm, rules)
        }
    };
    (@f32 $operand:ident) => { f32 };
    (@f64 $operand:ident) => { f64 };
}

fast!("`a + b`." add(a, b) true
    |a, b| Some(a + b), exact::sum_single;
    |a, b| Some(a + b), exact::sum_double);
fast!("`a - b`." sub(a, b) true
    |a, b| Some(a - b), |a, b, rest| exact::sum_single(a, -b, rest);
    |a, b| Some(a - b), |a, b, rest| exact::sum_double(a, -b, rest));
fast!("`a * b`." mul(a, b) false
    |a, b| Some(a * b), exact::product_single;
    |a, b| Some(a * b), exact::product_double);
fast!("`a / b`." div(a, b) false
    |a, b| Some(a / b), |a, b, ratio| exact::product_single(ratio, b, a);
    |a, b| Some(a / b), |a, b, ratio| ratio * b == a && exact::product_double(ratio, b, a));
fast!("The square root of `a`." sqrt(a) false
    |a| Some(a.sqrt()), |a, root| exact::product_single(root, root, a);
    |a| Some(a.sqrt()), |a, root| root * root == a && exact::product_double(root, root, a));
fast!("`a * b + c` with one rounding." fma(a, b, c) true
    fma_single, exact::fma_single;
    fma_double, exact::fma_double);

/// Fused multiply-add of singles by way of doubles, or `None` where that might round wrongly.
///
/// The product of two singles is exact as a double, and the sum is the double nearest to the exact
/// value.
/// Rounding that to a single is right unless it lies exactly between two neighbouring singles:
/// each such midpoint is itself a double and rounding is monotonic, so the exact value and a
/// double that is no midpoint lie on the same side of all midpoints.
/// This holds for normal singles; the caller sends the others away by point 3.
#[inline(always)]
fn fma_single(a: f32, b: f32, c: f32) -> Option<f32> {
    const BELOW_SINGLE: u64 = 0x1fff_ffff;
    const MIDPOINT: u64 = 0x1000_0000;
    let total = f64::from(a) * f64::from(b) + f64::from(c);
    (total.to_bits() & BELOW_SINGLE != MIDPOINT).then_some(total as f32)
}

/// Fused multiply-add of doubles: the host's, or put together from its other operations.
#[inline(always)]
fn fma_double(a: f64, b: f64, c: f64) -> Option<f64> {
    if HOST_HAS_FMA {
        Some(a.mul_add(b, c))
    } else {
        fma_by_parts(a, b, c)
    }
}

/// Fused multiply-add of doubles from sums and products, or `None` where the last bit is in doubt.
///
/// Dekker's product gives `a * b` as an exact pair `product + product_rest`, Knuth's sum gives
/// `product + c` as an exact pair `sum + sum_rest`.
/// What remains, `sum + (sum_rest + product_rest)`, has one rounding too many, of the small term,
/// which is off by 2^-53 of itself at most, and by nothing near the subnormals.
/// So the exact value lies between the sums with the small term made slightly less and slightly
/// more, and if these round alike it rounds with them, since rounding is monotonic.
///
/// The limits on the operands keep both pairs exact: nothing overflows, and the last bit of the
/// product is 2^-1064 at least, which is above the smallest subnormal.
#[inline]
fn fma_by_parts(a: f64, b: f64, c: f64) -> Option<f64> {
    const LIMIT: f64 = f64::from_bits((1023 + 480) << 52);
    let moderate = |value: f64| value.abs() < LIMIT && value.abs() > LIMIT.recip();
    if !(moderate(a) && moderate(b) && c.abs() < LIMIT * LIMIT) {
        return None;
    }
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let product_rest =
        ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;

    let sum = product + c;
    let addend = sum - product;
    let sum_rest = (product - (sum - addend)) + (c - addend);

    let small = sum_rest + product_rest;
    let less = sum + small * (1.0 - 4.0 * f64::EPSILON);
    let more = sum + small * (1.0 + 4.0 * f64::EPSILON);
    (less == more).then_some(less)
}

/// Two values of at most 26 bits whose sum is `value` (Veltkamp).
#[inline(always)]
fn split(value: f64) -> (f64, f64) {
    let scaled = value * f64::from((1 << 27) + 1);
    let high = scaled - (scaled - value);
    (high, value - high)
}

#[cfg(test)]
mod tests {
    use super::super::tests::patterns::{Source, rounds};
    use super::super::{Format, RISCV, Rounding, fma};
    use super::{accept_double, fma_by_parts};

    /// Also on hosts that have an instruction for it.
    #[test]
    fn fused_doubles_from_parts_are_exact() {
        let mut source = Source::new("parts");
        let mut accepted = 0;
        for round in 0..rounds(100_000) {
            let mut operands = source.triple(Format::F64);
            if round % 4 != 0 {
                // Exponents near one, and short factors so that sums come close to ties.
                for bits in &mut operands {
                    let near_one = (1015 + source.below(16)) << 52;
                    *bits = (*bits & !(0x7ff << 52)) | near_one;
                }
                let [a, b, c] = &mut operands;
                *a &= u64::MAX << source.below(52);
                *b &= u64::MAX << source.below(52);
                // An addend some 50 to 110 places apart.
                let apart = (50 + source.below(60)) << 52;
                *c = if round % 4 == 1 {
                    *c - apart
                } else {
                    *c + apart * (round % 2)
                };
            }
            let [a, b, c] = operands;
            let [x, y, z] = operands.map(f64::from_bits);
            if let Some(out) = fma_by_parts(x, y, z).and_then(accept_double) {
                let want = fma(Format::F64, a, b, c, Rounding::NearestEven, RISCV).bits;
                assert_eq!(out.bits, want, "{operands:x?}, seed {}", source.seed);
                accepted += 1;
            }
        }
        assert!(accepted > rounds(100_000) / 2, "{accepted} accepted");
    }
}
