//! Logic: Intel SDM volume 1, section 5.1.4.

use iced_x86::Mnemonic as M;
use vm_ir::Op;

use super::row::{FlagSet, Row, Undefined, open, row, todo};

/// There is no half of a logical result to carry from.
const LOGIC: Undefined = Undefined::always(FlagSet::AF);

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    open(M::And,  LOGIC, |t| t.logic(Op::AmoAnd, |a, b| a & b)),
    open(M::Or,   LOGIC, |t| t.logic(Op::AmoOr, |a, b| a | b)),
    open(M::Xor,  LOGIC, |t| t.logic(Op::AmoXor, |a, b| a ^ b)),
    open(M::Test, LOGIC, |t| t.logic_flags(t.read(0) & t.read(1))),
    row(M::Not,          |t| t.complement()),

    todo(M::Andn),
];
