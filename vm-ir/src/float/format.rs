//! The binary interchange formats: field widths, and splitting a bit pattern into its parts.
//!
//! IEEE 754-2019, section 3.4.
//! The arithmetic never looks at a [`Format`], only at its [`Layout`]: two field widths from which
//! everything else follows.

/// A binary interchange format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// binary16, "half".
    F16,
    /// binary32, "single".
    F32,
    /// binary64, "double".
    F64,
}

impl Format {
    /// Number of bits in a value of this format.
    pub const fn width(self) -> u32 {
        self.layout().width()
    }

    /// The field widths of this format.
    pub(super) const fn layout(self) -> Layout {
        match self {
            Self::F16 => Layout {
                exp_bits: 5,
                frac_bits: 10,
            },
            Self::F32 => Layout {
                exp_bits: 8,
                frac_bits: 23,
            },
            Self::F64 => Layout {
                exp_bits: 11,
                frac_bits: 52,
            },
        }
    }
}

/// The two numbers that define a format with an implied leading bit.
///
/// The working significands (64 bits for an operand, 128 for a product) leave room for a fraction
/// of up to 52 bits in every operation.
/// The x87 format needs a wider accumulator in `fma` and a 66th quotient and root bit; binary128
/// needs wider significands throughout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Width of the biased exponent.
    pub exp_bits: u32,
    /// Width of the stored fraction.
    pub frac_bits: u32,
}

impl Layout {
    /// Number of bits in a value.
    pub const fn width(self) -> u32 {
        1 + self.exp_bits + self.frac_bits
    }

    /// The sign bit.
    pub const fn sign_bit(self) -> u64 {
        1 << (self.exp_bits + self.frac_bits)
    }

    /// All bits but the sign; also cuts off what a caller left above the format's width.
    pub const fn magnitude_mask(self) -> u64 {
        self.sign_bit() - 1
    }

    /// The pattern of positive infinity, which is also the exponent field filled with ones.
    pub const fn infinity(self) -> u64 {
        ((1 << self.exp_bits) - 1) << self.frac_bits
    }

    /// The largest exponent of a finite value, which is also the bias.
    pub const fn max_exp(self) -> i32 {
        (1 << (self.exp_bits - 1)) - 1
    }

    /// The exponent of the smallest normal value.
    pub const fn min_exp(self) -> i32 {
        1 - self.max_exp()
    }

    /// The pattern of the smallest positive normal value.
    pub const fn min_normal(self) -> u64 {
        1 << self.frac_bits
    }

    /// The top fraction bit, which tells a quiet NaN from a signalling one.
    pub const fn quiet_bit(self) -> u64 {
        1 << (self.frac_bits - 1)
    }

    /// The positive quiet NaN without payload.
    pub const fn quiet_nan(self) -> u64 {
        self.infinity() | self.quiet_bit()
    }

    /// A zero with the given sign.
    pub const fn zero(self, sign: bool) -> u64 {
        if sign { self.sign_bit() } else { 0 }
    }

    /// Puts a sign on a magnitude.
    pub const fn signed(self, sign: bool, magnitude: u64) -> u64 {
        self.zero(sign) | magnitude
    }

    /// Whether the sign bit is set.
    pub const fn is_negative(self, bits: u64) -> bool {
        bits & self.sign_bit() != 0
    }

    /// Whether the pattern is a NaN of either kind.
    pub const fn is_nan(self, bits: u64) -> bool {
        bits & self.magnitude_mask() > self.infinity()
    }

    /// Whether the pattern is a signalling NaN.
    pub const fn is_signalling(self, bits: u64) -> bool {
        self.is_nan(bits) && bits & self.quiet_bit() == 0
    }

    /// Splits a pattern into its parts.
    #[inline]
    pub const fn unpack(self, bits: u64) -> Parts {
        let sign = self.is_negative(bits);
        let magnitude = bits & self.magnitude_mask();
        let biased = (magnitude >> self.frac_bits) as i32;
        let frac = magnitude & (self.min_normal() - 1);
        if magnitude >= self.infinity() {
            let kind = if frac == 0 { Kind::Infinite } else { Kind::Nan };
            Parts {
                sign,
                kind,
                exp: 0,
                sig: 0,
            }
        } else if biased != 0 {
            let sig = (1 << 63) | (frac << (63 - self.frac_bits));
            Parts {
                sign,
                kind: Kind::Finite,
                exp: biased - self.max_exp(),
                sig,
            }
        } else if frac != 0 {
            let shift = frac.leading_zeros();
            let exp = self.min_exp() - self.frac_bits as i32 + 63 - shift as i32;
            Parts {
                sign,
                kind: Kind::Finite,
                exp,
                sig: frac << shift,
            }
        } else {
            Parts {
                sign,
                kind: Kind::Zero,
                exp: 0,
                sig: 0,
            }
        }
    }
}

/// What a pattern stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Either zero.
    Zero,
    /// A finite value other than zero, normal or subnormal.
    Finite,
    /// Either infinity.
    Infinite,
    /// A NaN of either kind.
    Nan,
}

/// A pattern taken apart; a finite value is `sig * 2^(exp - 63)` with bit 63 of `sig` set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    /// Set for negative values.
    pub sign: bool,
    /// Which of the other fields mean something.
    pub kind: Kind,
    /// Exponent of the leading bit.
    pub exp: i32,
    /// Significand, normalised also where the format stores a subnormal.
    pub sig: u64,
}
