//! How a region is left.

use cranelift_codegen::ir::{InstBuilder, SourceLoc, Value, types};
use vm_engine_interp::native::Places;

use super::writer::Writer;
use crate::body::{STRUCT, signature};
use crate::exits::look_up;

impl Writer<'_, '_, '_> {
    /// Leaves by a fixed exit of the block at hand: over its cell if it leads to the page, else by
    /// the jump cache.
    pub(super) fn exit(&mut self, number: usize, distance: i64) {
        self.write_back();
        if self.region.target(self.at, distance).is_none() {
            let target = self.address_at(distance);
            return self.jump(target);
        }
        let code = self.code();
        let at = Places::EXITS + 8 * number as i32;
        let ins = self.cx.builder.ins();
        let head = ins.load(types::I64, STRUCT, code, at);
        self.go_on(head);
    }

    /// Goes on at an address, by the jump cache.
    fn jump(&mut self, target: Value) {
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

    /// Goes on elsewhere for good.
    fn leave(&mut self, to: Value, head: Value) {
        let (cpu, code) = (self.cx.cold_cpu(), self.code());
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
