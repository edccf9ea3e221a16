//! The types of values.

/// The type of a value: an integer of so many bits.
///
/// Floating-point values are their bit patterns; an operation says how it reads them.
/// A value narrower than 64 bits is kept zero-extended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum Type {
    /// A truth value.
    I1,
    /// 8 bits.
    I8,
    /// 16 bits; also a half-precision number.
    I16,
    /// 32 bits; also a single-precision number.
    I32,
    /// 64 bits; also a double-precision number.
    I64,
}

impl Type {
    /// All types.
    pub const ALL: [Self; 5] = [Self::I1, Self::I8, Self::I16, Self::I32, Self::I64];

    /// The width in bits.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::I1 => 1,
            Self::I8 => 8,
            Self::I16 => 16,
            Self::I32 => 32,
            Self::I64 => 64,
        }
    }

    /// The width in bytes, as memory holds it.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::I1 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
            Self::I64 => 8,
        }
    }

    /// The bits that a value of this type can have.
    #[inline(always)]
    #[must_use]
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The value with its sign bit copied upwards to 64 bits.
    #[inline(always)]
    #[must_use]
    pub const fn sign_extend(self, value: u64) -> u64 {
        let unused = 64 - self.bits();
        (((value << unused) as i64) >> unused) as u64
    }

    /// The name in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "i1",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}
