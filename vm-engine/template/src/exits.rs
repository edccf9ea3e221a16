//! How native code goes on behind a block.

use std::mem::offset_of;

use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{EXITS, Gates, Places};
use vm_ir::{End, Hint, Id};

use crate::body::{Body, slot};
use crate::compiler::ENTRY;
use crate::memory::{CODE, gate_by_frame};
use crate::x64::{
    Alu, Assembler, Cond, Extend, Jump, Mem, R15, RAX, RCX, RDI, RDX, RSI, RSP, Reg, Shift, Size,
    at,
};

impl Body<'_> {
    /// Takes the fuel for the block; `None` if it has too many instructions.
    pub(crate) fn begin(&mut self, fuel: u32) -> Option<()> {
        let fuel = i8::try_from(fuel).ok()?;
        self.asm
            .alu_imm(Alu::Sub, Size::Qword, R15, i32::from(fuel));
        let from = self.asm.jump_if(Cond::Less);
        self.no_fuel = Some((from, fuel));
        Some(())
    }

    /// Writes how the block ends, and what stands behind it.
    pub(crate) fn end(&mut self) -> Option<()> {
        self.now = self.block.insts.len() as u16;
        match self.block.end {
            End::Goto(to) if self.stays(to) => match self.kept() {
                Some(kept) => {
                    let deep = self.keep(kept);
                    let call = self.asm.call_aligned();
                    self.exit_by(0, to, call);
                    self.return_here();
                    self.deep = Some(deep);
                }
                None => self.exit(0, to),
            },
            End::Goto(to) => {
                self.call_on();
                self.address(RAX, to);
                self.jump();
            }
            End::Branch { cond, taken, fall } => {
                let question = self.question(cond)?;
                let cond = self.answer(question);
                if self.stays(taken) {
                    self.exit_if(0, taken, Some(cond));
                    self.exit(1, fall);
                } else {
                    let jump = self.asm.jump_if(cond);
                    self.exit(1, fall);
                    self.asm.land(jump);
                    self.exit(0, taken);
                }
            }
            End::Jump { target, hint } => {
                self.call_on();
                self.copy(RAX, target);
                if hint == Hint::Return {
                    self.go_back();
                }
                self.jump();
            }
            End::Next(to) => {
                self.address(RAX, to);
                self.stop();
            }
            End::Leave => {
                let pc = slot(self.pc_slot.0);
                self.asm.mov(Size::Qword, RAX, pc);
                self.stop();
            }
            End::Trap { cause, value } => {
                self.copy(RAX, value);
                self.asm.store_imm(4, at(RDI, Places::CAUSE), cause as i32);
                self.asm.store(8, at(RDI, Places::VALUE), RAX);
                self.asm.store_imm(8, at(RDI, Places::DETAIL), 0);
                self.leave_by(offset_of!(Gates, trap));
            }
        }
        let skips = std::mem::take(&mut self.notes.skips);
        if !skips.is_empty() {
            skips.into_iter().for_each(|skip| self.asm.land(skip));
            self.exit(2, i64::from(self.block.bytes));
        }
        self.stubs();
        self.ways_out()?;
        if let Some((from, fuel)) = self.no_fuel {
            self.mark(None, Some("no fuel"));
            self.asm.land(from);
            self.asm
                .alu_imm(Alu::Add, Size::Qword, R15, i32::from(fuel));
            self.asm.mov_from(RSI, CODE);
            self.asm.jump_by(gate_by_frame(offset_of!(Gates, fuel)));
        }
        Some(())
    }

    /// Where exits go on that lead to no other code, and whoever comes when this is forgotten.
    fn ways_out(&mut self) -> Option<()> {
        let short = |at| u16::try_from(at).ok();
        for number in 0..EXITS {
            let Some(jump) = self.exits[number] else {
                continue;
            };
            self.mark(None, Some("exit"));
            self.ways.exits[number] = short(Assembler::distance_of(jump))?;
            self.ways.stubs[number] = short(self.asm.here())?;
            self.asm.land(jump);
            if let (0, Some(deep)) = (number, self.deep) {
                self.asm.land(deep);
            }
            self.asm.mov_from(RDX, CODE);
            let cell = at(RDX, Places::EXITS + 8 * number as i32);
            self.asm.mov(Size::Qword, RSI, cell);
            self.asm.jump_by(at(RSI, Places::ENTRY));
        }
        self.mark(None, Some("away"));
        self.ways.entry = short(ENTRY)?;
        self.ways.away = short(self.asm.here())?;
        self.asm.mov_from(RSI, CODE);
        self.asm.jump_by(at(RSI, Places::ENTRY));
        Some(())
    }

    /// The address at a distance from the block's first byte.
    pub(crate) fn address(&mut self, reg: Reg, distance: i64) {
        self.asm.mov(Size::Qword, reg, at(RDI, Places::PC));
        self.asm.alu_imm(Alu::And, Size::Qword, reg, -4096);
        let from_page = distance.wrapping_add(self.page_offset as i64);
        match i32::try_from(from_page) {
            Ok(0) => {}
            Ok(short) => self.asm.alu_imm(Alu::Add, Size::Qword, reg, short),
            Err(_) => {
                self.asm.mov_imm(RCX, from_page as u64);
                self.asm.alu(Alu::Add, Size::Qword, reg, RCX);
            }
        }
    }

    /// Leaves by a fixed exit: straight to other code if it leads to the block's own page, since
    /// then whatever makes the one invalid makes the other invalid too; else by the jump cache.
    fn exit(&mut self, number: usize, distance: i64) {
        if self.stays(distance) {
            self.exit_if(number, distance, None);
        } else {
            self.address(RAX, distance);
            self.jump();
        }
    }

    /// Leaves by an exit to the block's own page, on a condition if there is one.
    fn exit_if(&mut self, number: usize, distance: i64, cond: Option<Cond>) {
        let jump = self.asm.jump_aligned(cond);
        self.exit_by(number, distance, jump);
    }

    /// A jump is an exit to the block's own page.
    fn exit_by(&mut self, number: usize, distance: i64, jump: Jump) {
        self.distances[number] = distance;
        self.exits[number] = Some(jump);
    }

    /// The address behind the block, if it is a call that is returned from to its own page.
    fn kept(&self) -> Option<Id> {
        let kept = self.block.kept_by_call();
        kept.filter(|_| self.stays(i64::from(self.block.bytes)))
    }

    /// Puts the address behind a call on the stack, unless that is too deep already; the jump
    /// that is taken then.
    fn keep(&mut self, kept: Id) -> Jump {
        self.copy(RAX, kept);
        let end = at(RDI, Places::STACK_END);
        self.asm.alu(Alu::Cmp, Size::Qword, RSP, end);
        let deep = self.asm.jump_if(Cond::BelowEqual);
        self.asm.push(RAX);
        deep
    }

    /// What stands behind the host's call.
    fn return_here(&mut self) {
        self.asm.lea(Size::Qword, RSP, at(RSP, 8));
        self.exit(1, i64::from(self.block.bytes));
    }

    /// What follows is called, if the block is a call.
    fn call_on(&mut self) {
        if let Some(kept) = self.kept() {
            let deep = self.keep(kept);
            let call = self.asm.call();
            self.return_here();
            self.asm.land(call);
            self.asm.land(deep);
        }
    }

    /// Goes back to behind the last call if that is the address in `rax`, else on here.
    fn go_back(&mut self) {
        self.asm.alu(Alu::Cmp, Size::Qword, RAX, at(RSP, 8));
        let elsewhere = self.asm.jump_if(Cond::NotEqual);
        self.note();
        self.asm.store(8, at(RDI, Places::PC), RAX);
        self.asm.ret();
        self.asm.land(elsewhere);
    }

    /// Whether what is so far from the block's first byte is on its page.
    fn stays(&self, distance: i64) -> bool {
        let target = distance.wrapping_add(self.page_offset as i64);
        (0..PAGE_BYTES as i64).contains(&target)
    }

    /// Goes on at the address in `rax`, by the jump cache.
    fn jump(&mut self) {
        self.note();
        // The index is `pc >> 1 ^ pc >> 12`, as in the interpreter; here times sixteen.
        self.asm.mov(Size::Qword, RCX, RAX);
        self.asm.shift_imm(Shift::Shr, Size::Qword, RCX, 11);
        self.asm.alu(Alu::Xor, Size::Qword, RCX, RAX);
        self.asm.store(8, at(RDI, Places::PC), RAX);
        self.asm.shift_imm(Shift::Shl, Size::Dword, RCX, 3);
        self.asm
            .alu(Alu::And, Size::Dword, RCX, at(RDI, Places::JUMP_MASK));
        self.asm
            .alu(Alu::Add, Size::Qword, RCX, at(RDI, Places::JUMPS));
        self.asm.alu(Alu::Cmp, Size::Qword, RAX, at(RCX, 0));
        let unknown = self.asm.jump_if(Cond::NotEqual);
        self.asm.mov(Size::Qword, RSI, at(RCX, Places::JUMP_CODE));
        self.asm.jump_by(at(RSI, Places::ENTRY));
        self.asm.land(unknown);
        let head = Places::GATES + offset_of!(Gates, unknown) as i32;
        self.asm.mov(Size::Qword, RSI, at(RDI, head));
        self.asm.jump_by(at(RSI, Places::ENTRY));
    }

    /// Writes down for reports that the CPU goes to the address in `rax`: here only, as the block
    /// compiler does.
    fn note(&mut self) {
        let number = at(RDI, Places::RECENT_NEXT);
        let entry = Mem {
            base: RDI,
            index: Some(RCX),
            disp: Places::RECENT,
        };
        self.asm.extend(Extend::Zero8, Size::Dword, RDX, number);
        self.asm.mov(Size::Dword, RCX, RDX);
        self.asm.shift_imm(Shift::Shl, Size::Dword, RCX, 3);
        self.asm.store(8, entry, RAX);
        self.asm.alu_imm(Alu::Add, Size::Dword, RDX, 1);
        self.asm.store(1, number, RDX);
    }

    /// Gives control back at the address in `rax`, where everything may have changed.
    fn stop(&mut self) {
        self.asm.store(8, at(RDI, Places::PC), RAX);
        self.leave_by(offset_of!(Gates, next));
    }

    fn leave_by(&mut self, gate: usize) {
        self.asm.mov_from(RSI, CODE);
        self.asm.jump_by(at(RDI, Places::GATES + gate as i32));
    }
}
