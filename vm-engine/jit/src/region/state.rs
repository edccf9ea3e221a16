//! The guest's state in a region: slots as values, and the fuel.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, SourceLoc, Value, types};
use vm_engine_interp::native::{Gates, Places};
use vm_ir::{Inst, Type};

use super::writer::{FUEL, Writer};
use crate::body::{STRUCT, host_type};
use crate::x64;

impl Writer<'_, '_, '_> {
    /// Loads the slots; their values.
    pub(super) fn load_slots(&mut self) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, ty) in self.slots.types.iter().enumerate() {
            let value = self.load_slot(index);
            let var = self.cx.builder.declare_var(*ty);
            self.cx.builder.def_var(var, value);
            self.vars.push(var);
            values.push(value);
        }
        if let Some(odd) = self.odd_at_entry {
            let var = self.cx.builder.declare_var(types::I64);
            self.cx.builder.def_var(var, odd);
            self.odd = Some(var);
        }
        values
    }

    /// Stores the slots that memory may not have.
    pub(super) fn write_back(&mut self) {
        let cpu = self.cx.cold_cpu();
        for (n, slot) in self.slots.numbers.iter().enumerate() {
            if self.dirty >> n & 1 == 1 {
                let value = self.cx.builder.use_var(self.vars[n]);
                if self.slots.types[n] == types::F32 {
                    self.store_boxed(n, value, cpu);
                    continue;
                }
                let ins = self.cx.builder.ins();
                ins.store(STRUCT, value, cpu, place(*slot));
            }
        }
    }

    pub(super) fn get(&mut self, inst: &Inst) -> Value {
        let Some(index) = self.slots.index(inst.imm) else {
            let (cpu, ty) = (self.cx.cold_cpu(), host_type(inst.ty));
            let ins = self.cx.builder.ins();
            let value = ins.load(ty, STRUCT, cpu, place(inst.imm as u16));
            return self.cut(value, inst.ty);
        };
        if let Some(part) = self.fixed_part(inst) {
            return part;
        }
        let value = match self.fixed[index] {
            Some(value) => value,
            None => self.cx.builder.use_var(self.vars[index]),
        };
        if self.slots.types[index] == types::F32 {
            return if inst.ty == Type::I64 {
                self.boxed(value)
            } else {
                self.part(value, inst.ty)
            };
        }
        if inst.ty == Type::I64 {
            return value;
        }
        let value = self.cx.int(value);
        let cut = self.cx.builder.ins().ireduce(host_type(inst.ty), value);
        self.cut(cut, inst.ty)
    }

    pub(super) fn set(&mut self, inst: &Inst) {
        let Some(index) = self.slots.index(inst.imm) else {
            let (value, cpu) = (self.word(inst.args[0]), self.cx.cold_cpu());
            let ins = self.cx.builder.ins();
            ins.store(STRUCT, value, cpu, place(inst.imm as u16));
            if inst.imm == self.fp_flags {
                self.cx.forget_flags();
            }
            return;
        };
        self.must |= 1 << index;
        if self.slots.types[index] == types::F32 {
            let value = self.single(inst.args[0]);
            self.cx.builder.def_var(self.vars[index], value);
            self.dirty |= 1 << index;
            return;
        }
        let value = self.value(inst.args[0]);
        let is_double = self.cx.builder.func.dfg.value_type(value) == types::F64;
        let value = match (self.slots.types[index] == types::F64, is_double) {
            (true, true) => value,
            (true, false) => {
                let word = self.word(inst.args[0]);
                self.cx.float(word)
            }
            (false, _) => self.word(inst.args[0]),
        };
        self.cx.builder.def_var(self.vars[index], value);
        self.dirty |= 1 << index;
    }

    /// Takes the block's instructions from the fuel, or leaves if it does not reach.
    ///
    /// Here they are only compared; `finish` makes a subtraction of the comparison.
    pub(super) fn take_fuel(&mut self, insns: i64) {
        let builder = &mut *self.cx.builder;
        self.notes.fuel += 1;
        builder.set_srcloc(SourceLoc::new(FUEL | self.notes.fuel));
        let fuel = builder.ins().get_pinned_reg(types::I64);
        let less = IntCC::SignedLessThan;
        let short = builder.ins().icmp_imm_s(less, fuel, insns + x64::COMPARED);
        let on = self.unless(short);
        let builder = &mut *self.cx.builder;
        builder.set_srcloc(SourceLoc::default());
        let fuel = builder.ins().get_pinned_reg(types::I64);
        let whole = builder.ins().iadd_imm_s(fuel, insns);
        builder.ins().set_pinned_reg(whole);
        self.write_back();
        self.leave_by(std::mem::offset_of!(Gates, fuel));
        self.cx.builder.switch_to_block(on);
    }
}

/// Where a slot is in the CPU's struct.
pub(super) const fn place(number: u16) -> i32 {
    Places::WORDS + 8 * number as i32
}
