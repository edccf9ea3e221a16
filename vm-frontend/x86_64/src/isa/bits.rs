//! Bits and bytes: Intel SDM volume 1, section 5.1.6.

use iced_x86::Mnemonic as M;
use vm_ir::Val;

use super::row::{FlagSet, Row, Undefined, open, row, todo};
use crate::lift::{Change, Condition as C};

const REST: FlagSet = FlagSet::OF
    .and(FlagSet::SF)
    .and(FlagSet::AF)
    .and(FlagSet::PF);

/// A test says what the bit was.
const TEST: Undefined = Undefined::always(REST);

/// A scan says whether there was a bit.
const SCAN: Undefined = Undefined::always(REST.and(FlagSet::CF));

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    open(M::Bt,    TEST, |t| t.bit_test(Change::Keep)),
    open(M::Bts,   TEST, |t| t.bit_test(Change::Set)),
    open(M::Btr,   TEST, |t| t.bit_test(Change::Reset)),
    open(M::Btc,   TEST, |t| t.bit_test(Change::Complement)),
    open(M::Bsf,   SCAN, |t| t.scan(false)),
    open(M::Bsr,   SCAN, |t| t.scan(true)),
    open(M::Tzcnt, TEST, |t| t.count(Val::ctz)),
    open(M::Lzcnt, TEST, |t| t.count(Val::clz)),
    row(M::Popcnt,       |t| t.population()),

    row(M::Seto,  |t| t.set_on(C::O)),
    row(M::Setno, |t| t.set_on(C::NO)),
    row(M::Setb,  |t| t.set_on(C::B)),
    row(M::Setae, |t| t.set_on(C::AE)),
    row(M::Sete,  |t| t.set_on(C::E)),
    row(M::Setne, |t| t.set_on(C::NE)),
    row(M::Setbe, |t| t.set_on(C::BE)),
    row(M::Seta,  |t| t.set_on(C::A)),
    row(M::Sets,  |t| t.set_on(C::S)),
    row(M::Setns, |t| t.set_on(C::NS)),
    row(M::Setp,  |t| t.set_on(C::P)),
    row(M::Setnp, |t| t.set_on(C::NP)),
    row(M::Setl,  |t| t.set_on(C::L)),
    row(M::Setge, |t| t.set_on(C::GE)),
    row(M::Setle, |t| t.set_on(C::LE)),
    row(M::Setg,  |t| t.set_on(C::G)),

    todo(M::Bextr), todo(M::Blsi), todo(M::Blsmsk), todo(M::Blsr), todo(M::Bzhi), todo(M::Crc32),
    todo(M::Pdep), todo(M::Pext),
];
