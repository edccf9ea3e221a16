//! Writes instructions by their texts, so that the frame around sequences can be read.

use vm_frontend_arm64::assemble;

/// Code under construction.
#[derive(Debug)]
pub struct Code {
    /// Where it will stand.
    pub addr: u64,
    /// The bytes so far.
    pub bytes: Vec<u8>,
}

impl Code {
    /// The address of the next instruction.
    pub fn here(&self) -> u64 {
        self.addr + self.bytes.len() as u64
    }

    /// Adds an encoding.
    pub fn word(&mut self, insn: u32) {
        self.bytes.extend(insn.to_le_bytes());
    }

    /// Adds an instruction by its text.
    pub fn text(&mut self, text: &str) {
        let insn = assemble(text, self.here());
        let (insn, _) = insn.unwrap_or_else(|| panic!("`{text}` is no instruction"));
        self.word(insn);
    }

    /// Sets a register to an address below 4 GiB.
    pub fn address(&mut self, reg: u32, value: u64) {
        let (low, high) = (value & 0xffff, value >> 16 & 0xffff);
        self.text(&format!("movz x{reg}, #{low}"));
        self.text(&format!("movk x{reg}, #{high}, lsl #16"));
    }
}
