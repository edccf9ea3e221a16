//! Whether a host's result is exact, told by host operations that are exact themselves.
//!
//! An exact result raises nothing and is the same in every rounding direction, but for the sign of
//! a sum that is zero.
//! NaNs compare unequal to everything, so no function here is true of one.

/// Whether `total` is `a + b`, given that it is that rounded to nearest.
///
/// The difference between a rounded sum and its larger term is representable (Dekker), so that one
/// of the two differences is exact; if it is the other term, the sum is exact.
/// If the sum is exact, so are both differences.
macro_rules! sum {
    ($name:ident, $float:ty) => {
        #[doc = concat!("Whether `total` is the exact sum, for `", stringify!($float), "`.")]
        #[inline(always)]
        pub(super) fn $name(a: $float, b: $float, total: $float) -> bool {
            total - a == b && total - b == a
        }
    };
}

sum!(sum_single, f32);
sum!(sum_double, f64);

/// Whether `product` is `a * b`: the product of two singles is a double.
#[inline(always)]
pub(super) fn product_single(a: f32, b: f32, product: f32) -> bool {
    f64::from(a) * f64::from(b) == f64::from(product)
}

/// Whether `product` is `a * b`, given that it is that rounded to nearest; may be false for
/// subnormal numbers.
///
/// The significands are integers of 53 bits, so their product has 105 or 106, and ends with the
/// zeroes that they end with together. It is representable if 53 bits remain.
/// An exact product with 105 bits has the sum of the exponents for its own; an inexact one may have
/// been rounded up to one more, but then there are fewer zeroes.
#[inline(always)]
pub(super) fn product_double(a: f64, b: f64, product: f64) -> bool {
    const BIAS: u64 = 1023;
    let exponent = |value: f64| value.to_bits() >> 52 & 0x7ff;
    let normal = |value: f64| exponent(value).wrapping_sub(1) < 0x7fe;
    if a == 0.0 || b == 0.0 {
        return product == 0.0;
    }
    if !(normal(a) && normal(b) && normal(product)) {
        return false;
    }
    let zeroes = |value: f64| (value.to_bits() | 1 << 52).trailing_zeros();
    let zeroes = zeroes(a) + zeroes(b);
    let short = exponent(a) + exponent(b) == exponent(product) + BIAS;
    zeroes > 52 || (zeroes == 52 && short)
}

/// Whether `total` is `a * b + c`, for singles: a double holds the product.
#[inline(always)]
pub(super) fn fma_single(a: f32, b: f32, c: f32, total: f32) -> bool {
    let product = f64::from(a) * f64::from(b);
    let sum = product + f64::from(c);
    sum == f64::from(total) && sum_double(product, f64::from(c), sum)
}

/// Whether `total` is `a * b + c`, given that it is that rounded once; may be false where the
/// product alone is not exact.
#[inline(always)]
pub(super) fn fma_double(a: f64, b: f64, c: f64, total: f64) -> bool {
    let product = a * b;
    product_double(a, b, product) && sum_double(product, c, total)
}
