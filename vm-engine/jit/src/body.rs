//! A block as one host function, except for its memory operations and its exits.

use cranelift_codegen::ir::{
    self, BlockArg, InstBuilder, MemFlagsData, SigRef, TrapCode, Value, types,
};
use vm_engine_interp::native::{EXITS, Places};
use vm_ir::block::NONE;
use vm_ir::{Block, Effect, End, Id, Inst, Layout, Op, Type};

use crate::lower::{self, Lowering};
use crate::told::Teller;

/// The code of traps that become jumps to stubs.
pub const TO_STUB: TrapCode = TrapCode::unwrap_user(1);
/// Behind a call that does not come back.
pub const NEVER: TrapCode = TrapCode::unwrap_user(2);
/// Places in the code from this number on are exits; those below are checks, by their number.
pub const FIRST_EXIT: u32 = 1 << 16;

/// An access to the CPU's struct or a block's: it is there and aligned.
pub(crate) const STRUCT: MemFlagsData = MemFlagsData::trusted();

/// What a check does when it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// The TLB is asked about the address that was compared.
    Tlb {
        /// The number of the instruction.
        site: u8,
        /// Whether it stores.
        store: bool,
    },
    /// The instruction is left to the interpreter.
    Alone {
        /// The number of the instruction.
        site: u8,
    },
}

/// What is noted while a function is written.
#[derive(Default)]
pub struct Notes {
    /// The values of the block's operations.
    pub values: Vec<Option<Value>>,
    /// How often each is used.
    pub uses: Vec<u16>,
    /// Which are best held as floats.
    pub wants: Vec<bool>,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// How many exits there are.
    pub exits: u32,
    /// Where exits that have cells lead to.
    pub distances: [i64; EXITS],
    /// Floating-point registers are in use.
    pub floats: bool,
    /// Which instruction of the guest is at hand, if somebody wants to know.
    pub teller: Teller,
}

impl Notes {
    /// Forgets everything, but keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.uses.clear();
        self.checks.clear();
        (self.exits, self.distances, self.floats) = (0, [0; EXITS], false);
    }
}

/// A function on its way.
pub struct Body<'a, 'b, 'f> {
    pub(crate) cx: Lowering<'b, 'f>,
    pub(crate) block: &'a Block,
    pub(crate) notes: &'a mut Notes,
    /// The block's own struct.
    pub(crate) code: Value,
    /// Where the block stands in its page.
    pub(crate) page_offset: u64,
    /// The slot of the sticky floating-point flags.
    pub(crate) fp_flags: u64,
    /// The slot of the program counter.
    pub(crate) pc_slot: u16,
    /// The number of the instruction at hand.
    pub(crate) site: u8,
    /// Loads and stores are often misaligned.
    pub(crate) odd: bool,
    /// The fuel that is left, if it is not in a register of its own.
    pub(crate) fuel: Option<Value>,
    pub(crate) tlb: Option<Value>,
    pub(crate) line: Option<crate::memory::Line>,
    page: Option<Value>,
    pub(crate) gate: Option<SigRef>,
    pub(crate) miss: Option<SigRef>,
    pub(crate) way: Option<SigRef>,
}

impl<'a, 'b, 'f> Body<'a, 'b, 'f> {
    /// Begins a function in the builder's current block.
    pub fn new(
        cx: Lowering<'b, 'f>,
        block: &'a Block,
        notes: &'a mut Notes,
        code: Value,
        page_offset: u64,
        layout: &Layout,
    ) -> Self {
        Self {
            cx,
            block,
            notes,
            code,
            page_offset,
            fp_flags: u64::from(layout.fp_flags.0),
            pc_slot: layout.pc.0,
            site: 0,
            odd: false,
            fuel: None,
            tlb: None,
            line: None,
            page: None,
            gate: None,
            miss: None,
            way: None,
        }
    }

    /// Writes all of it.
    pub fn write(&mut self) {
        let block = self.block;
        self.count_uses();
        lower::wants_float(block, false, |_| false, &mut self.notes.wants);
        self.take_fuel();
        for inst in &block.insts {
            let value = self.inst(inst);
            self.notes.values.push(value);
        }
        self.end();
    }

    fn count_uses(&mut self) {
        let uses = &mut self.notes.uses;
        uses.resize(self.block.insts.len(), 0);
        let end = match self.block.end {
            End::Branch { cond: id, .. }
            | End::Jump { target: id, .. }
            | End::Trap { value: id, .. } => Some(id),
            End::Goto(_) | End::Next(_) | End::Leave => None,
        };
        let operands = self.block.insts.iter().flat_map(Inst::operands);
        for id in operands.chain(end) {
            uses[usize::from(id)] += 1;
        }
    }

