//! What a row is.

use iced_x86::Mnemonic;

use crate::lift::Lift;

/// A set of status flags, by their bits in RFLAGS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FlagSet(pub u16);

impl FlagSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// Carry.
    pub const CF: Self = Self(1);
    /// Parity.
    pub const PF: Self = Self(1 << 2);
    /// Half carry.
    pub const AF: Self = Self(1 << 4);
    /// Zero.
    pub const ZF: Self = Self(1 << 6);
    /// Sign.
    pub const SF: Self = Self(1 << 7);
    /// Overflow.
    pub const OF: Self = Self(1 << 11);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Flags whose values the manuals leave open, so that processors differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Undefined {
    /// After every execution.
    pub always: FlagSet,
    /// If the count is not 1.
    pub unless_one: FlagSet,
    /// If the count is beyond the operand's width.
    pub beyond: FlagSet,
}

impl Undefined {
    /// All flags are defined.
    pub const NONE: Self = Self::always(FlagSet::NONE);

    /// These are never defined.
    #[must_use]
    pub const fn always(flags: FlagSet) -> Self {
        Self {
            always: flags,
            unless_one: FlagSet::NONE,
            beyond: FlagSet::NONE,
        }
    }
}

/// What an instruction does.
pub type Meaning = fn(&Lift);

/// One instruction.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name; the encodings are the decoder's.
    pub mnemonic: Mnemonic,
    /// Which flags are left open.
    pub undefined: Undefined,
    /// What it does; `None` if that is still to be written.
    pub meaning: Option<Meaning>,
}

/// A row whose flags are all defined.
pub(super) const fn row(mnemonic: Mnemonic, meaning: Meaning) -> Row {
    open(mnemonic, Undefined::NONE, meaning)
}

/// A row that leaves flags open.
pub(super) const fn open(mnemonic: Mnemonic, undefined: Undefined, meaning: Meaning) -> Row {
    Row {
        mnemonic,
        undefined,
        meaning: Some(meaning),
    }
}

/// A row still to be written.
pub(super) const fn todo(mnemonic: Mnemonic) -> Row {
    Row {
        mnemonic,
        undefined: Undefined::NONE,
        meaning: None,
    }
}
