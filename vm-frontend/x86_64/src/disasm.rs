//! Text of instructions, in the syntax of Intel's manual.

use iced_x86::{Decoder, DecoderError, DecoderOptions, Formatter, Instruction, NasmFormatter};
use vm_ir::Text;

/// The longest instruction that there is.
pub(crate) const MAX_INSN_BYTES: usize = 15;

/// What stands at the start of some bytes.
pub(crate) enum Decoded {
    /// An instruction.
    Insn(Instruction),
    /// None, and this is its length as far as it was read.
    Invalid(u32),
    /// The bytes end before the instruction does.
    Short,
}

/// Decodes the first instruction as if it stood at `pc`.
pub(crate) fn decode(code: &[u8], pc: u64) -> Decoded {
    let code = code.get(..MAX_INSN_BYTES).unwrap_or(code);
    let mut decoder = Decoder::with_ip(64, code, pc, DecoderOptions::NONE);
    if !decoder.can_decode() {
        return Decoded::Short;
    }
    let insn = decoder.decode();
    if !insn.is_invalid() {
        return Decoded::Insn(insn);
    }
    let cut_off = decoder.last_error() == DecoderError::NoMoreBytes;
    if cut_off && code.len() < MAX_INSN_BYTES {
        Decoded::Short
    } else {
        Decoded::Invalid((insn.len() as u32).max(1))
    }
}

/// Disassembles the first instruction of `code`; bytes that are none are shown as data.
#[must_use]
pub fn disassemble(code: &[u8], pc: u64) -> Text {
    if let Decoded::Insn(insn) = decode(code, pc) {
        let mut formatter = NasmFormatter::new();
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_space_after_operand_separator(true);
        options.set_branch_leading_zeros(false);
        options.set_signed_immediate_operands(true);
        options.set_small_hex_numbers_in_decimal(true);
        let mut text = String::new();
        formatter.format(&insn, &mut text);
        return Text {
            text,
            bytes: insn.len(),
        };
    }
    match code.first() {
        Some(byte) => Text {
            text: format!("db {byte:#04x}"),
            bytes: 1,
        },
        None => Text {
            text: String::new(),
            bytes: 0,
        },
    }
}
