//! A region as one host function, except for its memory operations and its exits.

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, SigRef, StackSlot, Value, types};
use cranelift_frontend::Variable;
use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{KEEPS_FRAMES, Places};
use vm_ir::{Effect, End, Id, Inst, Op, Type};

use super::entry::Guard;
use super::flow::{Set, Slots};
use super::members::Region;
use super::memory::Fact;
use super::probes::{Guess, Kept};
use super::spans::Spans;
use crate::body::{STRUCT, host_type};
use crate::gates::miss_signature;
use crate::lower::{self, Lowering};
use crate::told::Teller;

/// What is noted while a function is written.
#[derive(Default)]
pub struct Notes {
    /// How many exits there are.
    pub exits: u32,
    /// How often fuel is taken.
    pub fuel: u32,
    /// Which instruction of the guest is at hand, if somebody wants to know.
    pub teller: Teller,
}

/// Places in the code from this number on take fuel; exits have smaller ones.
pub const FUEL: u32 = 1 << 31;

/// A function on its way.
pub struct Writer<'a, 'b, 'f> {
    pub(super) cx: Lowering<'b, 'f>,
    pub(super) region: &'a Region,
    pub(super) slots: &'a Slots,
    pub(super) spans: &'a Spans,
    pub(super) notes: &'a mut Notes,
    /// The slot of the sticky floating-point flags, which stays in memory.
    pub(super) fp_flags: u64,
    /// The first slot of the reservation.
    pub(super) reservation: u16,
    /// The values of slots that no block sets, and parts of them by slot and type.
    pub(super) fixed: Vec<Option<Value>>,
    pub(super) parts: Vec<((u64, Type), Value)>,
    /// What traps ask that is asked at the entry, and the answer.
    pub(super) guards: Vec<Guard>,
    pub(super) refuse: Option<Value>,
    /// The odd singles, one bit each: where the region begins, and at any place.
    pub(super) odd_at_entry: Option<Value>,
    pub(super) odd: Option<Variable>,
    pub(super) vars: Vec<Variable>,
    /// What the TLB has said for each class of accesses.
    pub(super) kept: Vec<Kept>,
    /// Page and distance of the time before, for each place that remembers them.
    pub(super) sites: Vec<Kept>,
    /// The guess of what to add to addresses.
    pub(super) guess: Option<Guess>,
    /// What to add to the addresses of each check of the block at hand, if all of them hold.
    pub(super) near: Option<Vec<Value>>,
    /// The fuel that turns of the block at hand have put aside, if they do.
    pub(super) aside: Option<StackSlot>,
    /// The fuel that was taken for the blocks behind the one at hand.
    pub(super) ahead: i64,
    /// The blocks that have been written as parts of a round, too.
    pub(super) rounded: Vec<bool>,
    /// What was loaded, with zeroes above it.
    pub(super) wide: HashMap<Id, Value>,
    /// Room for a value on the stack.
    pub(super) room: Option<StackSlot>,
    /// The slots that the turn at hand sets for the next one.
    pub(super) turned: Set,
    /// The slots that are put away at the end of the turn only.
    pub(super) late: Set,
    /// What is written now is seldom run.
    pub(super) cold: bool,
    pub(super) heads: Vec<ir::Block>,
    /// The TLB table in force.
    pub(super) tlb: Value,
    /// The block at hand.
    pub(super) at: usize,
    /// The number of the instruction at hand.
    pub(super) site: u8,
    /// The slots that memory may not have.
    pub(super) dirty: Set,
    /// Those that the block at hand has set.
    pub(super) fresh: Set,
    /// Where those are between blocks that are no values then.
    pub(super) parked: Vec<Option<StackSlot>>,
    /// The fuel that is left, if it is not in a register of its own.
    pub(super) fuel: Option<Variable>,
    /// The slots that were set on every way to here.
    pub(super) must: Set,
    /// What the TLB has answered on every way to here.
    pub(super) facts: Vec<Fact>,
    /// The same at the end of each block that has been written.
    known: Vec<Option<Vec<Fact>>>,
    /// What values were made from by adding constants.
    pub(super) roots: HashMap<Value, (Value, i64)>,
    values: Vec<Option<Value>>,
    wants: Vec<bool>,
    pub(super) way: Option<SigRef>,
    pub(super) gate: Option<SigRef>,
}

