//! Flag control: Intel SDM volume 1, section 5.1.11.

use iced_x86::Mnemonic as M;

use super::row::{Row, row, todo};
use crate::slots::{CF, DF};

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Clc,  |t| t.set_flag(CF, t.no())),
    row(M::Stc,  |t| t.set_flag(CF, t.yes())),
    row(M::Cmc,  |t| t.set_flag(CF, !t.flag(CF))),
    row(M::Cld,  |t| t.set_flag(DF, t.no())),
    row(M::Std,  |t| t.set_flag(DF, t.yes())),
    row(M::Lahf, |t| t.load_flags()),
    row(M::Sahf, |t| t.store_flags()),

    todo(M::Pushfq), todo(M::Popfq), todo(M::Cli), todo(M::Sti),
];
