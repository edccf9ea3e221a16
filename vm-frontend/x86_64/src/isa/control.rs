//! Control transfer: Intel SDM volume 1, section 5.1.7.

use iced_x86::Mnemonic as M;

use super::row::{Row, row, todo};
use crate::lift::Condition as C;
use crate::trap;

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Jmp,   |t| t.jump()),
    row(M::Call,  |t| t.call()),
    row(M::Ret,   |t| t.ret()),
    row(M::Leave, |t| t.leave()),
    row(M::Jo,    |t| t.jump_on(C::O)),
    row(M::Jno,   |t| t.jump_on(C::NO)),
    row(M::Jb,    |t| t.jump_on(C::B)),
    row(M::Jae,   |t| t.jump_on(C::AE)),
    row(M::Je,    |t| t.jump_on(C::E)),
    row(M::Jne,   |t| t.jump_on(C::NE)),
    row(M::Jbe,   |t| t.jump_on(C::BE)),
    row(M::Ja,    |t| t.jump_on(C::A)),
    row(M::Js,    |t| t.jump_on(C::S)),
    row(M::Jns,   |t| t.jump_on(C::NS)),
    row(M::Jp,    |t| t.jump_on(C::P)),
    row(M::Jnp,   |t| t.jump_on(C::NP)),
    row(M::Jl,    |t| t.jump_on(C::L)),
    row(M::Jge,   |t| t.jump_on(C::GE)),
    row(M::Jle,   |t| t.jump_on(C::LE)),
    row(M::Jg,    |t| t.jump_on(C::G)),
    row(M::Int3,  |t| t.raise(trap::BREAKPOINT)),

    todo(M::Enter), todo(M::Int), todo(M::Int1), todo(M::Iretq), todo(M::Jcxz), todo(M::Jecxz),
    todo(M::Jrcxz), todo(M::Loop), todo(M::Loope), todo(M::Loopne),
];
