//! The stack and jumps.

use iced_x86::{OpKind, Register};
use vm_ir::Type::{I16, I64};
use vm_ir::{Hint, Type, Val};

use super::{Condition, Lift};
use crate::slots::{RBP, RSP};

impl<'a> Lift<'a> {
    /// What PUSH and POP move: 64 bits, or 16 with an operand-size prefix.
    fn stack_type(&self) -> Type {
        if self.insn.stack_pointer_increment().unsigned_abs() == 2 {
            I16
        } else {
            I64
        }
    }

    fn push_value(&self, value: Val<'a>) {
        let top = self.get(I64, RSP) - value.ty.bytes() as i64;
        self.store(self.at(top), value);
        self.out.set(RSP, top);
    }

    /// PUSH.
    pub fn push(&self) {
        let value = match self.insn.op_kind(0) {
            OpKind::Register | OpKind::Memory => self.read(0),
            _ => self.constant(self.stack_type(), self.immediate(0)),
        };
        self.push_value(value);
    }

    /// POP: an address over RSP is taken after it has moved.
    pub fn pop(&self) {
        let ty = self.stack_type();
        let top = self.get(I64, RSP);
        let value = self.load(self.at(top), ty);
        let moved = top + ty.bytes() as i64;
        if self.is_memory(0) {
            let over_stack = self.insn.memory_base().full_register() == Register::RSP;
            let distance = over_stack.then(|| self.constant(I64, ty.bytes()));
            self.store(self.place_behind(distance), value);
            self.out.set(RSP, moved);
        } else {
            self.out.set(RSP, moved);
            self.write(0, value);
        }
    }

    /// LEAVE.
    pub fn leave(&self) {
        let ty = self.stack_type_of_leave();
        let frame = self.get(I64, RBP);
        let value = self.load(self.at(frame), ty);
        self.out.set(RSP, frame + ty.bytes() as i64);
        let register = if ty == I16 {
            Register::BP
        } else {
            Register::RBP
        };
        self.set_register(register, value);
    }

    fn stack_type_of_leave(&self) -> Type {
        if self.insn.code() == iced_x86::Code::Leavew {
            I16
        } else {
            I64
        }
    }

    /// The address behind the instruction.
    fn behind(&self) -> Val<'a> {
        self.out.pc(self.insn.len() as i64)
    }

    /// The distance of a direct jump from the instruction, which is decoded at address 0.
    fn distance(&self) -> Option<i64> {
        let near = matches!(
            self.insn.op0_kind(),
            OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
        );
        near.then(|| self.insn.near_branch64() as i64)
    }

    /// CALL.
    pub fn call(&self) {
        if let Some(distance) = self.distance() {
            self.push_value(self.behind());
            self.out.goto(distance);
        } else {
            let target = self.read(0);
            self.push_value(self.behind());
            self.out.jump(target, Hint::Call);
        }
    }

    /// RET, which may drop some bytes of arguments.
    pub fn ret(&self) {
        let dropped = if self.insn.op_count() == 1 {
            self.immediate(0)
        } else {
            0
        };
        let top = self.get(I64, RSP);
        let target = self.load(self.at(top), I64);
        self.out.set(RSP, top + 8 + dropped as i64);
        self.out.jump(target, Hint::Return);
    }

    /// JMP.
    pub fn jump(&self) {
        match self.distance() {
            Some(distance) => self.out.goto(distance),
            None => self.out.jump(self.read(0), Hint::Plain),
        }
    }

    /// Jumps if it holds.
    pub fn jump_if(&self, cond: Val<'a>) {
        if let Some(distance) = self.distance() {
            self.out.branch(cond, distance);
        }
    }

    /// Jcc.
    pub fn jump_on(&self, condition: Condition) {
        self.jump_if(self.holds(condition));
    }

    /// CMOVcc: a 32-bit destination loses its upper half in either case.
    pub fn move_on(&self, condition: Condition) {
        let (old, new) = (self.read(0), self.read(1));
        let value = self.select(self.holds(condition), new, old);
        self.write(0, value);
    }

    /// SETcc.
    pub fn set_on(&self, condition: Condition) {
        self.write(0, self.holds(condition).zext(Type::I8));
    }
}
