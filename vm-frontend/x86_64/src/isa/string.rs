//! Strings: Intel SDM volume 1, section 5.1.8.

use iced_x86::Mnemonic as M;

use super::row::{Row, row, todo};

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Movsb, |t| t.move_string()),
    row(M::Movsw, |t| t.move_string()),
    row(M::Movsd, |t| t.move_string()),
    row(M::Movsq, |t| t.move_string()),
    row(M::Stosb, |t| t.store_string()),
    row(M::Stosw, |t| t.store_string()),
    row(M::Stosd, |t| t.store_string()),
    row(M::Stosq, |t| t.store_string()),
    row(M::Lodsb, |t| t.load_string()),
    row(M::Lodsw, |t| t.load_string()),
    row(M::Lodsd, |t| t.load_string()),
    row(M::Lodsq, |t| t.load_string()),
    row(M::Scasb, |t| t.scan_string()),
    row(M::Scasw, |t| t.scan_string()),
    row(M::Scasd, |t| t.scan_string()),
    row(M::Scasq, |t| t.scan_string()),
    row(M::Cmpsb, |t| t.compare_string()),
    row(M::Cmpsw, |t| t.compare_string()),
    row(M::Cmpsd, |t| t.compare_string()),
    row(M::Cmpsq, |t| t.compare_string()),

    todo(M::Insb), todo(M::Insw), todo(M::Insd), todo(M::Outsb), todo(M::Outsw), todo(M::Outsd),
];
