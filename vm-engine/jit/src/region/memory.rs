//! Memory operations of regions: by the soft TLB, or by a gate in a cold block.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;
use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{Gates, Miss, Places};
use vm_ir::{Id, Inst, MemArg, Op, Type};
use vm_mem::TlbEntry;

use super::spans::Way;
use super::writer::Writer;
use crate::body::{NEVER, STRUCT, host_type};
use crate::memory::{GUEST, INDEX, SHIFT};
use crate::order;

/// The TLB has answered for an address.
///
/// An answer holds until the guest or the machine changes a mapping, which no region sees happen;
/// that another page has taken its entry meanwhile makes no difference.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// What the address was made from by adding constants.
    root: Value,
    /// Their sum.
    offset: i64,
    /// The address.
    addr: Value,
    /// What to add to it to get the host's.
    addend: Value,
    /// The low bits that it has not.
    low: i64,
    /// It may be stored to.
    store: bool,
}

impl Writer<'_, '_, '_> {
    /// Writes a memory operation; its value, if it has one.
    pub(super) fn memory(&mut self, inst: &Inst) -> Option<Value> {
        match inst.op {
            Op::Fence => {
                let cpu = self.cx.cpu;
                order::fence(self.cx.builder, cpu, inst.imm);
                None
            }
            Op::Load => Some(self.load(inst)),
            Op::Store => {
                self.store(inst);
                None
            }
            Op::LoadRes => Some(self.load_reserved(inst)),
            Op::StoreCond => Some(self.store_conditional(inst)),
            op => {
                let by = order::exchange(op).expect("the former takes no other operations");
                let value = self.int(inst.args[1]);
                let host = self.place(inst, MemArg::unpack(inst.imm), true);
                let (ins, ty) = (self.cx.builder.ins(), host_type(inst.ty));
                Some(ins.atomic_rmw(ty, GUEST, by, host, value))
            }
        }
    }

    fn load(&mut self, inst: &Inst) -> Value {
        let arg = MemArg::unpack(inst.imm);
        let swaps = arg.big_endian && inst.ty.bytes() > 1;
        let ty = match inst.ty {
            Type::I64 if self.wants_float() && !swaps => types::F64,
            Type::I32 if self.wants_float() && !swaps => types::F32,
            ty => host_type(ty),
        };
        let host = self.place(inst, arg, false);
        let here = self.number();
        let mut insts = self.region.blocks[self.at].insts.iter();
        let widens = |inst: &Inst| inst.op == Op::Zext && usize::from(inst.args[0]) == here;
        let ints = matches!(inst.ty, Type::I8 | Type::I16);
        if !swaps && ints && insts.any(widens) {
            let ins = self.cx.builder.ins();
            let wide = match ty {
                types::I8 => ins.uload8(types::I64, GUEST, host, 0),
                _ => ins.uload16(types::I64, GUEST, host, 0),
            };
            self.wide.insert(here as Id, wide);
            let value = self.cx.builder.ins().ireduce(ty, wide);
            return self.cut(value, inst.ty);
        }
        let value = self.cx.builder.ins().load(ty, GUEST, host, 0);
        order::behind_load(self.cx.builder, arg);
        if swaps {
            return self.cx.builder.ins().bswap(value);
        }
        self.cut(value, inst.ty)
    }

    fn store(&mut self, inst: &Inst) {
        let arg = MemArg::unpack(inst.imm);
        let swaps = arg.big_endian && inst.ty.bytes() > 1;
        let value = if swaps {
            let value = self.int(inst.args[1]);
            self.cx.builder.ins().bswap(value)
        } else {
            self.value(inst.args[1])
        };
        let host = self.place(inst, arg, true);
        let (builder, cpu) = (&mut *self.cx.builder, self.cx.cpu);
        order::before_store(builder, arg);
        builder.ins().store(GUEST, value, host, 0);
        order::behind_store(builder, cpu, arg);
    }

    /// The host's address of a load or store, after the check that the TLB answers.
    pub(super) fn place(&mut self, inst: &Inst, arg: MemArg, store: bool) -> Value {
        let base = self.word(inst.args[0]);
        let offset = i64::from(arg.offset);
        let builder = &mut *self.cx.builder;
        let addr = match offset {
            0 => base,
            offset => builder.ins().iadd_imm_s(base, offset),
        };
        let way = self.spans.ways[self.at][self.number()];
        if let (Way::Checked(at), Some(near)) = (way, &self.near) {
            let addend = near[at];
            return self.near_place(inst.args[0], (addr, offset), addend);
        }
        let low = inst.ty.bytes() as i64 - 1;
        let (root, from_root) = self.root(base);
        let known = self.facts.iter().rev().find(|fact| {
            let near = fact.root == root && (fact.store || !store);
            // What is aligned once is aligned at any multiple from there.
            near && fact.low >= low && (from_root + offset - fact.offset) & low == 0
        });
        let addend = match known.copied() {
            Some(fact) => self.same_page(addr, low, store, fact),
            None => {
                let addend = match way {
                    Way::Kept(site) => self.as_before(site, addr, low, store),
                    Way::Guessed => self.guessed(addr, low),
                    _ => self.asked(addr, low, store),
                };
                let both = matches!(way, Way::Kept(site) if self.spans.sites[site]);
                self.facts.push(Fact {
                    root,
                    offset: from_root + offset,
                    addr,
                    addend,
                    low,
                    store: store || both,
                });
                addend
            }
        };
        self.cx.builder.ins().iadd(addr, addend)
    }

    /// The host's address, where what is to be added to the guest's holds for all turns: what the
    /// block does not change is added to it first, so that it needs no time in the loop.
    fn near_place(&mut self, base: Id, (addr, offset): (Value, i64), addend: Value) -> Value {
        let sum = self.made(base).filter(|sum| sum.op == Op::Add);
        let [a, b] = sum.map_or([base; 2], |sum| [sum.args[0], sum.args[1]]);
        let (moves, stays) = match (self.stays(a), self.stays(b)) {
            (false, true) => (a, b),
            (true, false) => (b, a),
            _ => return self.cx.builder.ins().iadd(addr, addend),
        };
        let (moves, stays) = (self.word(moves), self.word(stays));
        let builder = &mut *self.cx.builder;
        let first = builder.ins().iadd(stays, addend);
        let host = builder.ins().iadd(moves, first);
        match offset {
            0 => host,
            offset => builder.ins().iadd_imm_s(host, offset),
        }
    }

    /// What made a value of the block at hand.
    fn made(&self, id: Id) -> Option<&Inst> {
        self.region.blocks[self.at].insts.get(usize::from(id))
    }

    /// Whether a value is what the block finds in a slot that it does not set.
    fn stays(&self, id: Id) -> bool {
        let Some(get) = self.made(id).filter(|get| get.op == Op::Get) else {
            return false;
        };
        let mut insts = self.region.blocks[self.at].insts.iter();
        !insts.any(|inst| inst.op == Op::Set && inst.imm == get.imm)
    }

    /// What to add to an address to get the host's, if it is on the page of another one; else the
    /// TLB is asked.
    fn same_page(&mut self, addr: Value, low: i64, store: bool, fact: Fact) -> Value {
        let builder = &mut *self.cx.builder;
        let (cold, on) = (builder.create_block(), builder.create_block());
        let apart = builder.ins().bxor(addr, fact.addr);
        let other = IntCC::UnsignedGreaterThan;
        let other = builder
            .ins()
            .icmp_imm_u(other, apart, PAGE_BYTES as i64 - 1);
        let addend = builder.append_block_param(on, types::I64);
        let none: [BlockArg; 0] = [];
        builder
            .ins()
            .brif(other, cold, &none, on, &[fact.addend.into()]);
        builder.seal_block(cold);
        builder.set_cold_block(cold);
        if self.cold {
            builder.set_cold_block(on);
        }
        builder.switch_to_block(cold);
        let was = std::mem::replace(&mut self.cold, true);
        let asked = self.asked(addr, low, store);
        self.cold = was;
        let builder = &mut *self.cx.builder;
        builder.ins().jump(on, &[asked.into()]);
        builder.seal_block(on);
        builder.switch_to_block(on);
        addend
    }

    /// What to add to an address to get the host's, after the check that the TLB answers.
    pub(super) fn asked(&mut self, addr: Value, low: i64, store: bool) -> Value {
        let entry = self.answered(addr, low, store);
        let at = std::mem::offset_of!(TlbEntry, addend) as i32;
        let ins = self.cx.builder.ins();
        ins.load(types::I64, STRUCT, entry, at)
    }

    /// The TLB's entry for an address, after the check that it answers.
    pub(super) fn answered(&mut self, addr: Value, low: i64, store: bool) -> Value {
        let tlb = self.tlb;
        let builder = &mut *self.cx.builder;
        let entry = entry(builder, tlb, addr);
        let at = tag(store);
        // Page and alignment in one comparison: see `TlbEntry`.
        let cut = builder.ins().band_imm_s(addr, -(PAGE_BYTES as i64) | low);
        let tag = builder.ins().load(types::I64, STRUCT, entry, at);
        let bad = builder.ins().icmp(IntCC::NotEqual, cut, tag);
        let on = self.unless(bad);
        self.miss(Some(cut), store);
        let none: [BlockArg; 0] = [];
        self.cx.builder.ins().jump(on, &none);
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
        entry
    }

    /// What an address was made from by adding constants, and their sum.
    fn root(&self, value: Value) -> (Value, i64) {
        self.roots.get(&value).copied().unwrap_or((value, 0))
    }

    /// Notes what the value of an operation was made from, if it is a sum with a constant.
    pub(super) fn note_root(&mut self, inst: &Inst, value: Value) {
        let [a, b, ..] = inst.args;
        let (from, by) = match (inst.op, self.constant(a), self.constant(b)) {
            (Op::Add, _, Some(by)) => (a, by),
            (Op::Add, Some(by), _) => (b, by),
            (Op::Sub, _, Some(by)) => (a, by.wrapping_neg()),
            _ => return,
        };
        let (root, offset) = self.root(self.value(from));
        if inst.ty == Type::I64 {
            self.roots.insert(value, (root, offset.wrapping_add(by)));
        }
    }

    /// Leaves the instruction at hand to the interpreter if the condition holds.
    pub(super) fn alone_if(&mut self, cond: Value) {
        let on = self.unless(cond);
        self.leave_alone();
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
    }

    /// Leaves the instruction at hand to the interpreter.
    pub(super) fn leave_alone(&mut self) {
        self.miss(None, false);
        self.cx.builder.ins().trap(NEVER);
    }

    /// Asks the TLB about an address, or leaves the instruction to the interpreter.
    fn miss(&mut self, addr: Option<Value>, store: bool) {
        self.write_back();
        if self.aside.is_some() || self.ahead != 0 {
            self.give_back(0);
        }
        let miss = Miss {
            site: self.site,
            store,
            alone: addr.is_none(),
            register: Miss::AT,
            // Odd addresses are left to the interpreter, since facts say what they are not.
            bytes: 0,
        };
        let first = self.on_own_page();
        let (signature, code, cpu) = (self.gate(), self.code(), self.cx.cold_cpu());
        let builder = &mut *self.cx.builder;
        let what = builder.ins().iconst(types::I64, i64::from(miss.pack()));
        let at = Places::GATES + std::mem::offset_of!(Gates, miss_at) as i32;
        let to = builder.ins().load(types::I64, STRUCT, cpu, at);
        let mut args = vec![what, addr.unwrap_or(what), code];
        args.extend(self.fuel.map(|_| cpu));
        args.extend(self.fuel_argument());
        let builder = &mut *self.cx.builder;
        builder.ins().call_indirect(signature, to, &args);
        if let Some(first) = first {
            builder.ins().store(STRUCT, first, cpu, Places::PC);
        }
        self.put_aside();
    }
}

/// The TLB's entry for an address.
pub(super) fn entry(builder: &mut FunctionBuilder, tlb: Value, addr: Value) -> Value {
    let index = builder.ins().ushr_imm_u(addr, SHIFT);
    let index = builder.ins().band_imm_s(index, INDEX);
    builder.ins().iadd(tlb, index)
}

/// Where in an entry the page stands that it answers for.
pub(super) const fn tag(store: bool) -> i32 {
    if store {
        std::mem::offset_of!(TlbEntry, write) as i32
    } else {
        std::mem::offset_of!(TlbEntry, read) as i32
    }
}
