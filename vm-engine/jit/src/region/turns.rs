//! Loops that are run turn by turn without leaving their values.
//!
//! A block that leads to itself, or blocks that lead to one another in a row and back, are written
//! as a loop of their own. The fuel for a turn is taken at the end of the one before: where a turn
//! begins nothing is left by, so that what the turn sets before it asks for it has no value there,
//! and takes no register. What is kept on the stack between blocks is put there when the loop ends.
//!
//! Where a block leads to itself and moves each slot of its checks by a fixed number, one can say
//! at the first turn how many turns its accesses stay on the pages that are kept. The fuel for
//! more than these is put aside, so that the one comparison of the fuel, which each turn has in
//! any case, ends them; whatever leaves the block or calls a gate takes the fuel back before.
//!
//! Of several blocks the fuel is taken at once, if it reaches for all of them; what leaves before
//! the last one gives the rest back. If it does not, they are run one by one.

use cranelift_codegen::ir::{
    self, BlockArg, InstBuilder, StackSlotData, StackSlotKind, Value, types,
};
use vm_core::PAGE_BYTES;
use vm_ir::{Effect, End, Op};

use super::flow::Set;
use super::members::Region;
use super::probes::Kept;
use super::spans::{Spans, Way};
use super::writer::Writer;

const NONE: [BlockArg; 0] = [];

/// The most slots that are handed over where a loop ends.
// LIMIT: of more, some are on the stack in any case, and each costs a move there.
const HANDED: u32 = 8;

/// The most instructions of a turn that is written twice.
// LIMIT: compiling takes as long as there is code, and longer turns wait for other things.
const TURN: u32 = 64;

impl Region {
    /// The blocks of a loop of several that begins with a block, if each but the first is reached
    /// from the one before only.
    pub fn round(&self, first: usize, spans: &Spans, lazy: &[bool]) -> Option<Vec<usize>> {
        let fits = |at: usize| {
            let fixed = matches!(self.blocks[at].end, End::Goto(_) | End::Branch { .. });
            fixed && spans.checks[at].is_empty() && lazy[at] && !self.next[at].contains(&at)
        };
        let mut round = vec![first];
        let mut last = first;
        while fits(last) {
            if self.next[last].contains(&first) {
                let insns: u32 = round.iter().map(|at| self.blocks[*at].insns).sum();
                return (round.len() > 1 && insns <= TURN).then_some(round);
            }
            let mut next = self.next[last].iter();
            last = *next.find(|to| self.only_way_to(**to) == Some(last))?;
            if round.contains(&last) {
                return None;
            }
            round.push(last);
        }
        None
    }
}