    /// The value of an operation.
    pub(crate) fn value(&self, id: Id) -> Value {
        let known = self.notes.values.get(usize::from(id)).copied().flatten();
        known.expect("the verifier refuses uses before definitions")
    }

    /// The value of an operation as an integer.
    pub(crate) fn int(&mut self, id: Id) -> Value {
        let value = self.value(id);
        self.cx.int(value)
    }

    /// The value of an operation as an integer of 64 bits.
    pub(crate) fn word(&mut self, id: Id) -> Value {
        let value = self.int(id);
        self.widened(value)
    }

    /// The value of an operand as an integer of 64 bits; zero if there is none.
    pub(crate) fn word_or_zero(&mut self, id: Id) -> Value {
        if id == NONE {
            self.cx.builder.ins().iconst(types::I64, 0)
        } else {
            self.word(id)
        }
    }

    pub(crate) fn widened(&mut self, value: Value) -> Value {
        if self.cx.builder.func.dfg.value_type(value) == types::I64 {
            value
        } else {
            self.cx.builder.ins().uextend(types::I64, value)
        }
    }

    fn inst(&mut self, inst: &Inst) -> Option<Value> {
        match inst.op.effect() {
            Effect::Marker => {
                if !self.notes.values.is_empty() {
                    self.site += 1;
                }
                self.notes.teller.turn_to(self.cx.builder, 0, self.site);
                None
            }
            Effect::Get if inst.op == Op::Get => {
                let (cpu, at) = (self.cx.cpu, slot(inst.imm));
                if let Some(float) = self.wanted_float(inst.ty) {
                    return Some(self.cx.builder.ins().load(float, STRUCT, cpu, at));
                }
                Some(self.load_slot(cpu, at, inst.ty))
            }
            Effect::Get => {
                let base = self.chosen(inst);
                Some(self.load_slot(base, slot(inst.imm & 0xffff), inst.ty))
            }
            Effect::Set if inst.op == Op::Set => {
                let value = self.whole(inst.args[0]);
                let cpu = self.cx.cpu;
                let ins = self.cx.builder.ins();
                ins.store(STRUCT, value, cpu, slot(inst.imm));
                if inst.imm == self.fp_flags {
                    self.cx.forget_flags();
                }
                None
            }
            Effect::Set => {
                let value = self.whole(inst.args[1]);
                let base = self.chosen(inst);
                let at = slot(inst.imm & 0xffff);
                self.cx.builder.ins().store(STRUCT, value, base, at);
                self.cx.forget_flags();
                None
            }
            Effect::Pure if inst.op == Op::Pc => Some(self.address(inst)),
            Effect::Pure | Effect::Float => Some(self.calculation(inst)),
            Effect::Memory => self.memory(inst),
            Effect::Trap if inst.op == Op::SkipIf => {
                self.skip_if(inst);
                None
            }
            Effect::Trap => {
                let cond = self.int(inst.args[0]);
                let site = self.site;
                self.check(cond, Check::Alone { site }, None);
                None
            }
            Effect::Helper => Some(self.call(inst)),
        }
    }

    /// The slot chosen at run time, as an address from which its group's first slot is reached.
    fn chosen(&mut self, inst: &Inst) -> Value {
        let index = self.word(inst.args[0]);
        let last = (inst.imm >> 16).wrapping_sub(1);
        let cpu = self.cx.cpu;
        let index = self.cx.builder.ins().band_imm_s(index, last as i64);
        let bytes = self.cx.builder.ins().ishl_imm_u(index, 3);
        self.cx.builder.ins().iadd(cpu, bytes)
    }

    fn load_slot(&mut self, base: Value, at: i32, ty: Type) -> Value {
        let ins = self.cx.builder.ins();
        let value = ins.load(host_type(ty), STRUCT, base, at);
        self.cut(value, ty)
    }

    /// The host's float that the operation at hand is best made as, if it is.
    pub(crate) fn wanted_float(&mut self, ty: Type) -> Option<ir::Type> {
        let here = self.notes.values.len();
        if self.notes.wants.get(here) != Some(&true) {
            return None;
        }
        let float = match ty {
            Type::I32 => types::F32,
            Type::I64 => types::F64,
            _ => return None,
        };
        self.notes.floats = true;
        Some(float)
    }

