//! How a region is left.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, SourceLoc, Value, types};
use vm_engine_interp::native::{Gates, Places};

use super::writer::Writer;
use crate::body::{STRUCT, signature};
use crate::exits::JUMP_INDEX;

impl Writer<'_, '_, '_> {
    /// Leaves by a fixed exit of the block at hand: over its cell if it leads to the page, else by
    /// the jump cache.
    pub(super) fn exit(&mut self, number: usize, distance: i64) {
        self.write_back();
        if self.region.target(self.at, distance).is_none() {
            let target = self.address_at(distance);
            return self.jump(target);
        }
        self.on_own_page();
        let code = self.code();
        let at = Places::EXITS + 8 * number as i32;
        let ins = self.cx.builder.ins();
        let head = ins.load(types::I64, STRUCT, code, at);
        self.go_on(head);
    }

    /// Puts the program counter on the page of the block at hand; what it was, if that is another.
    pub(super) fn on_own_page(&mut self) -> Option<Value> {
        let (cpu, page) = (self.cx.cpu, self.region.page(self.at));
        if page == 0 {
            return None;
        }
        let builder = &mut *self.cx.builder;
        let first = builder.ins().load(types::I64, STRUCT, cpu, Places::PC);
        let own = builder.ins().iadd_imm_s(first, page);
        builder.ins().store(STRUCT, own, cpu, Places::PC);
        Some(first)
    }

    /// Goes on at an address, by the jump cache; see the block compiler.
    pub(super) fn jump(&mut self, target: Value) {
        let cpu = self.cx.cpu;
        let builder = &mut *self.cx.builder;
        let jumps = builder.ins().load(types::I64, STRUCT, cpu, Places::JUMPS);
        let near = builder.ins().ishl_imm_u(target, 3);
        let far = builder.ins().ushr_imm_u(target, 8);
        let index = builder.ins().bxor(near, far);
        let index = builder.ins().band_imm_s(index, JUMP_INDEX);
        let jump = builder.ins().iadd(jumps, index);
        let tag = builder.ins().load(types::I64, STRUCT, jump, 0);
        let known = builder.ins().icmp(IntCC::Equal, tag, target);
        let ins = builder.ins();
        let found = ins.load(types::I64, STRUCT, jump, Places::JUMP_CODE);
        let at = Places::GATES + std::mem::offset_of!(Gates, unknown) as i32;
        let unknown = builder.ins().load(types::I64, STRUCT, cpu, at);
        let head = builder.ins().select(known, found, unknown);
        builder.ins().store(STRUCT, target, cpu, Places::PC);
        self.go_on(head);
    }

    fn go_on(&mut self, head: Value) {
        let ins = self.cx.builder.ins();
        let to = ins.load(types::I64, STRUCT, head, Places::ENTRY);
        self.leave(to, head);
    }

    /// Gives control back by a gate.
    pub(super) fn leave_by(&mut self, gate: usize) {
        let (cpu, code) = (self.cx.cpu, self.code());
        let at = Places::GATES + gate as i32;
        let to = self.cx.builder.ins().load(types::I64, STRUCT, cpu, at);
        self.leave(to, code);
    }

    /// Leaves, at the beginning, unless the pages have been seen in the present state of the jump
    /// cache.
    pub(super) fn ask_pages(&mut self, seen: u64, head: Value) {
        let cpu = self.cx.cpu;
        let builder = &mut *self.cx.builder;
        let jumps = builder.ins().load(types::I64, STRUCT, cpu, Places::JUMPS);
        let ins = builder.ins();
        let now = ins.load(types::I64, STRUCT, jumps, Places::JUMPS_STATE);
        let seen = builder.ins().iconst(types::I64, seen as i64);
        let then = builder.ins().load(types::I64, STRUCT, seen, 0);
        let other = builder.ins().icmp(IntCC::NotEqual, now, then);
        let on = self.unless(other);
        let at = Places::GATES + std::mem::offset_of!(Gates, pages) as i32;
        let to = self.cx.builder.ins().load(types::I64, STRUCT, cpu, at);
        self.leave(to, head);
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
    }

    /// Goes on elsewhere for good.
    fn leave(&mut self, to: Value, head: Value) {
        let cpu = self.cx.cpu;
        let code = self.code();
        self.notes.exits += 1;
        // The default means that there is none.
        let place = SourceLoc::new(self.notes.exits);
        let builder = &mut *self.cx.builder;
        let way = *self
            .way
            .get_or_insert_with(|| builder.import_signature(signature()));
        builder.set_srcloc(place);
        let args = [cpu, head, code];
        builder.ins().return_call_indirect(way, to, &args);
        builder.set_srcloc(SourceLoc::default());
    }
}
