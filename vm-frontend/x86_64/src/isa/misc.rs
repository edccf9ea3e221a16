//! What is left: Intel SDM volume 1, sections 5.1.13 and 5.20.

use iced_x86::Mnemonic as M;

use super::row::{Row, row, todo};
use crate::trap;

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Nop,     |t| t.nothing()),
    row(M::Pause,   |t| t.nothing()),
    row(M::Endbr64, |t| t.nothing()),
    row(M::Ud2,     |t| t.invalid()),
    row(M::Syscall, |t| t.raise(trap::SYSCALL)),
    // A program may not stop the processor.
    row(M::Hlt,     |t| t.raise(trap::PROTECTION)),

    todo(M::Cpuid), todo(M::Rdtsc), todo(M::In), todo(M::Out), todo(M::Xlatb), todo(M::Lfence),
    todo(M::Mfence), todo(M::Sfence),
];
