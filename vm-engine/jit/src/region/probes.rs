//! What the TLB has answered, kept as long as control does not leave the region.
//!
//! An answer holds until the guest or the machine changes a mapping, takes a right away, or goes
//! on in another mode; none of that happens inside: what could is a helper or a stop, of which
//! regions have none, and what a miss does is to enter more. That another page takes the TLB's
//! entry makes no difference.
//!
//! A block with checks is written twice. Where it begins, each check asks whether its bytes lie
//! on the page that is kept for its class; the first writing relies on it, so that its accesses
//! are nothing but accesses, aligned or not. Else the TLB is looked at, without a walk, for the
//! pages that are wanted now. If it does not have them, or the bytes of a check lie on two pages,
//! the second writing asks for each access, as blocks without checks do.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, BlockArg, InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use vm_core::PAGE_BYTES;
use vm_mem::TlbEntry;

use super::memory::{entry, tag};
use super::spans::Check;
use super::writer::Writer;
use crate::body::STRUCT;

/// A page that the TLB has answered for, in words on the stack: comparing with one costs no more
/// than with a register, of which there are few.
#[derive(Clone, Copy, Debug)]
pub struct Kept(StackSlot);

impl Kept {
    /// Its address.
    pub const PAGE: i32 = 0;
    /// What to add to an address on it to get the host's.
    const ADDEND: i32 = 8;
    /// Of a class: how far behind the page's beginning the longest check may begin, and one more;
    /// or zero, since every number is the address of some page.
    const LIMIT: i32 = 16;

    fn new(builder: &mut FunctionBuilder, words: u32) -> Self {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 8 * words, 3);
        Self(builder.create_sized_stack_slot(slot))
    }

    /// One of its words.
    pub fn word(self, builder: &mut FunctionBuilder, at: i32) -> Value {
        builder.ins().stack_load(types::I64, types::I64, self.0, at)
    }

    fn put(self, builder: &mut FunctionBuilder, at: i32, value: Value) {
        builder.ins().stack_store(types::I64, value, self.0, at);
    }
}

/// What the last access that guessed had to add to its address, in words on the stack.
///
/// Pages that follow one another for the guest mostly do so for the host, too, so it is mostly
/// right. A jump that is predicted hides how long the TLB takes to say so; but where it is seldom
/// right, each wrong guess costs more than the TLB, so only so many are made.
#[derive(Clone, Copy, Debug)]
pub struct Guess(StackSlot);

impl Guess {
    const ADDEND: i32 = 0;
    /// How many more may be wrong until the region is entered again.
    const LEFT: i32 = 8;
    // LIMIT: each costs some 20 cycles, and a slice has tens of thousands.
    const WRONG: i64 = 32;
    /// No page has this.
    const NO_ADDEND: i64 = -1;
}

const NONE: [BlockArg; 0] = [];

