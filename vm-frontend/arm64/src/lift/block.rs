//! The loop over a block's instructions.

use vm_ir::{Builder, End, Lifted};

use super::Lift;
use crate::isa::decode;

/// The encoding at the start of `code`.
pub(crate) fn fetch(code: &[u8]) -> Option<u32> {
    code.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Lifts instructions from `code` until one ends the block, `limit` are lifted or the bytes run
/// out; at least one.
pub fn lift(code: &[u8], limit: u32, out: &mut Builder) -> Lifted {
    let lift = Lift::new(out);
    let (mut at, mut count) = (0, 0);
    loop {
        let Some(insn) = fetch(code.get(at..).unwrap_or_default()) else {
            if at == 0 {
                return Lifted::Short(4);
            }
            break;
        };
        lift.one(insn);
        at += 4;
        count += 1;
        if lift.out.is_ended() {
            return Lifted::Done;
        }
        if count >= limit || !lift.out.has_room() {
            break;
        }
    }
    lift.out.end(End::Goto(at as i64));
    Lifted::Done
}

impl Lift<'_> {
    /// Lifts one instruction.
    fn one(&self, insn: u32) {
        self.out.begin_insn(4);
        match decode(insn).and_then(|row| row.meaning) {
            Some(meaning) => meaning(self, insn),
            None => self.unknown(insn),
        }
    }
}
