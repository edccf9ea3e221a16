//! The loop over a block's instructions.

use vm_ir::{Builder, End, Lifted};

use super::Lift;
use crate::isa::{FLOAT, decode};
use crate::slots::Mode;

/// The encoding at the start of `code` and its length in bytes; if it is cut off, how many bytes
/// are needed.
pub(crate) fn fetch(code: &[u8]) -> Result<(u32, usize), usize> {
    let Some((low, rest)) = code.split_first_chunk::<2>() else {
        return Err(2);
    };
    let low = u32::from(u16::from_le_bytes(*low));
    // Encodings longer than 32 bits do not exist; they are illegal as 32-bit ones.
    if low & 3 != 3 {
        return Ok((low, 2));
    }
    match rest.first_chunk::<2>() {
        Some(high) => Ok((low | u32::from(u16::from_le_bytes(*high)) << 16, 4)),
        None => Err(4),
    }
}

/// Lifts instructions from `code` until one ends the block, `limit` are lifted or the bytes run
/// out; at least one.
pub fn lift(code: &[u8], mode: u64, limit: u32, out: &mut Builder) -> Lifted {
    let lift = Lift::new(out, Mode(mode));
    let (mut at, mut count) = (0, 0);
    loop {
        let (insn, bytes) = match fetch(code.get(at..).unwrap_or_default()) {
            Ok(found) => found,
            Err(needed) if at == 0 => return Lifted::Short(needed),
            Err(_) => break,
        };
        lift.one(insn, bytes);
        at += bytes;
        count += 1;
        if lift.out.is_ended() {
            return Lifted::Done;
        }
        if count >= limit || !lift.out.has_room() {
            break;
        }
    }
    lift.end(End::Goto(at as i64));
    Lifted::Done
}

impl Lift<'_> {
    /// Lifts one instruction.
    fn one(&self, insn: u32, bytes: usize) {
        self.out.begin_insn(bytes as u32);
        self.insn.set(insn);
        match decode(insn).and_then(|row| row.meaning.map(|meaning| (row, meaning))) {
            Some((row, _)) if row.marks & FLOAT != 0 && !self.needs_float() => self.illegal(),
            Some((_, meaning)) => meaning(self, insn),
            None => self.illegal(),
        }
        if self.take_dirtied() {
            self.next();
        }
    }
}
