//! The loop over a block's instructions.

use vm_ir::{Builder, End, Lifted};

use super::Lift;
use crate::disasm::{Decoded, MAX_INSN_BYTES, decode};
use crate::isa::row_of;
use crate::trap;

/// Lifts instructions from `code` until one ends the block, `limit` are lifted or the bytes run
/// out; at least one.
pub fn lift(code: &[u8], limit: u32, out: &mut Builder) -> Lifted {
    let (mut at, mut count) = (0, 0);
    loop {
        // Decoded at address 0, since the same bytes may stand anywhere.
        match decode(code.get(at..).unwrap_or_default(), 0) {
            Decoded::Insn(insn) => {
                let bytes = insn.len();
                out.begin_insn(bytes as u32);
                let t = Lift::new(out, insn);
                match row_of(&insn).and_then(|row| row.meaning) {
                    Some(meaning) => meaning(&t),
                    None => t.invalid(),
                }
                at += bytes;
            }
            Decoded::Short if at == 0 => return Lifted::Short(MAX_INSN_BYTES),
            Decoded::Short => break,
            Decoded::Invalid(bytes) => {
                out.begin_insn(bytes);
                out.trap(trap::INVALID_OPCODE, out.imm(0));
            }
        }
        count += 1;
        if out.is_ended() {
            return Lifted::Done;
        }
        if count >= limit || !out.has_room() {
            break;
        }
    }
    out.end(End::Goto(at as i64));
    Lifted::Done
}