impl<'a, 'b, 'f> Writer<'a, 'b, 'f> {
    /// Begins a function in the builder's current block.
    pub fn new(
        cx: Lowering<'b, 'f>,
        region: &'a Region,
        (slots, spans): (&'a Slots, &'a Spans),
        notes: &'a mut Notes,
        (fp_flags, reservation): (u64, u16),
    ) -> Self {
        let cpu = cx.cpu;
        let ins = cx.builder.ins();
        let tlb = ins.load(types::I64, STRUCT, cpu, Places::TLB);
        Self {
            cx,
            region,
            slots,
            spans,
            notes,
            fp_flags,
            reservation,
            fixed: Vec::new(),
            parts: Vec::new(),
            guards: Vec::new(),
            refuse: None,
            odd_at_entry: None,
            odd: None,
            vars: Vec::new(),
            kept: Vec::new(),
            sites: Vec::new(),
            guess: None,
            near: None,
            aside: None,
            ahead: 0,
            rounded: vec![false; region.blocks.len()],
            wide: HashMap::new(),
            room: None,
            turned: 0,
            late: 0,
            cold: false,
            heads: Vec::new(),
            tlb,
            at: 0,
            site: 0,
            dirty: 0,
            fresh: 0,
            parked: Vec::new(),
            fuel: None,
            must: 0,
            facts: Vec::new(),
            known: vec![None; region.blocks.len()],
            roots: HashMap::new(),
            values: Vec::new(),
            wants: Vec::new(),
            way: None,
            gate: None,
        }
    }

    /// Writes all of it, with what it is called with besides the CPU: the head of the entry; the
    /// entry's number, where there is code in front that says so; the fuel.
    pub fn write(&mut self, head: Value, number: Value, fuel: Option<Value>) {
        let region = self.region;
        if let Some(fuel) = fuel {
            let builder = &mut *self.cx.builder;
            let var = builder.declare_var(types::I64);
            builder.def_var(var, fuel);
            self.fuel = Some(var);
        }
        for _ in &region.blocks {
            let head = self.cx.builder.create_block();
            self.heads.push(head);
        }
        self.enter(if KEEPS_FRAMES { head } else { number });
        for at in 0..region.blocks.len() {
            self.block(at);
        }
    }

    /// Loads the slots and goes on at the entry that was called: its head or its number.
    fn enter(&mut self, called: Value) {
        self.cx.keep_aside();
        let values = self.load_slots();
        self.fix(values);
        self.forget_pages();
        let none: [BlockArg; 0] = [];
        let entries = &self.region.entries;
        for (n, entry) in entries.iter().enumerate().skip(1) {
            let builder = &mut *self.cx.builder;
            let (this, other) = (builder.create_block(), builder.create_block());
            let this_one = if KEEPS_FRAMES {
                self.region.members[*entry].code as i64
            } else {
                n as i64
            };
            let is_this = builder.ins().icmp_imm_s(IntCC::Equal, called, this_one);
            builder.ins().brif(is_this, this, &none, other, &none);
            builder.switch_to_block(this);
            self.enter_at(*entry);
            self.cx.builder.switch_to_block(other);
        }
        self.enter_at(entries[0]);
    }

    /// Goes on at the head of a block that was entered, on the first page as all do.
    fn enter_at(&mut self, entry: usize) {
        let none: [BlockArg; 0] = [];
        if let Some(seen) = &self.region.seen {
            self.ask_pages(seen.address(), entry);
        }
        let page = self.region.page(entry);
        if page != 0 {
            let cpu = self.cx.cold_cpu();
            let builder = &mut *self.cx.builder;
            let own = builder.ins().load(types::I64, STRUCT, cpu, Places::PC);
            let first = builder.ins().iadd_imm_s(own, page.wrapping_neg());
            builder.ins().store(STRUCT, first, cpu, Places::PC);
        }
        if let Some(bad) = self.refuse {
            self.refuse_if(bad, entry);
        }
        self.cx.builder.ins().jump(self.heads[entry], &none);
    }

