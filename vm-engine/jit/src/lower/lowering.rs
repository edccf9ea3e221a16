//! What lowering works with: the builder, the host, and what is remembered along a block.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, Block, InstBuilder, InstructionData, MemFlagsData, Opcode, SigRef, Signature,
    StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::FunctionBuilder;
use vm_ir::Type;
use vm_ir::float::{Flags, Rounding, Rules};

use super::float;
use super::helpers::{Helpers, Routine};

/// What the host can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Host {
    /// Fused multiply-add is an instruction.
    pub fma: bool,
    /// Additions and subtractions can say whether they left the range.
    pub overflow: bool,
    /// Rounding to whole numbers is an instruction.
    pub round: bool,
}

impl Host {
    /// The host that code is made for.
    #[must_use]
    pub fn of(isa: &dyn TargetIsa) -> Self {
        let has = |name: &str| {
            isa.isa_flags()
                .iter()
                .any(|flag| flag.name == name && flag.as_bool() == Some(true))
        };
        let name = isa.name();
        Self {
            fma: name != "x64" || has("has_fma"),
            overflow: name != "riscv64",
            round: name != "x64" || has("has_sse41"),
        }
    }
}

/// Where things stand, in bytes from the CPU pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places {
    /// The [`Helpers`].
    pub helpers: i32,
    /// The slot of the sticky floating-point flags.
    pub fp_flags: i32,
    /// The address at which the block was entered.
    pub entry_pc: i32,
}

/// Memory that is used again from block to block.
#[derive(Default)]
pub struct Scratch {
    /// For each value its other form: an integer's float, a float's integer.
    twins: SecondaryMap<Value, PackedOption<Value>>,
    /// For a format and a rounding mode; none if that is known to be to nearest.
    limits: Vec<(Type, Option<Value>, Limit)>,
}

/// What host's results are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// How many magnitudes they may have, twice over: those of the format's range if the mode is
    /// to nearest and inexact is sticky, else none.
    pub count: Value,
    /// What to add to a magnitude to count from the lowest one that may be taken, twice over.
    /// Whoever finds no constant here keeps it in a register.
    pub low: Option<Value>,
}

/// Operations are written with this.
pub struct Lowering<'a, 'f> {
    /// Where instructions go.
    pub builder: &'a mut FunctionBuilder<'f>,
    /// The CPU's struct.
    pub cpu: Value,
    pub(super) host: Host,
    pub(super) rules: Rules,
    places: Places,
    scratch: &'a mut Scratch,
    entry_pc: Option<Value>,
    /// The sticky flags, and the one for inexact results.
    flags: Option<Value>,
    sticky: Option<Value>,
    /// How many limits hold wherever the function goes, if it was said that some do; the sticky
    /// flag does, too.
    kept: Option<usize>,
    /// The signature of helpers.
    signature: Option<SigRef>,
    /// Where the CPU pointer is kept for cold blocks.
    aside: Option<StackSlot>,
}

/// An access to the CPU's struct: it is there and aligned.
const STRUCT: MemFlagsData = MemFlagsData::trusted();

/// The host's type for a type's integers.
pub(super) const fn int_type(ty: Type) -> ir::Type {
    match ty {
        Type::I1 | Type::I8 => types::I8,
        Type::I16 => types::I16,
        Type::I32 => types::I32,
        Type::I64 => types::I64,
    }
}

impl<'a, 'f> Lowering<'a, 'f> {
    /// Begins a function whose current block is the first.
    pub fn new(
        builder: &'a mut FunctionBuilder<'f>,
        cpu: Value,
        host: &Host,
        rules: Rules,
        places: Places,
        scratch: &'a mut Scratch,
    ) -> Self {
        scratch.twins.clear();
        scratch.limits.clear();
        Self {
            builder,
            cpu,
            host: *host,
            rules,
            places,
            scratch,
            entry_pc: None,
            flags: None,
            sticky: None,
            kept: None,
            signature: None,
            aside: None,
        }
    }

