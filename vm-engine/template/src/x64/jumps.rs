//! Jumps and calls, what stands on the stack for them, and constants found by their distance.

use super::{Assembler, Cond, Jump, Mem, Reg, Size, form};

impl Assembler {
    /// A jump if the condition holds.
    pub fn jump_if(&mut self, cond: Cond) -> Jump {
        self.put(&[0x0f, 0x80 | cond as u8, 0, 0, 0, 0]);
        Jump(self.here() - 4)
    }

    /// A jump.
    pub fn jump(&mut self) -> Jump {
        self.put(&[0xe9, 0, 0, 0, 0]);
        Jump(self.here() - 4)
    }

    /// A jump whose distance may be changed while others run it; on a condition, if there is one.
    pub fn jump_aligned(&mut self, cond: Option<Cond>) -> Jump {
        self.pad(1 + usize::from(cond.is_some()));
        match cond {
            Some(cond) => self.jump_if(cond),
            None => self.jump(),
        }
    }

    /// A call whose distance may be changed while others run it.
    pub fn call_aligned(&mut self) -> Jump {
        self.pad(1);
        self.call()
    }

    /// Lets what stands so far ahead be aligned.
    fn pad(&mut self, ahead: usize) {
        let pads: [&[u8]; 4] = [&[], &[0x90], &[0x66, 0x90], &[0x0f, 0x1f, 0x00]];
        let over = (self.here() + ahead) % 4;
        self.put(pads[(4 - over) % 4]);
    }

    /// A call.
    pub fn call(&mut self) -> Jump {
        self.put(&[0xe8, 0, 0, 0, 0]);
        Jump(self.here() - 4)
    }

    /// Goes back to where the stack says.
    pub fn ret(&mut self) {
        self.put(&[0xc3]);
    }

    /// Puts a register on the stack.
    pub fn push(&mut self, reg: Reg) {
        if reg.0 > 7 {
            self.put(&[0x41]);
        }
        self.put(&[0x50 | reg.0 & 7]);
    }

    /// A jump to where something stands already.
    pub fn jump_back(&mut self, to: usize) {
        let jump = self.jump();
        self.lead(jump, to);
    }

    /// Lets a jump end here.
    pub fn land(&mut self, jump: Jump) {
        self.lead(jump, self.here());
    }

    /// Where a jump's distance stands.
    pub const fn distance_of(jump: Jump) -> usize {
        jump.0
    }

    pub(super) fn lead(&mut self, Jump(at): Jump, to: usize) {
        let distance = to as i64 - (at as i64 + 4);
        self.bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
    }

    /// A jump to where memory says.
    pub fn jump_by(&mut self, mem: Mem) {
        self.insn(form(Size::Dword, &[0xff]), 4, mem.into());
    }

    /// A call of where memory says.
    pub fn call_by(&mut self, mem: Mem) {
        self.insn(form(Size::Dword, &[0xff]), 2, mem.into());
    }

    /// Puts a number on the stack, sign-extended.
    pub fn push_imm(&mut self, number: i32) {
        self.put(&[0x68]);
        self.put(&number.to_le_bytes());
    }

    /// Puts what stands somewhere in this code on the stack.
    pub fn push_from(&mut self, place: usize) {
        self.put(&[0xff, 0x35, 0, 0, 0, 0]);
        self.lead(Jump(self.here() - 4), place);
    }

    /// Loads what stands somewhere in this code.
    pub fn mov_from(&mut self, dst: Reg, place: usize) {
        let rex = 0x48 | (dst.0 >> 3) << 2;
        self.put(&[rex, 0x8b, (dst.0 & 7) << 3 | 5, 0, 0, 0, 0]);
        self.lead(Jump(self.here() - 4), place);
    }
}
