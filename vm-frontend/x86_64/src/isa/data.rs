//! Data transfer: Intel SDM volume 1, section 5.1.1.

use iced_x86::Mnemonic as M;
use vm_ir::Type::{I16, I32, I64};

use super::row::{Row, row, todo};
use crate::lift::Condition as C;

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Mov,    |t| t.write(0, t.read(1))),
    row(M::Movzx,  |t| t.write(0, t.read(1).zext(t.ty(0)))),
    row(M::Movsx,  |t| t.write(0, t.read(1).sext(t.ty(0)))),
    row(M::Movsxd, |t| t.write(0, t.fit(t.read(1).sext(I64), t.ty(0)))),
    row(M::Lea,    |t| t.write(0, t.effective_address(t.ty(0)))),
    row(M::Xchg,   |t| t.exchange()),
    // Of a 16-bit register the result is undefined; processors give zero.
    row(M::Bswap,  |t| t.write(0, if t.ty(0) == I16 { t.constant(I16, 0) } else { t.read(0).bswap() })),
    row(M::Xadd,   |t| t.exchange_add()),
    row(M::Cmpxchg, |t| t.compare_exchange()),

    row(M::Push,   |t| t.push()),
    row(M::Pop,    |t| t.pop()),

    row(M::Cbw,    |t| t.extend_accumulator(I16)),
    row(M::Cwde,   |t| t.extend_accumulator(I32)),
    row(M::Cdqe,   |t| t.extend_accumulator(I64)),
    row(M::Cwd,    |t| t.extend_into_high(I16)),
    row(M::Cdq,    |t| t.extend_into_high(I32)),
    row(M::Cqo,    |t| t.extend_into_high(I64)),

    row(M::Cmovo,  |t| t.move_on(C::O)),
    row(M::Cmovno, |t| t.move_on(C::NO)),
    row(M::Cmovb,  |t| t.move_on(C::B)),
    row(M::Cmovae, |t| t.move_on(C::AE)),
    row(M::Cmove,  |t| t.move_on(C::E)),
    row(M::Cmovne, |t| t.move_on(C::NE)),
    row(M::Cmovbe, |t| t.move_on(C::BE)),
    row(M::Cmova,  |t| t.move_on(C::A)),
    row(M::Cmovs,  |t| t.move_on(C::S)),
    row(M::Cmovns, |t| t.move_on(C::NS)),
    row(M::Cmovp,  |t| t.move_on(C::P)),
    row(M::Cmovnp, |t| t.move_on(C::NP)),
    row(M::Cmovl,  |t| t.move_on(C::L)),
    row(M::Cmovge, |t| t.move_on(C::GE)),
    row(M::Cmovle, |t| t.move_on(C::LE)),
    row(M::Cmovg,  |t| t.move_on(C::G)),

    todo(M::Cmpxchg8b), todo(M::Cmpxchg16b), todo(M::Movbe),
];