impl Writer<'_, '_, '_> {
    /// Writes the block at hand, whose checks hold, as a loop; it moves their slots by `steps`.
    ///
    /// Its instructions have been taken from the fuel once.
    pub(super) fn turns(&mut self, steps: &[i64], starts: &[Value]) {
        let insns = i64::from(self.region.blocks[self.at].insns);
        if let Some(more) = self.more_turns(steps, starts) {
            let fuel = self.fuel();
            let builder = &mut *self.cx.builder;
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
            let aside = builder.create_sized_stack_slot(data);
            let most = builder.ins().imul_imm_s(more, insns);
            let over = builder.ins().isub(fuel, most);
            let zero = builder.ins().iconst(types::I64, 0);
            let over = builder.ins().smax(over, zero);
            builder.ins().stack_store(types::I64, over, aside, 0);
            let fuel = builder.ins().isub(fuel, over);
            self.set_fuel(fuel);
            self.aside = Some(aside);
        }
        self.turn_on(&[self.at], insns);
        self.aside = None;
    }

    /// Writes the blocks of a round, the first of which is at hand, as a loop, and turns to where
    /// the fuel does not reach for it.
    pub(super) fn rounds(&mut self, round: &[usize]) {
        let insns: u32 = round.iter().map(|at| self.region.blocks[*at].insns).sum();
        let insns = i64::from(insns);
        let on = self.take_or(insns);
        self.give_back(insns);
        let builder = &mut *self.cx.builder;
        let slow = builder.create_block();
        builder.set_cold_block(slow);
        builder.ins().jump(slow, &NONE);
        builder.seal_block(slow);
        builder.switch_to_block(on);
        self.turn_on(round, insns);
        self.facts.clear();
        for at in round {
            self.rounded[*at] = true;
        }
        for at in &round[1..] {
            self.cx.builder.set_cold_block(self.heads[*at]);
        }
        self.cx.builder.switch_to_block(slow);
        self.cx.begin();
        self.find_state();
    }

    /// Writes blocks that follow one another as a loop; the fuel has been taken for one turn.
    pub(super) fn turn_on(&mut self, round: &[usize], insns: i64) {
        let first = self.at;
        let turn = self.cx.builder.create_block();
        self.cx.builder.ins().jump(turn, &NONE);
        self.cx.builder.switch_to_block(turn);
        self.cx.begin();
        (self.turned, self.late) = self.late_slots(round);
        (self.fresh, self.ahead) = (0, insns);
        for (n, at) in round.iter().enumerate() {
            self.at = *at;
            self.ahead -= i64::from(self.region.blocks[*at].insns);
            self.operations();
            if let Some(next) = round.get(n + 1) {
                self.go_along(*next);
            }
        }
        self.end_of_turn(turn, first, insns);
        self.cx.builder.seal_block(turn);
        self.late = 0;
        self.at = first;
    }

    /// The slots that a turn sets for the next one, and those that it sets before anything can ask
    /// for them.
    fn late_slots(&self, round: &[usize]) -> (Set, Set) {
        let (mut late, mut set, mut found) = (0, 0, 0);
        let mut asked = false;
        for at in round {
            let block = &self.region.blocks[*at];
            let ways = &self.spans.ways[*at];
            for (inst, way) in block.insts.iter().zip(ways) {
                let near = self.near.is_some() && matches!(way, Way::Checked(_));
                asked |= match inst.op.effect() {
                    Effect::Memory => inst.op != Op::Fence && !near,
                    Effect::Trap => !self.is_guarded(block, inst),
                    _ => false,
                };
                if !matches!(inst.op, Op::Get | Op::Set) {
                    continue;
                }
                let bit: Set = self.slots.index(inst.imm).map_or(0, |slot| 1 << slot);
                if inst.op == Op::Get {
                    found |= bit & !set;
                    continue;
                }
                late |= if asked { 0 } else { bit & !set };
                set |= bit;
            }
            asked |= matches!(block.end, End::Branch { .. });
        }
        (found & set, late)
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

    /// Goes on with the next block of a round, or leaves it.
    fn go_along(&mut self, next: usize) {
        let region = self.region;
        let End::Branch { cond, taken, fall } = region.blocks[self.at].end else {
            return;
        };
        let cond = self.int(cond);
        let [on, out] = [(); 2].map(|()| self.cx.builder.create_block());
        let along = region.inside(self.at, taken) == Some(next);
        let (yes, no) = if along { (on, out) } else { (out, on) };
        self.cx.builder.ins().brif(cond, yes, &NONE, no, &NONE);
        self.cx.builder.seal_block(on);
        self.cx.builder.seal_block(out);
        self.cx.builder.switch_to_block(out);
        self.give_back(0);
        let facts = self.facts.clone();
        let (number, to) = if along { (1, fall) } else { (0, taken) };
        self.out_of_turn(number, to);
        self.facts = facts;
        self.dirty = self.slots.dirty[self.at] | self.fresh;
        self.cx.builder.switch_to_block(on);
    }

    /// Goes on with the next turn, for which the fuel is taken, or leaves the loop.
    fn end_of_turn(&mut self, turn: ir::Block, first: usize, insns: i64) {
        let region = self.region;
        if !self.slots.lazy[self.at] {
            self.write_back();
            self.dirty = 0;
        }
        let head = self.heads[first];
        let End::Branch { cond, taken, fall } = region.blocks[self.at].end else {
            // It turns for ever.
            let on = self.take_or(insns);
            self.give_back(insns);
            self.park(self.late);
            self.cx.builder.ins().jump(head, &NONE);
            self.cx.builder.switch_to_block(on);
            self.cx.builder.ins().jump(turn, &NONE);
            return;
        };
        let cond = self.int(cond);
        let again = region.inside(self.at, taken) == Some(first);
        let way = |to, out| if again { (to, out) } else { (out, to) };
        let [more, out] = [(); 2].map(|()| self.cx.builder.create_block());
        // The fuel is taken before it is known whether there is another turn, so that what ends
        // most turns is one jump.
        let on = self.take_or(insns);
        let before: Vec<Value> = self.turned().map(|n| self.detour(n)).collect();
        let (yes, no) = way(more, out);
        self.cx.builder.ins().brif(cond, yes, &NONE, no, &NONE);
        self.cx.builder.seal_block(more);
        self.cx.builder.switch_to_block(more);
        self.give_back(insns);
        self.park(self.late);
        self.cx.builder.ins().jump(head, &NONE);
        self.cx.builder.switch_to_block(on);
        for (n, value) in self.turned().zip(before) {
            self.cx.builder.def_var(self.vars[n], value);
        }
        let (yes, no) = way(turn, out);
        self.cx.builder.ins().brif(cond, yes, &NONE, no, &NONE);
        self.cx.builder.seal_block(out);
        self.cx.builder.switch_to_block(out);
        self.give_back(insns);
        let (number, to) = if again { (1, fall) } else { (0, taken) };
        self.out_of_turn(number, to);
    }

    /// The slots that a turn of the loop at hand sets for the next one.
    fn turned(&self) -> impl Iterator<Item = usize> + use<> {
        let set = self.turned;
        let set = if set.count_ones() > HANDED { 0 } else { set };
        (0..self.vars.len()).filter(move |n| set >> n & 1 == 1)
    }

    /// Makes another value of a slot's; what it was before.
    ///
    /// Where a value comes from two sides, it is handed over at the end of each. One that comes
    /// from a single side is calculated again by the code generator where it is used, if that is
    /// a sum, and has what it is made of live longer than the loop wants.
    fn detour(&mut self, slot: usize) -> Value {
        let var = self.vars[slot];
        let builder = &mut *self.cx.builder;
        let value = builder.use_var(var);
        let ty = builder.func.dfg.value_type(value);
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
        let room = *self
            .room
            .get_or_insert_with(|| builder.create_sized_stack_slot(data));
        builder.ins().stack_store(types::I64, value, room, 0);
        let other = builder.ins().stack_load(types::I64, ty, room, 0);
        builder.def_var(var, other);
        value
    }

    /// Leaves a turn by an exit of the block at hand.
    fn out_of_turn(&mut self, number: usize, to: i64) {
        match self.region.inside(self.at, to) {
            Some(inside) => {
                self.park(self.late);
                let (way, head) = self.way_to(inside);
                self.cx.builder.ins().jump(way, &NONE);
                self.pave(way, head);
            }
            None => self.exit(number, to),
        }
    }
}
