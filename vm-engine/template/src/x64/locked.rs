//! Instructions that no other processor comes between.

use super::{Alu, Assembler, Cond, Form, Mem, Reg, Size, form};

/// The byte that makes an instruction one access, in one order with all others like it.
const LOCK: u8 = 0xf0;

const fn locked(size: Size, opcode: &[u8]) -> Form<'_> {
    Form {
        prefix: Some(LOCK),
        ..form(size, opcode)
    }
}

impl Assembler {
    /// Arithmetic on memory: `dst = dst op src`.
    pub fn alu_locked(&mut self, op: Alu, size: Size, dst: Mem, src: Reg) {
        self.insn(locked(size, &[(op as u8) << 3 | 1]), src.0, dst.into());
    }

    /// Adds a register to memory; the register has what was there.
    pub fn add_locked(&mut self, size: Size, dst: Mem, reg: Reg) {
        self.insn(locked(size, &[0x0f, 0xc1]), reg.0, dst.into());
    }

    /// Exchanges a register and memory, which is always one access.
    pub fn swap_locked(&mut self, size: Size, dst: Mem, reg: Reg) {
        self.insn(form(size, &[0x87]), reg.0, dst.into());
    }

    /// Stores a register if memory is what `rax` says, which has what was there afterwards; the
    /// condition [`Cond::Equal`] says whether it was.
    pub fn compare_locked(&mut self, size: Size, dst: Mem, new: Reg) {
        self.insn(locked(size, &[0x0f, 0xb1]), new.0, dst.into());
    }

    /// Keeps all accesses before it from all behind it, by exchanging memory without changing it;
    /// that takes two thirds as long as `mfence`.
    pub fn fence(&mut self, mem: Mem) {
        self.insn(locked(Size::Dword, &[0x83]), Alu::Or as u8, mem.into());
        self.put(&[0]);
    }

    /// A jump to where something stands already, if the condition holds.
    pub fn jump_back_if(&mut self, cond: Cond, to: usize) {
        let jump = self.jump_if(cond);
        self.lead(jump, to);
    }
}
