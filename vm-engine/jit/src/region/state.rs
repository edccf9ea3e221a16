//! The guest's state in a region: slots as values, and the fuel.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, StackSlotData, StackSlotKind, Value, types};
use vm_engine_interp::native::{Gates, Places};
use vm_ir::{Inst, Type};

use super::flow::Set;
use super::writer::{FUEL, Writer};
use crate::body::{STRUCT, host_type};
use crate::x64;

impl Writer<'_, '_, '_> {
    /// Loads the slots; their values.
    pub(super) fn load_slots(&mut self) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, ty) in self.slots.types.iter().enumerate() {
            let value = self.load_slot(index);
            let builder = &mut *self.cx.builder;
            let var = builder.declare_var(*ty);
            self.vars.push(var);
            values.push(value);
            let parked = (self.slots.parked >> index & 1 == 1).then(|| {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
                let parked = builder.create_sized_stack_slot(data);
                builder.ins().stack_store(types::I64, value, parked, 0);
                parked
            });
            if parked.is_none() {
                builder.def_var(var, value);
            }
            self.parked.push(parked);
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
                let builder = &mut *self.cx.builder;
                let value = match self.parked[n] {
                    Some(parked) if self.fresh >> n & 1 == 0 => {
                        let ty = self.slots.types[n];
                        builder.ins().stack_load(types::I64, ty, parked, 0)
                    }
                    _ => builder.use_var(self.vars[n]),
                };
                if self.slots.types[n] == types::F32 {
                    self.store_boxed(n, value, cpu);
                    continue;
                }
                builder.ins().store(STRUCT, value, cpu, place(*slot));
            }
        }
    }

    /// Puts away what is no value between blocks, of those slots.
    pub(super) fn park(&mut self, those: Set) {
        for (n, parked) in self.parked.iter().enumerate() {
            if let (Some(parked), 1) = (parked, (self.fresh & those) >> n & 1) {
                let builder = &mut *self.cx.builder;
                let value = builder.use_var(self.vars[n]);
                builder.ins().stack_store(types::I64, value, *parked, 0);
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
            self.fresh |= 1 << index;
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
        self.fresh |= 1 << index;
    }

    /// Takes the block's instructions from the fuel, or leaves if it does not reach.
    pub(super) fn take_fuel(&mut self, insns: i64) {
        let on = self.take_or(insns);
        self.give_back(insns);
        self.write_back();
        self.on_own_page();
        self.leave_by(std::mem::offset_of!(Gates, fuel));
        self.cx.builder.switch_to_block(on);
    }

    /// Takes instructions from the fuel, and turns to a cold block for the case that it does not
    /// reach; the block for the other case.
    ///
    /// Where the fuel has a register of its own, they are only compared here; `finish` makes a
    /// subtraction of the comparison.
    pub(super) fn take_or(&mut self, insns: i64) -> ir::Block {
        let less = IntCC::SignedLessThan;
        if self.fuel.is_some() {
            let fuel = self.fuel();
            let builder = &mut *self.cx.builder;
            let left = builder.ins().iadd_imm_s(fuel, -insns);
            let short = builder.ins().icmp_imm_s(less, left, 0);
            self.set_fuel(left);
            let on = self.unless(short);
            self.cx.builder.seal_block(on);
            return on;
        }
        self.notes.fuel += 1;
        let number = FUEL | self.notes.fuel;
        self.notes.teller.begin_place(self.cx.builder, number);
        let fuel = self.fuel();
        let builder = &mut *self.cx.builder;
        let short = builder.ins().icmp_imm_s(less, fuel, insns + x64::COMPARED);
        let on = self.unless(short);
        self.notes.teller.end_place(self.cx.builder);
        self.cx.builder.seal_block(on);
        on
    }

    /// Gives instructions back to the fuel, and what was put aside or taken ahead.
    pub(super) fn give_back(&mut self, insns: i64) {
        let mut fuel = self.fuel();
        let insns = insns + self.ahead;
        let builder = &mut *self.cx.builder;
        if insns != 0 {
            fuel = builder.ins().iadd_imm_s(fuel, insns);
        }
        if let Some(aside) = self.aside {
            let more = builder.ins().stack_load(types::I64, types::I64, aside, 0);
            fuel = builder.ins().iadd(fuel, more);
        }
        self.set_fuel(fuel);
    }

    /// Puts the same aside, and takes the same ahead, again.
    pub(super) fn put_aside(&mut self) {
        if self.aside.is_none() && self.ahead == 0 {
            return;
        }
        let mut fuel = self.fuel();
        let builder = &mut *self.cx.builder;
        if self.ahead != 0 {
            fuel = builder.ins().iadd_imm_s(fuel, -self.ahead);
        }
        if let Some(aside) = self.aside {
            let more = builder.ins().stack_load(types::I64, types::I64, aside, 0);
            fuel = builder.ins().isub(fuel, more);
        }
        self.set_fuel(fuel);
    }

    /// The fuel that is left.
    pub(super) fn fuel(&mut self) -> Value {
        let builder = &mut *self.cx.builder;
        match self.fuel {
            Some(fuel) => builder.use_var(fuel),
            None => builder.ins().get_pinned_reg(types::I64),
        }
    }

    /// Changes the fuel.
    pub(super) fn set_fuel(&mut self, left: Value) {
        let builder = &mut *self.cx.builder;
        match self.fuel {
            Some(fuel) => builder.def_var(fuel, left),
            None => {
                builder.ins().set_pinned_reg(left);
            }
        }
    }

    /// The fuel as an argument, where it is one.
    pub(super) fn fuel_argument(&mut self) -> Option<Value> {
        let fuel = self.fuel?;
        Some(self.cx.builder.use_var(fuel))
    }
}

/// Where a slot is in the CPU's struct.
pub(super) const fn place(number: u16) -> i32 {
    Places::WORDS + 8 * number as i32
}
