//! How native code goes on behind a block.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;
use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{Gates, Places};

use crate::body::{Body, STRUCT};

/// Sets the program counter, and looks it up in the jump cache: the head to go on at.
pub(crate) fn look_up(builder: &mut FunctionBuilder<'_>, cpu: Value, target: Value) -> Value {
    let jumps = builder.ins().load(types::I64, STRUCT, cpu, Places::JUMPS);
    let mask = builder
        .ins()
        .load(types::I64, STRUCT, cpu, Places::JUMP_MASK);
    // The place is `pc >> 1 ^ pc >> 12`, as in the interpreter; here times sixteen.
    let near = builder.ins().ishl_imm_u(target, 3);
    let far = builder.ins().ushr_imm_u(target, 8);
    let place = builder.ins().bxor(near, far);
    let place = builder.ins().band(place, mask);
    let jump = builder.ins().iadd(jumps, place);
    let tag = builder.ins().load(types::I64, STRUCT, jump, 0);
    let known = builder.ins().icmp(IntCC::Equal, tag, target);
    let ins = builder.ins();
    let found = ins.load(types::I64, STRUCT, jump, Places::JUMP_CODE);
    let at = Places::GATES + std::mem::offset_of!(Gates, unknown) as i32;
    let unknown = builder.ins().load(types::I64, STRUCT, cpu, at);
    builder.ins().store(STRUCT, target, cpu, Places::PC);
    builder.ins().select(known, found, unknown)
}

impl Body<'_, '_, '_> {
    /// Leaves by a fixed exit: over its cell if it leads to the block's own page, since then
    /// whatever makes the one invalid makes the other invalid too; else by the jump cache.
    pub(crate) fn exit(&mut self, number: usize, distance: i64) {
        let target = distance.wrapping_add(self.page_offset as i64);
        if !(0..PAGE_BYTES as i64).contains(&target) {
            let target = self.at(distance);
            return self.jump(target);
        }
        self.notes.distances[number] = distance;
        let code = self.code;
        let at = Places::EXITS + 8 * number as i32;
        let ins = self.cx.builder.ins();
        let head = ins.load(types::I64, STRUCT, code, at);
        self.enter(head);
    }

    /// Goes on at an address, by the jump cache.
    pub(crate) fn jump(&mut self, target: Value) {
        let head = look_up(self.cx.builder, self.cx.cpu, target);
        self.note(target);
        self.enter(head);
    }

    /// Writes down for reports where the CPU goes: here only, since an exit to the same page
    /// would take half as long again.
    fn note(&mut self, target: Value) {
        let cpu = self.cx.cpu;
        let builder = &mut *self.cx.builder;
        let (entries, number) = (Places::RECENT, Places::RECENT_NEXT);
        let next = builder.ins().uload8(types::I64, STRUCT, cpu, number);
        let at = builder.ins().ishl_imm_u(next, 3);
        let place = builder.ins().iadd(cpu, at);
        builder.ins().store(STRUCT, target, place, entries);
        let behind = builder.ins().iadd_imm_s(next, 1);
        builder.ins().istore8(STRUCT, behind, cpu, number);
    }

    fn enter(&mut self, head: Value) {
        let ins = self.cx.builder.ins();
        let to = ins.load(types::I64, STRUCT, head, Places::ENTRY);
        self.leave(to, head);
    }

    /// Gives control back at a fixed place, where everything may have changed.
    pub(crate) fn stop_at(&mut self, distance: i64) {
        let target = self.at(distance);
        let cpu = self.cx.cpu;
        let ins = self.cx.builder.ins();
        ins.store(STRUCT, target, cpu, Places::PC);
        self.leave_by(std::mem::offset_of!(Gates, next));
    }

    /// Gives control back where the program counter's slot says.
    pub(crate) fn stop_where_told(&mut self) {
        let (cpu, at) = (self.cx.cpu, Places::WORDS + 8 * i32::from(self.pc_slot));
        let builder = &mut *self.cx.builder;
        let target = builder.ins().load(types::I64, STRUCT, cpu, at);
        builder.ins().store(STRUCT, target, cpu, Places::PC);
        self.leave_by(std::mem::offset_of!(Gates, next));
    }

    /// Traps at the last instruction.
    pub(crate) fn trap(&mut self, cause: u32, value: Value) {
        let cpu = self.cx.cpu;
        let builder = &mut *self.cx.builder;
        let cause = builder.ins().iconst(types::I32, i64::from(cause));
        builder.ins().store(STRUCT, cause, cpu, Places::CAUSE);
        builder.ins().store(STRUCT, value, cpu, Places::VALUE);
        let none = builder.ins().iconst(types::I64, 0);
        builder.ins().store(STRUCT, none, cpu, Places::DETAIL);
        self.leave_by(std::mem::offset_of!(Gates, trap));
    }

    pub(crate) fn leave_by(&mut self, gate: usize) {
        let (cpu, code) = (self.cx.cpu, self.code);
        let at = Places::GATES + gate as i32;
        let to = self.cx.builder.ins().load(types::I64, STRUCT, cpu, at);
        self.leave(to, code);
    }
}