    fn block(&mut self, at: usize) {
        let block = &self.region.blocks[at];
        self.cx.builder.switch_to_block(self.heads[at]);
        self.cx.begin();
        self.facts.clear();
        if let Some(facts) = self
            .region
            .only_way_to(at)
            .and_then(|from| self.known[from].clone())
        {
            // Then what the slots hold is known, too.
            self.cx.builder.seal_block(self.heads[at]);
            self.facts = facts;
        }
        self.at = at;
        self.notes.teller.turn_to(self.cx.builder, at, 0);
        self.find_state();
        if let Some(chain) = self.region.round(at, self.spans, &self.slots.lazy) {
            self.rounds(&chain);
        }
        self.take_fuel(i64::from(block.insns));
        if !self.spans.checks[at].is_empty() {
            self.twice();
        } else if self.spans.steps[at].is_some() {
            self.turn_on(&[at], i64::from(block.insns));
            self.known[at] = Some(self.facts.clone());
        } else {
            self.body();
            self.known[at] = (!self.rounded[at]).then(|| self.facts.clone());
            self.end();
        }
    }

    /// The state is as the block at hand finds it.
    pub(super) fn find_state(&mut self) {
        (self.dirty, self.fresh) = (self.slots.dirty[self.at], 0);
        self.must = self.slots.singles.must[self.at];
    }

    /// The operations of the block at hand.
    pub(super) fn body(&mut self) {
        self.fresh = 0;
        self.operations();
    }

    /// The same, behind others that have set what is fresh.
    pub(super) fn operations(&mut self) {
        let (region, slots) = (self.region, self.slots);
        // What is not late has been put away where the block before ended.
        self.fresh &= self.late;
        (self.site, self.dirty) = (0, slots.dirty[self.at] | self.fresh);
        self.must = slots.singles.must[self.at];
        let block = &region.blocks[self.at];
        lower::wants_float(block, true, |slot| slots.is_float(slot), &mut self.wants);
        self.values.clear();
        self.wide.clear();
        for inst in &region.blocks[self.at].insts {
            let value = self.inst(inst);
            self.values.push(value);
        }
        self.settle_odd();
        self.park(!self.late);
    }

    /// The number of the operation at hand.
    pub(super) fn number(&self) -> usize {
        self.values.len()
    }

    /// Turns to a cold block for the case that `bad` holds; the block for the other case.
    pub(super) fn unless(&mut self, bad: Value) -> ir::Block {
        let builder = &mut *self.cx.builder;
        let (cold, on) = (builder.create_block(), builder.create_block());
        let none: [BlockArg; 0] = [];
        builder.ins().brif(bad, cold, &none, on, &none);
        builder.seal_block(cold);
        builder.set_cold_block(cold);
        if self.cold {
            builder.set_cold_block(on);
        }
        builder.switch_to_block(cold);
        on
    }

    /// The value of an operation.
    pub(super) fn value(&self, id: Id) -> Value {
        let known = self.values.get(usize::from(id)).copied().flatten();
        known.expect("the verifier refuses uses before definitions")
    }

    /// The value of an operation as an integer.
    pub(super) fn int(&mut self, id: Id) -> Value {
        let value = self.value(id);
        self.cx.int(value)
    }

    /// The value of an operation as an integer of 64 bits.
    pub(super) fn word(&mut self, id: Id) -> Value {
        let value = self.int(id);
        if self.cx.builder.func.dfg.value_type(value) == types::I64 {
            value
        } else {
            self.cx.builder.ins().uextend(types::I64, value)
        }
    }

    /// Whether the operation at hand is best made as a host's float.
    pub(super) fn wants_float(&self) -> bool {
        self.wants.get(self.values.len()) == Some(&true)
    }

    fn inst(&mut self, inst: &Inst) -> Option<Value> {
        match inst.op.effect() {
            Effect::Marker => {
                if !self.values.is_empty() {
                    self.site += 1;
                }
                let teller = &mut self.notes.teller;
                teller.turn_to(self.cx.builder, self.at, self.site);
                None
            }
            Effect::Get => Some(self.get(inst)),
            Effect::Set => {
                self.set(inst);
                None
            }
            Effect::Pure if inst.op == Op::Pc => Some(self.address(inst)),
            Effect::Pure | Effect::Float => Some(self.calculation(inst)),
            Effect::Memory => self.memory(inst),
            Effect::Trap => {
                if self.is_guarded(&self.region.blocks[self.at], inst) {
                    return None;
                }
                let cond = self.int(inst.args[0]);
                self.alone_if(cond);
                None
            }
            Effect::Helper => unreachable!("the former takes no block that calls helpers"),
        }
    }

