//! Code of hosts that nothing here reads: the numbers that it consists of.

use vm_engine_interp::Maker;
use vm_ir::Layout;

use super::HostInsn;

/// The instructions of a piece of host code from a place on.
pub fn disassemble(code: &[u8], from: usize, _maker: Maker, _layout: &Layout) -> Vec<HostInsn> {
    let rest = code.get(from..).unwrap_or_default();
    let insns = rest.chunks(4).enumerate().map(|(number, word)| HostInsn {
        at: from + 4 * number,
        bytes: word.len(),
        text: word.iter().rev().fold(".word 0x".to_owned(), |text, byte| {
            text + &format!("{byte:02x}")
        }),
        note: None,
    });
    insns.collect()
}
