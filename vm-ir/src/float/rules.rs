//! What an operation is told beside its operands, and what it answers beside its result.

use std::ops::{BitOr, BitOrAssign};

use super::compare::MinMaxRule;
use super::convert::Saturation;

/// A rounding direction; the numbers are those of RISC-V's `rm` field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Rounding {
    /// To the nearest value, ties to the one with an even last bit (RNE).
    NearestEven = 0,
    /// Towards zero (RTZ).
    TowardZero = 1,
    /// Towards negative infinity (RDN).
    Down = 2,
    /// Towards positive infinity (RUP).
    Up = 3,
    /// To the nearest value, ties away from zero (RMM).
    NearestAway = 4,
}

impl Rounding {
    /// Every direction, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::NearestEven,
        Self::TowardZero,
        Self::Down,
        Self::Up,
        Self::NearestAway,
    ];

    /// The direction with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::NearestEven),
            1 => Some(Self::TowardZero),
            2 => Some(Self::Down),
            3 => Some(Self::Up),
            4 => Some(Self::NearestAway),
            _ => None,
        }
    }
}

/// Which NaN an operation delivers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NanRule {
    /// Always the positive quiet NaN without payload: RISC-V, and Arm with `FPCR.DN` set.
    ///
    /// Infinity times zero plus a quiet NaN raises invalid.
    Canonical,
    /// The first signalling operand made quiet, else the first quiet one; in `fma` the addend
    /// comes first.
    ///
    /// Infinity times zero plus a quiet NaN raises invalid and gives the default NaN, which is the
    /// positive one without payload.
    /// Arm Architecture Reference Manual, pseudocode of `FPProcessNaNs` and `FPMulAdd`.
    ArmPropagate,
    /// The first NaN operand made quiet, whether signalling or not; in `fma` the addend comes last
    /// and the factors in the order of the mnemonic's digits (`213`: second times first).
    ///
    /// Infinity times zero plus a quiet NaN gives that NaN and raises nothing.
    /// The default NaN has its sign bit set ("real indefinite").
    /// Intel SDM, volume 1, sections 4.8.3.5 and 14.5.2 (SSE, AVX and FMA; the x87 differs).
    X86Propagate,
}

/// The points in which guest ISAs differ although all follow IEEE 754.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// Which NaN is delivered.
    pub nan: NanRule,
    /// Whether a result is called tiny for what it is after rounding with an unbounded exponent,
    /// or for what it was before.
    pub tininess_after_rounding: bool,
    /// What becomes of a value that no integer stands for.
    pub saturation: Saturation,
    /// What the minimum and maximum operations make of NaNs and zeros.
    pub min_max: MinMaxRule,
}

/// RISC-V: F, D and Zfh.
pub const RISCV: Rules = Rules {
    nan: NanRule::Canonical,
    tininess_after_rounding: true,
    saturation: Saturation::NanToMax,
    min_max: MinMaxRule::Number,
};

/// Arm with `FPCR.DN`, `FZ` and `AH` clear.
pub const ARM64: Rules = Rules {
    nan: NanRule::ArmPropagate,
    tininess_after_rounding: false,
    saturation: Saturation::NanToZero,
    min_max: MinMaxRule::Nan,
};

/// x86 SSE, AVX and FMA with `MXCSR.DAZ` and `FTZ` clear.
pub const X86: Rules = Rules {
    nan: NanRule::X86Propagate,
    tininess_after_rounding: true,
    saturation: Saturation::Indefinite,
    min_max: MinMaxRule::Second,
};

/// A set of IEEE exceptions; the bits are those of RISC-V's `fflags`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Flags(pub u8);

impl Flags {
    /// Nothing raised.
    pub const NONE: Self = Self(0);
    /// Inexact: the result was rounded.
    pub const NX: Self = Self(1);
    /// Underflow: the result is tiny and was rounded.
    pub const UF: Self = Self(2);
    /// Overflow.
    pub const OF: Self = Self(4);
    /// Division of a finite value by zero.
    pub const DZ: Self = Self(8);
    /// Invalid operation.
    pub const NV: Self = Self(16);

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// `self` if `condition` holds, else nothing.
    pub(super) const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A result and the exceptions that the operation raised.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Out {
    /// The result, zero above its width.
    pub bits: u64,
    /// What was raised; the caller adds it to its sticky flags.
    pub flags: Flags,
}

impl Out {
    /// A result that raised nothing.
    pub(super) const fn exact(bits: u64) -> Self {
        Self {
            bits,
            flags: Flags::NONE,
        }
    }
}
