//! Loads that reserve, and stores that depend on it.
//!
//! The words of the reservation stay in the CPU's struct, whatever else is a value in a region.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use vm_engine_interp::native::Places;
use vm_ir::{Inst, MemArg, Type};

use super::state;
use super::writer::Writer;
use crate::body::{STRUCT, host_type};
use crate::memory::GUEST;
use crate::order;

impl Writer<'_, '_, '_> {
    /// Where a word of the reservation is in the CPU's struct: place, value, length.
    fn reserved(&self, word: u16) -> i32 {
        state::place(self.reservation + word)
    }

    /// What the guest calls a host's address; one elsewhere than in the RAM that the CPU's struct
    /// speaks of leaves the instruction to the interpreter.
    fn phys(&mut self, host: Value) -> Value {
        let cpu = self.cx.cpu;
        let mut load = |at| self.cx.builder.ins().load(types::I64, STRUCT, cpu, at);
        let [first, bytes, base] =
            [Places::RAM_HOST, Places::RAM_BYTES, Places::RAM_BASE].map(&mut load);
        let inside = self.cx.builder.ins().isub(host, first);
        let over = IntCC::UnsignedGreaterThanOrEqual;
        let elsewhere = self.cx.builder.ins().icmp(over, inside, bytes);
        self.alone_if(elsewhere);
        self.cx.builder.ins().iadd(inside, base)
    }

    /// Writes a load that reserves; its value.
    pub(super) fn load_reserved(&mut self, inst: &Inst) -> Value {
        let arg = MemArg::unpack(inst.imm);
        let host = self.place(inst, arg, false);
        let phys = self.phys(host);
        let (cpu, ty) = (self.cx.cpu, host_type(inst.ty));
        let places = [0, 1, 2].map(|word| self.reserved(word));
        let builder = &mut *self.cx.builder;
        let value = builder.ins().load(ty, GUEST, host, 0);
        order::behind_load(builder, arg);
        let word = match inst.ty {
            Type::I64 => value,
            _ => builder.ins().uextend(types::I64, value),
        };
        let bytes = builder.ins().iconst(types::I64, inst.ty.bytes() as i64);
        for (at, word) in places.into_iter().zip([phys, word, bytes]) {
            builder.ins().store(STRUCT, word, cpu, at);
        }
        value
    }

    /// Writes a store that depends on the reservation; whether it stored.
    pub(super) fn store_conditional(&mut self, inst: &Inst) -> Value {
        let new = self.int(inst.args[1]);
        let host = self.place(inst, MemArg::unpack(inst.imm), true);
        let phys = self.phys(host);
        let (cpu, ty) = (self.cx.cpu, host_type(inst.ty));
        let places = [0, 1, 2].map(|word| self.reserved(word));
        let builder = &mut *self.cx.builder;
        let [place, value, length] =
            places.map(|at| builder.ins().load(types::I64, STRUCT, cpu, at));
        // Whatever comes of it, the reservation is gone.
        for (at, word) in places.into_iter().zip([-1, 0, 0]) {
            let word = builder.ins().iconst(types::I64, word);
            builder.ins().store(STRUCT, word, cpu, at);
        }
        let other = builder.ins().bxor(place, phys);
        let longer = builder.ins().bxor_imm_u(length, inst.ty.bytes() as i64);
        let differs = builder.ins().bor(other, longer);
        let (exchange, on) = (builder.create_block(), builder.create_block());
        let stored = builder.append_block_param(on, types::I8);
        let none: [BlockArg; 0] = [];
        let failed = builder.ins().iconst(types::I8, 0);
        builder
            .ins()
            .brif(differs, on, &[failed.into()], exchange, &none);
        builder.seal_block(exchange);
        builder.switch_to_block(exchange);
        let old = match inst.ty {
            Type::I64 => value,
            _ => builder.ins().ireduce(ty, value),
        };
        let found = builder.ins().atomic_cas(GUEST, host, old, new);
        let same = builder.ins().icmp(IntCC::Equal, found, old);
        builder.ins().jump(on, &[same.into()]);
        builder.seal_block(on);
        builder.switch_to_block(on);
        if self.cold {
            builder.set_cold_block(exchange);
            builder.set_cold_block(on);
        }
        stored
    }
}
