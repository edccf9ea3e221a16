//! Memory operations: by the soft TLB, or by a gate.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::FunctionBuilder;
use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{Gates, Places};
use vm_ir::{Id, Inst, MemArg, Op, Type};
use vm_mem::{TLB_ENTRIES, TlbEntry};

use crate::body::{Body, Check, STRUCT, host_type};
use crate::order;

/// An access to guest RAM: the TLB has answered for it.
pub(crate) const GUEST: MemFlagsData = MemFlagsData::new().with_notrap();

/// The bits of an address that say which entry answers for it, times the size of an entry.
pub(crate) const SHIFT: i64 = 12 - size_of::<TlbEntry>().trailing_zeros() as i64;
pub(crate) const INDEX: i64 = ((TLB_ENTRIES - 1) * size_of::<TlbEntry>()) as i64;

const _: () = assert!(
    size_of::<TlbEntry>().is_power_of_two() && TLB_ENTRIES.is_power_of_two(),
    "an entry is found by shifting and masking"
);

impl Body<'_, '_, '_> {
    /// Writes a memory operation; its value, if it has one.
    pub(crate) fn memory(&mut self, inst: &Inst) -> Option<Value> {
        match inst.op {
            Op::Fence => {
                order::fence(self.cx.builder, self.cx.cpu, inst.imm);
                None
            }
            Op::Load => Some(self.load(inst)),
            Op::Store => {
                self.store(inst);
                None
            }
            // Where the TLB answers, nothing traps.
            Op::ProbeLoad | Op::ProbeStore => {
                let store = inst.op == Op::ProbeStore;
                self.place(inst, MemArg::unpack(inst.imm), store, false);
                None
            }
            op => match order::exchange(op) {
                Some(by) if !MemArg::unpack(inst.imm).big_endian => Some(self.exchange(inst, by)),
                _ => self.special(inst),
            },
        }
    }

    /// Reads and writes in one step; what was there. A page that may be written may be read.
    fn exchange(&mut self, inst: &Inst, by: AtomicRmwOp) -> Value {
        let value = self.int(inst.args[1]);
        let (addr, addend) = self.place(inst, MemArg::unpack(inst.imm), true, false);
        let builder = &mut *self.cx.builder;
        let host = builder.ins().iadd(addr, addend);
        builder
            .ins()
            .atomic_rmw(host_type(inst.ty), GUEST, by, host, value)
    }

    fn load(&mut self, inst: &Inst) -> Value {
        let arg = MemArg::unpack(inst.imm);
        let (addr, addend) = self.place(inst, arg, false, self.odd);
        let extends = self.extends(inst.ty, arg);
        let float = self.wanted_float(inst.ty).filter(|_| !arg.big_endian);
        let builder = &mut *self.cx.builder;
        let host = builder.ins().iadd(addr, addend);
        if let Some(op) = extends {
            let value = extended(builder, op, inst.ty, host);
            order::behind_load(builder, arg);
            return value;
        }
        let ty = float.unwrap_or(host_type(inst.ty));
        let value = builder.ins().load(ty, GUEST, host, 0);
        order::behind_load(builder, arg);
        if inst.ty == Type::I1 {
            return builder.ins().band_imm_s(value, 1);
        }
        if arg.big_endian && inst.ty.bytes() > 1 {
            return builder.ins().bswap(value);
        }
        value
    }

    /// The extension to 64 bits that is next, if it is the only one to use what is loaded here.
    fn extends(&self, ty: Type, arg: MemArg) -> Option<Op> {
        let here = self.notes.values.len();
        let next = self.block.insts.get(here + 1)?;
        let fits = matches!(ty, Type::I8 | Type::I16 | Type::I32) && !arg.big_endian;
        let only = self.notes.uses.get(here) == Some(&1) && usize::from(next.args[0]) == here;
        let extension = matches!(next.op, Op::Zext | Op::Sext) && next.ty == Type::I64;
        (fits && only && extension).then_some(next.op)
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
        let (addr, addend) = self.place(inst, arg, true, self.odd);
        let builder = &mut *self.cx.builder;
        let host = builder.ins().iadd(addr, addend);
        order::before_store(builder, arg);
        builder.ins().store(GUEST, value, host, 0);
        order::behind_store(builder, self.cx.cpu, arg);
    }

    /// The address of a load or store, and what to add to it to get the host's, after the check
    /// that the TLB answers. An `odd` access need not be aligned, as long as it stays in its page.
    fn place(&mut self, inst: &Inst, arg: MemArg, store: bool, odd: bool) -> (Value, Value) {
        let base = self.word(inst.args[0]);
        let cpu = self.cx.cpu;
        if let Some(known) = self.line.filter(|line| self.is_in(line, inst, store)) {
            let offset = i64::from(arg.offset);
            let addr = self.cx.builder.ins().iadd_imm_s(base, offset);
            return (addr, known.addend);
        }
        let builder = &mut *self.cx.builder;
        let tlb = *self
            .tlb
            .get_or_insert_with(|| builder.ins().load(types::I64, STRUCT, cpu, Places::TLB));
        let addr = match arg.offset {
            0 => base,
            offset => builder.ins().iadd_imm_s(base, i64::from(offset)),
        };
        let index = builder.ins().ushr_imm_u(addr, SHIFT);
        let index = builder.ins().band_imm_s(index, INDEX);
        let entry = builder.ins().iadd(tlb, index);
        let at = if store {
            std::mem::offset_of!(TlbEntry, write)
        } else {
            std::mem::offset_of!(TlbEntry, read)
        };
        // Page and alignment in one comparison: see `TlbEntry`.
        let low = if odd { 0 } else { inst.ty.bytes() as i64 - 1 };
        let cut = builder.ins().band_imm_s(addr, -4096 | low);
        let tag = builder.ins().load(types::I64, STRUCT, entry, at as i32);
        let bad = builder.ins().icmp(IntCC::NotEqual, cut, tag);
        let site = self.site;
        self.check(bad, Check::Tlb { site, store }, Some(cut));
        if odd && inst.ty.bytes() > 1 {
            let builder = &mut *self.cx.builder;
            let inside = builder.ins().band_imm_s(addr, PAGE_BYTES as i64 - 1);
            let last = PAGE_BYTES as i64 - inst.ty.bytes() as i64;
            let over = IntCC::UnsignedGreaterThan;
            let crosses = builder.ins().icmp_imm_s(over, inside, last);
            self.check(crosses, Check::Alone { site }, None);
        }
        let at = std::mem::offset_of!(TlbEntry, addend) as i32;
        let ins = self.cx.builder.ins();
        let addend = ins.load(types::I64, STRUCT, entry, at);
        self.line = self.block.stays_in_line(inst).then_some(Line {
            site,
            base: inst.args[0],
            store,
            addend,
        });
        (addr, addend)
    }

    /// Whether an access stays in what the same instruction has just accessed: in a line that
    /// begins at a multiple of its length. Nothing can come between the accesses of an
    /// instruction but what it does itself.
    fn is_in(&self, line: &Line, inst: &Inst, store: bool) -> bool {
        let same = (line.site, line.base, line.store) == (self.site, inst.args[0], store);
        same && self.block.stays_in_line(inst)
    }

    fn special(&mut self, inst: &Inst) -> Option<Value> {
        let [addr, first, second, _] = inst.args.map(|id| self.word_or_zero(id));
        let imm = self.cx.builder.ins().iconst(types::I64, inst.imm as i64);
        self.line = None;
        let gate = std::mem::offset_of!(Gates, special);
        let words = [addr, first, second, imm];
        self.gate(gate, inst.op as u32, inst.ty, words);
        let result = inst.op.has_result();
        result.then(|| self.result(inst.value_type()))
    }
}

/// A line of memory that the TLB has answered for.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The number of the instruction that accesses it.
    site: u8,
    /// Its address.
    base: Id,
    store: bool,
    addend: Value,
}

/// A load with the extension that follows it.
fn extended(builder: &mut FunctionBuilder, op: Op, ty: Type, host: Value) -> Value {
    let ins = builder.ins();
    match (ty, op == Op::Sext) {
        (Type::I8, false) => ins.uload8(types::I64, GUEST, host, 0),
        (Type::I8, true) => ins.sload8(types::I64, GUEST, host, 0),
        (Type::I16, false) => ins.uload16(types::I64, GUEST, host, 0),
        (Type::I16, true) => ins.sload16(types::I64, GUEST, host, 0),
        (_, false) => ins.uload32(GUEST, host, 0),
        (_, true) => ins.sload32(GUEST, host, 0),
    }
}