impl Writer<'_, '_, '_> {
    /// Begins with no page known.
    pub(super) fn forget_pages(&mut self) {
        let spans = self.spans;
        let builder = &mut *self.cx.builder;
        for _ in &spans.classes {
            let kept = Kept::new(builder, 3);
            let zero = builder.ins().iconst(types::I64, 0);
            kept.put(builder, Kept::LIMIT, zero);
            self.kept.push(kept);
        }
        for _ in &spans.sites {
            let site = Kept::new(builder, 2);
            // No address has low bits that are not looked at.
            let none = builder.ins().iconst(types::I64, -1);
            site.put(builder, Kept::PAGE, none);
            self.sites.push(site);
        }
        if spans.guess() {
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 3);
            let guess = builder.create_sized_stack_slot(slot);
            let words = [
                (Guess::ADDEND, Guess::NO_ADDEND),
                (Guess::LEFT, Guess::WRONG),
            ];
            for (at, word) in words {
                let word = builder.ins().iconst(types::I64, word);
                builder.ins().stack_store(types::I64, word, guess, at);
            }
            self.guess = Some(Guess(guess));
        }
    }

    /// Writes the block at hand, which has checks.
    pub(super) fn twice(&mut self) {
        let checks = &self.spans.checks[self.at];
        let builder = &mut *self.cx.builder;
        let [fast, slow, probe] = [(); 3].map(|()| builder.create_block());
        builder.set_cold_block(slow);
        builder.set_cold_block(probe);
        let starts: Vec<Value> = checks.iter().map(|check| self.start(check)).collect();
        for (check, start) in checks.iter().zip(&starts) {
            let kept = self.kept[check.class];
            let builder = &mut *self.cx.builder;
            let page = kept.word(builder, Kept::PAGE);
            let limit = kept.word(builder, Kept::LIMIT);
            let other = far(builder, *start, page, limit);
            let on = builder.create_block();
            builder.ins().brif(other, probe, &NONE, on, &NONE);
            builder.seal_block(on);
            builder.switch_to_block(on);
        }
        self.cx.builder.ins().jump(fast, &NONE);
        self.cx.builder.seal_block(probe);
        self.cx.builder.switch_to_block(probe);
        self.probe(&starts, slow);
        self.cx.builder.ins().jump(fast, &NONE);
        self.cx.builder.seal_block(fast);
        self.cx.builder.seal_block(slow);
        let before = self.facts.clone();
        self.cx.builder.switch_to_block(fast);
        let builder = &mut *self.cx.builder;
        let mut addends = vec![None; self.kept.len()];
        let addends = checks.iter().map(|check| {
            *addends[check.class]
                .get_or_insert_with(|| self.kept[check.class].word(builder, Kept::ADDEND))
        });
        self.near = Some(addends.collect());
        match &self.spans.steps[self.at] {
            Some(steps) => self.turns(steps, &starts),
            None => {
                self.body();
                self.end();
            }
        }
        self.near = None;
        self.cx.begin();
        self.facts = before;
        self.cx.builder.switch_to_block(slow);
        let was = std::mem::replace(&mut self.cold, true);
        self.body();
        self.end();
        self.cold = was;
    }

    /// The address of the first byte of a check.
    fn start(&mut self, check: &Check) -> Value {
        let root = self.cx.builder.use_var(self.vars[check.root]);
        match check.first {
            0 => root,
            first => self.cx.builder.ins().iadd_imm_s(root, first),
        }
    }

    /// Keeps what the TLB has for the checks of the block at hand, or goes to `slow`.
    fn probe(&mut self, starts: &[Value], slow: ir::Block) {
        let (spans, tlb) = (self.spans, self.tlb);
        let checks = &spans.checks[self.at];
        for (n, class) in spans.classes.iter().enumerate() {
            let own = checks.iter().zip(starts);
            let mut own = own.filter(|(check, _)| check.class == n).map(|(_, at)| *at);
            let Some(first) = own.next() else { continue };
            let builder = &mut *self.cx.builder;
            let page = builder.ins().band_imm_s(first, -(PAGE_BYTES as i64));
            let limit = PAGE_BYTES as i64 + 1 - class.longest;
            let limit = builder.ins().iconst(types::I64, limit);
            let entry = entry(builder, tlb, first);
            let known = builder
                .ins()
                .load(types::I64, STRUCT, entry, tag(class.store));
            let mut bad = builder.ins().icmp(IntCC::NotEqual, page, known);
            for start in std::iter::once(first).chain(own) {
                let far = far(builder, start, page, limit);
                bad = builder.ins().bor(bad, far);
            }
            let on = builder.create_block();
            builder.set_cold_block(on);
            builder.ins().brif(bad, slow, &NONE, on, &NONE);
            builder.seal_block(on);
            builder.switch_to_block(on);
            let at = std::mem::offset_of!(TlbEntry, addend) as i32;
            let addend = builder.ins().load(types::I64, STRUCT, entry, at);
            let kept = self.kept[n];
            kept.put(builder, Kept::PAGE, page);
            kept.put(builder, Kept::ADDEND, addend);
            kept.put(builder, Kept::LIMIT, limit);
        }
    }

    /// What to add to an address to load from: what it was the time before, if the TLB says the
    /// same afterwards.
    pub(super) fn guessed(&mut self, addr: Value, low: i64) -> Value {
        let Some(Guess(slot)) = self.guess else {
            return self.asked(addr, low, false);
        };
        let entry = self.answered(addr, low, false);
        let builder = &mut *self.cx.builder;
        let load = |builder: &mut FunctionBuilder, at| {
            builder.ins().stack_load(types::I64, types::I64, slot, at)
        };
        let guess = load(builder, Guess::ADDEND);
        let at = std::mem::offset_of!(TlbEntry, addend) as i32;
        let right = builder.ins().load(types::I64, STRUCT, entry, at);
        let wrong = builder.ins().icmp(IntCC::NotEqual, guess, right);
        let (other, on) = (builder.create_block(), builder.create_block());
        let addend = builder.append_block_param(on, types::I64);
        builder.ins().brif(wrong, other, &NONE, on, &[guess.into()]);
        builder.seal_block(other);
        builder.set_cold_block(other);
        if self.cold {
            builder.set_cold_block(on);
        }
        builder.switch_to_block(other);
        let left = load(builder, Guess::LEFT);
        let left = builder.ins().iadd_imm_s(left, -1);
        let never = builder.ins().iconst(types::I64, Guess::NO_ADDEND);
        let may = builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, left, 0);
        let next = builder.ins().select(may, right, never);
        for (at, word) in [(Guess::LEFT, left), (Guess::ADDEND, next)] {
            builder.ins().stack_store(types::I64, word, slot, at);
        }
        builder.ins().jump(on, &[right.into()]);
        builder.seal_block(on);
        builder.switch_to_block(on);
        addend
    }

    /// What to add to an address to get the host's, if it is on the page of the time before at
    /// this place; else the TLB is asked.
    pub(super) fn as_before(&mut self, site: usize, addr: Value, low: i64, store: bool) -> Value {
        let kept = self.sites[site];
        let both = self.spans.sites[site];
        let builder = &mut *self.cx.builder;
        let cut = builder.ins().band_imm_s(addr, -(PAGE_BYTES as i64) | low);
        let before = kept.word(builder, Kept::PAGE);
        let other = builder.ins().icmp(IntCC::NotEqual, cut, before);
        let on = self.unless(other);
        let was = std::mem::replace(&mut self.cold, true);
        let addend = self.asked(addr, low, store);
        let builder = &mut *self.cx.builder;
        let now = builder.ins().band_imm_s(addr, -(PAGE_BYTES as i64));
        if both && !store {
            // What is loaded here is stored to afterwards. Where that is not known to be allowed,
            // the interpreter does both; mostly it is the next time.
            let entry = entry(builder, self.tlb, addr);
            let known = builder.ins().load(types::I64, STRUCT, entry, tag(true));
            let may_not = builder.ins().icmp(IntCC::NotEqual, now, known);
            self.alone_if(may_not);
        }
        self.cold = was;
        let builder = &mut *self.cx.builder;
        kept.put(builder, Kept::PAGE, now);
        kept.put(builder, Kept::ADDEND, addend);
        builder.ins().jump(on, &NONE);
        builder.seal_block(on);
        builder.switch_to_block(on);
        kept.word(builder, Kept::ADDEND)
    }
}

/// Whether an address is not in the first `limit` bytes of a page.
fn far(builder: &mut FunctionBuilder, addr: Value, page: Value, limit: Value) -> Value {
    let into = builder.ins().isub(addr, page);
    let least = IntCC::UnsignedGreaterThanOrEqual;
    builder.ins().icmp(least, into, limit)
}