    /// Forgets what was remembered on the way here: the current block has other ways in.
    pub fn begin(&mut self) {
        self.scratch.twins.clear();
        self.entry_pc = None;
        match self.kept {
            Some(kept) => self.scratch.limits.truncate(kept),
            None => self.forget_flags(),
        }
    }

    /// Asks here, once for the whole function, what operations on these formats with these
    /// rounding modes will ask. The function may not write the sticky flags by itself; that
    /// helpers raise more of them is seen when it is entered again.
    pub fn keep_limits(&mut self, uses: impl IntoIterator<Item = (Type, Value)>) {
        self.sticky();
        for (ty, rm) in uses {
            self.limit(ty, rm);
            self.low(ty, rm);
        }
        self.kept = Some(self.scratch.limits.len());
    }

    /// The sticky floating-point flags may have lost some.
    pub fn forget_flags(&mut self) {
        (self.flags, self.sticky) = (None, None);
        self.scratch.limits.clear();
    }

    /// Not zero if inexact is sticky; remembered, since nothing here ends it.
    pub(super) fn sticky(&mut self) -> Value {
        if let Some(sticky) = self.sticky {
            return sticky;
        }
        let flags = self.flags();
        let inexact = i64::from(Flags::NX.0);
        let sticky = self.builder.ins().band_imm_u(flags, inexact);
        self.sticky = Some(sticky);
        sticky
    }

    /// The sticky flags; remembered, since what is added to them does not matter here.
    fn flags(&mut self) -> Value {
        let (cpu, at) = (self.cpu, self.places.fp_flags);
        let builder = &mut *self.builder;
        *self
            .flags
            .get_or_insert_with(|| builder.ins().load(types::I64, STRUCT, cpu, at))
    }

    /// How many magnitudes the host's results may have.
    pub(super) fn limit(&mut self, ty: Type, rm: Value) -> Value {
        let at = self.limit_at(ty, rm);
        self.scratch.limits[at].2.count
    }

    /// What to add to a result's magnitude, twice over, before it is compared with the limit.
    pub(super) fn low(&mut self, ty: Type, rm: Value) -> Value {
        let at = self.limit_at(ty, rm);
        let (_, _, limit) = self.scratch.limits[at];
        if let Some(low) = limit.low {
            return low;
        }
        let host = int_type(ty);
        let (lowest, _) = float::range(ty);
        let lowest = self.constant(host, lowest.wrapping_neg());
        let low = if ty == Type::I32 {
            lowest
        } else {
            // Not to be known as a constant, since that would be made anew for each result. If
            // underflow is sticky, too, there is nothing that small results could raise.
            let flags = self.flags();
            let underflow = i64::from(Flags::UF.0);
            let underflow = self.builder.ins().band_imm_u(flags, underflow);
            let none = self.constant(host, 0);
            self.builder.ins().select(underflow, none, lowest)
        };
        self.scratch.limits[at].2.low = Some(low);
        low
    }

    fn limit_at(&mut self, ty: Type, rm: Value) -> usize {
        let rm = match float::is_nearest(self, rm) {
            Some(true) => None,
            _ => Some(rm),
        };
        let mut known = self.scratch.limits.iter();
        if let Some(at) = known.position(|(t, r, _)| (*t, *r) == (ty, rm)) {
            return at;
        }
        let mut good = self.sticky();
        if let Some(rm) = rm {
            // Not zero if the mode is to nearest: then it is the sticky flag.
            let none = self.constant(types::I64, 0);
            let other = self.nearest(rm);
            good = self.builder.ins().select(other, good, none);
        }
        let host = int_type(ty);
        let (_, count) = float::range(ty);
        let (count, none) = (self.constant(host, count), self.constant(host, 0));
        let count = self.builder.ins().select(good, count, none);
        let limit = Limit { count, low: None };
        self.scratch.limits.push((ty, rm, limit));
        self.scratch.limits.len() - 1
    }

