//! From bytes to assembly text.

use vm_ir::Text;

use crate::isa::decode;
use crate::lift::fetch;

/// Disassembles the instruction at the start of `code`, which stands at `pc`; bytes that are none
/// are shown as data.
#[must_use]
pub fn disassemble(code: &[u8], pc: u64) -> Text {
    let data = |insn: u32, bytes: usize| {
        let text = match bytes {
            1 => format!(".byte {insn:#04x}"),
            2 => format!(".half {insn:#06x}"),
            _ => format!(".word {insn:#010x}"),
        };
        Text { text, bytes }
    };
    match fetch(code) {
        Ok((insn, bytes)) => match decode(insn) {
            Some(row) => Text {
                text: row.show(insn, pc),
                bytes,
            },
            None => data(insn, bytes),
        },
        Err(_) => match *code {
            [] => Text {
                text: String::new(),
                bytes: 0,
            },
            [byte] => data(u32::from(byte), 1),
            [low, high, ..] => data(u32::from(u16::from_le_bytes([low, high])), 2),
        },
    }
}
