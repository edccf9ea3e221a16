//! The debug console (chapter 12) and the two console calls of the legacy extension.

use vm_core::GuestPhys;

use super::{Answer, Call, Parties, Reply, SbiError};

/// How many bytes one call moves; the specification lets a call move fewer than asked.
// LIMIT: the guest names the length; a page is what kernels print at once.
const CHUNK: u64 = 4096;

pub(super) fn debug_console(call: &Call, parties: &mut Parties) -> Reply {
    match call.function {
        0 => {
            let (addr, bytes) = range(call, parties)?;
            let mut text = vec![0; bytes];
            let read = parties.cx.ram.read(addr, &mut text);
            read.map_err(|_| SbiError::InvalidParam)?;
            parties.cx.console.write(&text);
            Ok(bytes as u64)
        }
        1 => {
            let (addr, bytes) = range(call, parties)?;
            let mut text = vec![0; bytes];
            let count = parties.cx.console.read(&mut text).min(bytes);
            let text = text.get(..count).unwrap_or_default();
            let written = parties.cx.ram.write(addr, text);
            written.map_err(|_| SbiError::InvalidParam)?;
            Ok(count as u64)
        }
        2 => {
            parties.cx.console.write(&[call.args[0] as u8]);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}

/// The memory that a call names: all of it must be RAM, the first chunk of it is used.
fn range(call: &Call, parties: &Parties) -> Result<(GuestPhys, usize), SbiError> {
    let [bytes, low, high, ..] = call.args;
    let addr = GuestPhys(low);
    if high != 0 || !parties.cx.ram.contains(addr, bytes) {
        return Err(SbiError::InvalidParam);
    }
    Ok((addr, bytes.min(CHUNK) as usize))
}

pub(super) fn putchar(call: &Call, parties: &mut Parties) -> Answer {
    parties.cx.console.write(&[call.args[0] as u8]);
    Answer::Legacy(0)
}

/// The next byte of input, or -1.
pub(super) fn getchar(parties: &mut Parties) -> Answer {
    let mut byte = [0];
    match parties.cx.console.read(&mut byte) {
        0 => Answer::Legacy(u64::MAX),
        _ => Answer::Legacy(u64::from(byte[0])),
    }
}