    /// Whether a rounding mode is to nearest; modes without a name are, too.
    fn nearest(&mut self, rm: Value) -> Value {
        let before = self.builder.ins().iadd_imm_s(rm, -1);
        let named = Rounding::ALL.len() as i64 - 1;
        let at_least = IntCC::UnsignedGreaterThanOrEqual;
        self.builder.ins().icmp_imm_u(at_least, before, named)
    }

    /// The address at which the block was entered; remembered.
    pub fn entry_pc(&mut self) -> Value {
        let (cpu, at) = (self.cpu, self.places.entry_pc);
        let builder = &mut *self.builder;
        *self
            .entry_pc
            .get_or_insert_with(|| builder.ins().load(types::I64, STRUCT, cpu, at))
    }

    /// Says where the address of the block's entry is already.
    pub fn set_entry_pc(&mut self, pc: Value) {
        self.entry_pc = Some(pc);
    }

    /// The value as an integer.
    pub fn int(&mut self, value: Value) -> Value {
        let ty = match self.type_of(value) {
            types::F32 => types::I32,
            types::F64 => types::I64,
            _ => return value,
        };
        self.twin(value, ty)
    }

    /// The value as a host float; halves have none.
    pub fn float(&mut self, value: Value) -> Value {
        let ty = match self.type_of(value) {
            types::I32 => types::F32,
            types::I64 => types::F64,
            _ => return value,
        };
        self.twin(value, ty)
    }

    fn twin(&mut self, value: Value, ty: ir::Type) -> Value {
        if let Some(twin) = self.scratch.twins[value].expand() {
            return twin;
        }
        let twin = self.builder.ins().bitcast(ty, MemFlagsData::new(), value);
        self.scratch.twins[value] = twin.into();
        self.scratch.twins[twin] = value.into();
        twin
    }

    pub(super) fn type_of(&self, value: Value) -> ir::Type {
        self.builder.func.dfg.value_type(value)
    }

    /// The number if the value is a constant.
    pub(super) fn constant_of(&self, value: Value) -> Option<u64> {
        let dfg = &self.builder.func.dfg;
        let inst = dfg.value_def(value).inst()?;
        match dfg.insts[inst] {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => {
                let unused = 64 - dfg.value_type(value).bits();
                Some((imm.bits() as u64) << unused >> unused)
            }
            _ => None,
        }
    }

    /// A constant.
    pub(super) fn constant(&mut self, ty: ir::Type, number: u64) -> Value {
        let unused = 64 - ty.bits();
        let number = number << unused >> unused;
        self.builder.ins().iconst(ty, number as i64)
    }

    /// Keeps the CPU pointer where cold blocks find it, so that it takes no register elsewhere.
    pub fn keep_aside(&mut self) {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
        let slot = self.builder.create_sized_stack_slot(data);
        let cpu = self.cpu;
        self.builder.ins().stack_store(types::I64, cpu, slot, 0);
        self.aside = Some(slot);
    }

    /// The CPU pointer in a cold block.
    pub fn cold_cpu(&mut self) -> Value {
        match self.aside {
            Some(slot) => self
                .builder
                .ins()
                .stack_load(types::I64, types::I64, slot, 0),
            None => self.cpu,
        }
    }

    /// The result of a helper; the call stands where the builder is.
    ///
    /// The first operand may be a rounding mode (a byte), the others are words or narrower, which
    /// are extended with zeroes.
    pub(super) fn call(
        &mut self,
        routine: Routine,
        rounding: Option<Value>,
        words: &[Value],
        result: ir::Type,
    ) -> Value {
        let helpers = self.places.helpers;
        let cpu = self.cold_cpu();
        let mut at = helpers + Helpers::WORDS;
        for word in rounding.into_iter().chain(words.iter().copied()) {
            self.store_word(word, cpu, at);
            at += 8;
        }
        let signature = self.signature();
        let first = if helpers == 0 {
            cpu
        } else {
            self.builder.ins().iadd_imm_s(cpu, i64::from(helpers))
        };
        let table = helpers + Helpers::TABLE + 8 * i32::from(routine.0);
        let ins = self.builder.ins();
        let code = ins.load(types::I64, STRUCT.with_readonly(), cpu, table);
        let ins = self.builder.ins();
        ins.call_indirect(signature, code, &[first]);
        let at = helpers + Helpers::RESULT;
        self.builder.ins().load(result, STRUCT, cpu, at)
    }

