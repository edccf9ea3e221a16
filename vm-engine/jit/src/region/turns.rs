//! Loops of one block, whose checks hold for several turns.
//!
//! Where a block leads to itself and moves each slot of its checks by a fixed number, one can say
//! at the first turn how many turns its accesses stay on the pages that are kept. The fuel for
//! more than these is put aside, so that the one comparison of the fuel, which each turn has in
//! any case, ends them; whatever leaves the block or calls a gate takes the fuel back before.

use cranelift_codegen::ir::{
    self, BlockArg, InstBuilder, StackSlotData, StackSlotKind, Value, types,
};
use vm_core::PAGE_BYTES;
use vm_ir::End;

use super::probes::Kept;
use super::writer::Writer;

const NONE: [BlockArg; 0] = [];

impl Writer<'_, '_, '_> {
    /// Writes the block at hand, whose checks hold, as a loop; it moves their slots by `steps`.
    ///
    /// Its instructions have been taken from the fuel once.
    pub(super) fn turns(&mut self, steps: &[i64], starts: &[Value]) {
        let insns = i64::from(self.region.blocks[self.at].insns);
        let more = self.more_turns(steps, starts);
        let fuel = self.fuel();
        let builder = &mut *self.cx.builder;
        let mut fuel = builder.ins().iadd_imm_s(fuel, insns);
        if let Some(more) = more {
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
            let aside = builder.create_sized_stack_slot(data);
            let most = builder.ins().imul_imm_s(more, insns);
            let most = builder.ins().iadd_imm_s(most, insns);
            let over = builder.ins().isub(fuel, most);
            let zero = builder.ins().iconst(types::I64, 0);
            let over = builder.ins().smax(over, zero);
            builder.ins().stack_store(types::I64, over, aside, 0);
            fuel = builder.ins().isub(fuel, over);
            self.aside = Some(aside);
        }
        self.set_fuel(fuel);
        let builder = &mut *self.cx.builder;
        let turn = builder.create_block();
        builder.ins().jump(turn, &NONE);
        builder.switch_to_block(turn);
        self.cx.begin();
        let on = self.take_or(insns);
        self.give_back(insns);
        self.cx.builder.ins().jump(self.heads[self.at], &NONE);
        self.cx.builder.switch_to_block(on);
        self.body();
        self.end_of_turn(turn);
        self.cx.builder.seal_block(turn);
        self.aside = None;
    }

    /// How many turns more than one the accesses of the block stay on their pages; nothing if
    /// they do so for ever.
    fn more_turns(&mut self, steps: &[i64], starts: &[Value]) -> Option<Value> {
        let spans = self.spans;
        let checks = spans.checks[self.at].iter().zip(starts).zip(steps);
        let mut least = None;
        for ((check, start), step) in checks.filter(|(_, step)| **step != 0) {
            let builder = &mut *self.cx.builder;
            let page = self.kept[check.class].word(builder, Kept::PAGE);
            let room = if *step > 0 {
                let last = PAGE_BYTES as i64 - spans.classes[check.class].longest;
                let last = builder.ins().iadd_imm_s(page, last);
                builder.ins().isub(last, *start)
            } else {
                builder.ins().isub(*start, page)
            };
            // What is so far apart that it leaves its page at once is divided right, too.
            let by = builder.ins().iconst(types::I64, step.unsigned_abs() as i64);
            let turns = builder.ins().udiv(room, by);
            least = Some(match least {
                Some(least) => builder.ins().umin(least, turns),
                None => turns,
            });
        }
        least
    }

    /// Goes on with the next turn, or leaves the loop.
    fn end_of_turn(&mut self, turn: ir::Block) {
        let region = self.region;
        if !self.slots.lazy[self.at] {
            self.write_back();
            self.dirty = 0;
        }
        let End::Branch { cond, taken, fall } = region.blocks[self.at].end else {
            // It turns for ever.
            self.cx.builder.ins().jump(turn, &NONE);
            return;
        };
        let cond = self.int(cond);
        let out = self.cx.builder.create_block();
        let again = region.inside(self.at, taken) == Some(self.at);
        let (yes, no) = if again { (turn, out) } else { (out, turn) };
        self.cx.builder.ins().brif(cond, yes, &NONE, no, &NONE);
        self.cx.builder.seal_block(out);
        self.cx.builder.switch_to_block(out);
        if self.aside.is_some() {
            self.give_back(0);
        }
        let (number, to) = if again { (1, fall) } else { (0, taken) };
        match region.inside(self.at, to) {
            Some(inside) => {
                let (way, head) = self.way_to(inside);
                self.cx.builder.ins().jump(way, &NONE);
                self.pave(way, head);
            }
            None => self.exit(number, to),
        }
    }
}
