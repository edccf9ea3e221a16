//! Memory operations of regions: by the soft TLB, or by a gate in a cold block.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, TrapCode, Value, types};
use vm_engine_interp::native::{Gates, Miss, Places};
use vm_ir::{Inst, MemArg, Op, Type};
use vm_mem::TlbEntry;

use super::writer::Writer;
use crate::body::{STRUCT, host_type};
use crate::memory::{GUEST, INDEX, SHIFT, exchange};

/// Behind a call that does not come back.
const NEVER: TrapCode = TrapCode::unwrap_user(2);

impl Writer<'_, '_, '_> {
    /// Writes a memory operation; its value, if it has one.
    pub(super) fn memory(&mut self, inst: &Inst) -> Option<Value> {
        // All CPUs of a machine run in turn, so every access is ordered with every other.
        match inst.op {
            Op::Fence => None,
            Op::Load => Some(self.load(inst)),
            Op::Store => {
                self.store(inst);
                None
            }
            op => {
                let by = exchange(op).expect("the former takes no other operations");
                let value = self.int(inst.args[1]);
                let host = self.place(inst, MemArg::unpack(inst.imm), true);
                let builder = &mut *self.cx.builder;
                let old = builder.ins().load(host_type(inst.ty), GUEST, host, 0);
                let new = by.of(builder, old, value);
                builder.ins().store(GUEST, new, host, 0);
                Some(old)
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
        let value = self.cx.builder.ins().load(ty, GUEST, host, 0);
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
        self.cx.builder.ins().store(GUEST, value, host, 0);
    }

    /// The host's address of a load or store, after the check that the TLB answers.
    fn place(&mut self, inst: &Inst, arg: MemArg, store: bool) -> Value {
        let base = self.word(inst.args[0]);
        let tlb = self.tlb;
        let builder = &mut *self.cx.builder;
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
        let low = inst.ty.bytes() as i64 - 1;
        let cut = builder.ins().band_imm_s(addr, -4096 | low);
        let tag = builder.ins().load(types::I64, STRUCT, entry, at as i32);
        let bad = builder.ins().icmp(IntCC::NotEqual, cut, tag);
        let on = self.unless(bad);
        self.miss(Some(cut), store);
        let none: [cranelift_codegen::ir::BlockArg; 0] = [];
        self.cx.builder.ins().jump(on, &none);
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
        let at = std::mem::offset_of!(TlbEntry, addend) as i32;
        let ins = self.cx.builder.ins();
        let addend = ins.load(types::I64, STRUCT, entry, at);
        self.cx.builder.ins().iadd(addr, addend)
    }

    /// Leaves the instruction at hand to the interpreter if the condition holds.
    pub(super) fn alone_if(&mut self, cond: Value) {
        let on = self.unless(cond);
        self.miss(None, false);
        self.cx.builder.ins().trap(NEVER);
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
    }

    /// Asks the TLB about an address, or leaves the instruction to the interpreter.
    fn miss(&mut self, addr: Option<Value>, store: bool) {
        self.write_back();
        let miss = Miss {
            site: self.site,
            store,
            alone: addr.is_none(),
            register: Miss::AT,
        };
        let (signature, code, cpu) = (self.gate(), self.code(), self.cx.cpu);
        let builder = &mut *self.cx.builder;
        let what = builder.ins().iconst(types::I64, i64::from(miss.pack()));
        let at = Places::GATES + std::mem::offset_of!(Gates, miss_at) as i32;
        let to = builder.ins().load(types::I64, STRUCT, cpu, at);
        let args = [what, addr.unwrap_or(what), code];
        builder.ins().call_indirect(signature, to, &args);
    }
}