    /// Stores an operand of a helper as a word.
    fn store_word(&mut self, value: Value, cpu: Value, at: i32) {
        let value = match self.type_of(value) {
            types::F32 => {
                let flags = MemFlagsData::new();
                self.builder.ins().bitcast(types::I32, flags, value)
            }
            _ => value,
        };
        let wide = match self.type_of(value) {
            types::I64 | types::F64 => value,
            _ => self.builder.ins().uextend(types::I64, value),
        };
        self.builder.ins().store(STRUCT, wide, cpu, at);
    }

    fn signature(&mut self) -> SigRef {
        if let Some(known) = self.signature {
            return known;
        }
        let mut signature = Signature::new(CallConv::PreserveAll);
        signature.params.push(AbiParam::new(types::I64));
        let new = self.builder.import_signature(signature);
        self.signature = Some(new);
        new
    }

    /// Goes on with `fast` unless `bad` holds; then with what `slow` makes, in a cold block.
    pub(super) fn unless(
        &mut self,
        bad: Value,
        fast: Value,
        slow: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (cold, on) = (self.builder.create_block(), self.builder.create_block());
        let result = self.join(on, self.type_of(fast));
        let ins = self.builder.ins();
        ins.brif(bad, cold, &[], on, &[fast.into()]);
        self.cold(cold, on, slow);
        result
    }

    /// The same, but if `bad` holds and `fine` finds in a cold block that it does no harm, goes on
    /// with `fast` too.
    pub(super) fn unless_or(
        &mut self,
        bad: Value,
        fast: Value,
        fine: impl FnOnce(&mut Self) -> Value,
        slow: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (doubt, cold) = (self.builder.create_block(), self.builder.create_block());
        let on = self.builder.create_block();
        let result = self.join(on, self.type_of(fast));
        let ins = self.builder.ins();
        ins.brif(bad, doubt, &[], on, &[fast.into()]);
        self.builder.set_cold_block(doubt);
        self.builder.switch_to_block(doubt);
        self.builder.seal_block(doubt);
        let fine = fine(self);
        let ins = self.builder.ins();
        ins.brif(fine, on, &[fast.into()], cold, &[]);
        self.cold(cold, on, slow);
        result
    }

    /// Does something in a cold block first if `bad` holds.
    pub(super) fn after(&mut self, bad: Value, slow: impl FnOnce(&mut Self)) {
        let (cold, on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(bad, cold, &[], on, &[]);
        self.builder.set_cold_block(cold);
        self.builder.switch_to_block(cold);
        self.builder.seal_block(cold);
        slow(self);
        self.builder.ins().jump(on, &[]);
        self.builder.switch_to_block(on);
        self.builder.seal_block(on);
    }

    /// The value that a block goes on with.
    pub(super) fn join(&mut self, on: Block, ty: ir::Type) -> Value {
        self.builder.append_block_param(on, ty)
    }

    /// Fills a cold block that goes on in `on`, and turns to that.
    pub(super) fn cold(&mut self, cold: Block, on: Block, slow: impl FnOnce(&mut Self) -> Value) {
        self.builder.set_cold_block(cold);
        self.builder.switch_to_block(cold);
        self.builder.seal_block(cold);
        let value = slow(self);
        self.builder.ins().jump(on, &[value.into()]);
        self.builder.switch_to_block(on);
        self.builder.seal_block(on);
    }
}