    /// A byte that came from outside as a truth value.
    pub(crate) fn cut(&mut self, value: Value, ty: Type) -> Value {
        if ty == Type::I1 {
            self.cx.builder.ins().band_imm_s(value, 1)
        } else {
            value
        }
    }

    /// A value as all of a slot.
    fn whole(&mut self, id: Id) -> Value {
        let value = self.value(id);
        if self.cx.builder.func.dfg.value_type(value) == types::F64 {
            value
        } else {
            self.word(id)
        }
    }

    /// The first address of the block's page.
    pub(crate) fn page(&mut self) -> Value {
        if let Some(page) = self.page {
            return page;
        }
        let cpu = self.cx.cpu;
        let ins = self.cx.builder.ins();
        let pc = ins.load(types::I64, STRUCT, cpu, Places::PC);
        let page = self.cx.builder.ins().band_imm_s(pc, -4096);
        self.page = Some(page);
        page
    }

    /// The address at a distance from the block's first byte.
    pub(crate) fn at(&mut self, distance: i64) -> Value {
        let page = self.page();
        let from_page = distance.wrapping_add(self.page_offset as i64);
        self.cx.builder.ins().iadd_imm_s(page, from_page)
    }

    fn address(&mut self, inst: &Inst) -> Value {
        let addr = self.at(inst.imm as i64);
        match inst.ty {
            Type::I64 => addr,
            ty => {
                let cut = self.cx.builder.ins().ireduce(host_type(ty), addr);
                self.cut(cut, ty)
            }
        }
    }

    fn calculation(&mut self, inst: &Inst) -> Value {
        // The load before it has done the extension.
        if let (Op::Zext | Op::Sext, Type::I64) = (inst.op, inst.ty)
            && let value = self.value(inst.args[0])
            && self.cx.builder.func.dfg.value_type(value) == types::I64
        {
            return value;
        }
        let mut args = [self.code; 4];
        let mut count = 0;
        for id in inst.operands() {
            args[count] = self.value(id);
            count += 1;
        }
        let from = self
            .block
            .insts
            .get(usize::from(inst.args[0]))
            .map_or(inst.ty, Inst::value_type);
        self.notes.floats |= inst.op.effect() == Effect::Float;
        lower::op(
            &mut self.cx,
            inst.op,
            inst.ty,
            from,
            inst.imm,
            &args[..count],
        )
    }

    fn skip_if(&mut self, inst: &Inst) {
        let cond = self.int(inst.args[0]);
        let builder = &mut *self.cx.builder;
        let (skip, on) = (builder.create_block(), builder.create_block());
        let none: [BlockArg; 0] = [];
        builder.ins().brif(cond, skip, &none, on, &none);
        builder.switch_to_block(skip);
        builder.seal_block(skip);
        let known = (self.page, self.tlb);
        self.exit(2, i64::from(self.block.bytes));
        (self.page, self.tlb) = known;
        self.cx.builder.switch_to_block(on);
        self.cx.builder.seal_block(on);
    }

    fn end(&mut self) {
        match self.block.end {
            End::Goto(at) => self.exit(0, at),
            End::Branch { cond, taken, fall } => {
                let cond = self.int(cond);
                let builder = &mut *self.cx.builder;
                let (yes, no) = (builder.create_block(), builder.create_block());
                let none: [BlockArg; 0] = [];
                builder.ins().brif(cond, yes, &none, no, &none);
                let known = (self.page, self.tlb);
                for (exit, block, distance) in [(0, yes, taken), (1, no, fall)] {
                    (self.page, self.tlb) = known;
                    self.cx.builder.switch_to_block(block);
                    self.cx.builder.seal_block(block);
                    self.exit(exit, distance);
                }
            }
            End::Jump { target, .. } => {
                let target = self.word(target);
                self.jump(target);
            }
            End::Next(at) => self.stop_at(at),
            End::Leave => self.stop_where_told(),
            End::Trap { cause, value } => {
                let value = self.word(value);
                self.trap(cause, value);
            }
        }
    }
}

/// The host's type for integers of a type.
pub(crate) const fn host_type(ty: Type) -> ir::Type {
    match ty {
        Type::I1 | Type::I8 => types::I8,
        Type::I16 => types::I16,
        Type::I32 => types::I32,
        Type::I64 => types::I64,
    }
}

/// Where a slot is in the CPU's struct.
const fn slot(number: u64) -> i32 {
    Places::WORDS + 8 * number as i32
}
