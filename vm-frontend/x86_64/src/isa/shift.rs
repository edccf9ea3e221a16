//! Shifts and rotates: Intel SDM volume 1, section 5.1.5.

use iced_x86::Mnemonic as M;

use super::row::{FlagSet, Row, Undefined, open, todo};
use crate::lift::Way;

/// Overflow is defined for one step only, half carry never, and carry not once all bits are out.
const SHIFT: Undefined = Undefined {
    always: FlagSet::AF,
    unless_one: FlagSet::OF,
    beyond: FlagSet::CF,
};

/// As for shifts, and a count beyond the width leaves nothing defined.
const DOUBLE: Undefined = Undefined {
    always: FlagSet::AF,
    unless_one: FlagSet::OF,
    beyond: FlagSet::CF
        .and(FlagSet::ZF)
        .and(FlagSet::SF)
        .and(FlagSet::PF),
};

/// Overflow is defined for one step only.
const ROTATE: Undefined = Undefined {
    always: FlagSet::NONE,
    unless_one: FlagSet::OF,
    beyond: FlagSet::NONE,
};

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    open(M::Shl,  SHIFT,  |t| t.shift(Way::Left)),
    open(M::Sal,  SHIFT,  |t| t.shift(Way::Left)),
    open(M::Shr,  SHIFT,  |t| t.shift(Way::Right)),
    open(M::Sar,  SHIFT,  |t| t.shift(Way::RightSigned)),
    open(M::Shld, DOUBLE, |t| t.shift_double(Way::Left)),
    open(M::Shrd, DOUBLE, |t| t.shift_double(Way::Right)),
    open(M::Rol,  ROTATE, |t| t.rotate(Way::Left)),
    open(M::Ror,  ROTATE, |t| t.rotate(Way::Right)),
    open(M::Rcl,  ROTATE, |t| t.rotate_carry(Way::Left)),
    open(M::Rcr,  ROTATE, |t| t.rotate_carry(Way::Right)),

    todo(M::Rorx), todo(M::Sarx), todo(M::Shlx), todo(M::Shrx),
];