    /// A byte that came from outside as a truth value.
    pub(super) fn cut(&mut self, value: Value, ty: Type) -> Value {
        if ty == Type::I1 {
            self.cx.builder.ins().band_imm_s(value, 1)
        } else {
            value
        }
    }

    /// The address at a distance from the first byte of the block at hand.
    pub(super) fn address_at(&mut self, distance: i64) -> Value {
        let page = self.first_page();
        let from_page = distance.wrapping_add(self.region.places[self.at]);
        self.cx.builder.ins().iadd_imm_s(page, from_page)
    }

    /// The address of the first page.
    pub(super) fn first_page(&mut self) -> Value {
        let cpu = self.cx.cold_cpu();
        let builder = &mut *self.cx.builder;
        let pc = builder.ins().load(types::I64, STRUCT, cpu, Places::PC);
        builder.ins().band_imm_s(pc, -(PAGE_BYTES as i64))
    }

    fn address(&mut self, inst: &Inst) -> Value {
        let addr = self.address_at(inst.imm as i64);
        match inst.ty {
            Type::I64 => addr,
            ty => {
                let cut = self.cx.builder.ins().ireduce(host_type(ty), addr);
                self.cut(cut, ty)
            }
        }
    }

    /// The signature of the gate for misses.
    pub(super) fn gate(&mut self) -> SigRef {
        let builder = &mut *self.cx.builder;
        *self
            .gate
            .get_or_insert_with(|| builder.import_signature(miss_signature()))
    }

    /// The address of the head of the block at hand.
    pub(super) fn code(&mut self) -> Value {
        let code = self.region.members[self.at].code;
        self.cx.builder.ins().iconst(types::I64, code as i64)
    }

    pub(super) fn end(&mut self) {
        let region = self.region;
        let none: [BlockArg; 0] = [];
        if !self.slots.lazy[self.at] {
            self.write_back();
            self.dirty = 0;
        }
        match region.blocks[self.at].end {
            End::Goto(to) => match region.inside(self.at, to) {
                Some(inside) => {
                    let (way, head) = self.way_to(inside);
                    self.cx.builder.ins().jump(way, &none);
                    self.pave(way, head);
                }
                None => self.exit(0, to),
            },
            End::Branch { cond, taken, fall } => {
                let cond = self.int(cond);
                let ways = [taken, fall].map(|to| match region.inside(self.at, to) {
                    Some(inside) => (Some(self.way_to(inside)), to),
                    None => (None, to),
                });
                let [yes, no] = ways.map(|(way, _)| match way {
                    Some((way, _)) => way,
                    None => self.cx.builder.create_block(),
                });
                self.cx.builder.ins().brif(cond, yes, &none, no, &none);
                for (number, (block, (way, to))) in [yes, no].into_iter().zip(ways).enumerate() {
                    if let Some((way, head)) = way {
                        self.pave(way, head);
                        continue;
                    }
                    self.cx.builder.set_cold_block(block);
                    self.cx.builder.switch_to_block(block);
                    self.cx.builder.seal_block(block);
                    self.exit(number, to);
                }
            }
            End::Jump { target, .. } => self.jump_inside(target),
            _ => unreachable!("the former takes no block that leads nowhere"),
        }
    }

    /// Where to go on the way to a block inside, and its head: the same, unless something is to be
    /// stored on the way, which [`Self::pave`] writes.
    pub(super) fn way_to(&mut self, inside: usize) -> (ir::Block, ir::Block) {
        let head = self.heads[inside];
        let stores = self.dirty != 0 && !self.slots.lazy[inside];
        let way = if stores {
            self.cx.builder.create_block()
        } else {
            head
        };
        (way, head)
    }

    /// Writes what is to be done on the way to a block inside.
    pub(super) fn pave(&mut self, way: ir::Block, head: ir::Block) {
        if way != head {
            self.cx.builder.seal_block(way);
            if self.cold {
                self.cx.builder.set_cold_block(way);
            }
            self.cx.builder.switch_to_block(way);
            self.write_back();
            let none: [BlockArg; 0] = [];
            self.cx.builder.ins().jump(head, &none);
        }
    }
}
