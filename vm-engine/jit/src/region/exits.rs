//! How a region is left.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use vm_engine_interp::native::{Gates, Places, Seen};

use super::writer::Writer;
use crate::body::STRUCT;
use crate::exits::look_up;
use crate::gates::signature;

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
        let page = self.region.page(self.at);
        if page == 0 {
            return None;
        }
        let cpu = self.cx.cold_cpu();
        let builder = &mut *self.cx.builder;
        let first = builder.ins().load(types::I64, STRUCT, cpu, Places::PC);
        let own = builder.ins().iadd_imm_s(first, page);
        builder.ins().store(STRUCT, own, cpu, Places::PC);
        Some(first)
    }

    /// Goes on at an address, by the jump cache.
    pub(super) fn jump(&mut self, target: Value) {
        let cpu = self.cx.cold_cpu();
        let head = look_up(self.cx.builder, cpu, target);
        self.go_on(head);
    }

    fn go_on(&mut self, head: Value) {
        let ins = self.cx.builder.ins();
        let to = ins.load(types::I64, STRUCT, head, Places::ENTRY);
        self.leave(to, head);
    }

    /// Gives control back by a gate.
    pub(super) fn leave_by(&mut self, gate: usize) {
        let (cpu, code) = (self.cx.cold_cpu(), self.code());
        let at = Places::GATES + gate as i32;
        let to = self.cx.builder.ins().load(types::I64, STRUCT, cpu, at);
        self.leave(to, code);
    }

    /// Leaves, before the head of an entry, unless the pages have been seen from where the entry
    /// stands now, in the present state of the mappings.
    pub(super) fn ask_pages(&mut self, seen: u64, entry: usize) {
        self.at = entry;
        let cpu = self.cx.cold_cpu();
        let builder = &mut *self.cx.builder;
        let state = builder.ins().load(types::I64, STRUCT, cpu, Places::STATE);
        let now = builder.ins().load(types::I64, STRUCT, state, 0);
        // Another CPU may write them: see `Seen` for the order, which atomic loads keep.
        let seen = builder.ins().iconst(types::I64, seen as i64);
        let base = builder.ins().iadd_imm_s(seen, i64::from(Seen::BASE));
        let there = builder.ins().atomic_load(types::I64, STRUCT, base);
        let then = builder.ins().iadd_imm_s(seen, i64::from(Seen::STATE));
        let then = builder.ins().atomic_load(types::I64, STRUCT, then);
        let changed = builder.ins().bxor(now, then);
        let here = self.first_page();
        let builder = &mut *self.cx.builder;
        let here = builder
            .ins()
            .iadd_imm_s(here, self.region.page(entry).wrapping_neg());
        let elsewhere = builder.ins().bxor(here, there);
        let other = builder.ins().bor(changed, elsewhere);
        let on = self.unless(other);
        self.leave_by(std::mem::offset_of!(Gates, pages));
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
    }

    /// Goes on elsewhere for good.
    fn leave(&mut self, to: Value, head: Value) {
        let (cpu, code) = (self.cx.cold_cpu(), self.code());
        let fuel = self.fuel_argument();
        self.notes.exits += 1;
        let number = self.notes.exits;
        let builder = &mut *self.cx.builder;
        let way = *self
            .way
            .get_or_insert_with(|| builder.import_signature(signature()));
        self.notes.teller.begin_place(builder, number);
        let args: Vec<Value> = [cpu, head, code].into_iter().chain(fuel).collect();
        builder.ins().return_call_indirect(way, to, &args);
        self.notes.teller.end_place(builder);
    }
}
