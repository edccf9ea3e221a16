//! From bytes to assembly text.

use vm_ir::Text;

use crate::isa::decode;
use crate::lift::fetch;

/// Disassembles the instruction at the start of `code`, which stands at `pc`; bytes that are none
/// are shown as data.
#[must_use]
pub fn disassemble(code: &[u8], pc: u64) -> Text {
    let Some(insn) = fetch(code) else {
        let bytes: Vec<String> = code.iter().map(|byte| format!("{byte:#04x}")).collect();
        return Text {
            text: format!(".byte {}", bytes.join(", ")),
            bytes: code.len(),
        };
    };
    let text = match decode(insn) {
        Some(row) => row.show(insn, pc),
        None => format!(".word {insn:#010x}"),
    };
    Text { text, bytes: 4 }
}
