//! What lowering works with: the builder, the host, and what is remembered along a block.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, Block, InstBuilder, InstructionData, MemFlagsData, Opcode, SigRef, Signature,
    Value, types,
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
    /// Limits for a format and a rounding mode; none if that is known to be to nearest.
    limits: Vec<(Type, Option<Value>, Value)>,
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
    /// The sticky flag for inexact results.
    sticky: Option<Value>,
    /// Signatures of helpers by how many words they take beside the struct, with a rounding mode
    /// and without.
    signatures: [[Option<SigRef>; 5]; 2],
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
            sticky: None,
            signatures: Default::default(),
        }
    }

    /// Forgets what was remembered on the way here: the current block has other ways in.
    pub fn begin(&mut self) {
        self.scratch.twins.clear();
        self.entry_pc = None;
        self.forget_flags();
    }

    /// The sticky floating-point flags may have lost some.
    pub fn forget_flags(&mut self) {
        self.sticky = None;
        self.scratch.limits.clear();
    }

    /// Not zero if inexact is sticky; remembered, since nothing here ends it.
    pub(super) fn sticky(&mut self) -> Value {
        if let Some(sticky) = self.sticky {
            return sticky;
        }
        let (cpu, at) = (self.cpu, self.places.fp_flags);
        let flags = self.builder.ins().load(types::I64, STRUCT, cpu, at);
        let inexact = i64::from(Flags::NX.0);
        let sticky = self.builder.ins().band_imm_u(flags, inexact);
        self.sticky = Some(sticky);
        sticky
    }

    /// How many magnitudes the host's results may have, twice over: those of the format's range if
    /// the mode is to nearest and inexact is sticky, else none.
    pub(super) fn limit(&mut self, ty: Type, rm: Value) -> Value {
        let rm = match float::is_nearest(self, rm) {
            Some(true) => None,
            _ => Some(rm),
        };
        let known = self.scratch.limits.iter();
        let mut known = known.filter(|(t, r, _)| (*t, *r) == (ty, rm));
        if let Some((_, _, limit)) = known.next() {
            return *limit;
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
        let limit = self.builder.ins().select(good, count, none);
        self.scratch.limits.push((ty, rm, limit));
        limit
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
        let places = self.places;
        let table = places.helpers + Helpers::TABLE + 8 * i32::from(routine.0);
        let signature = self.signature(rounding.is_some(), words.len());
        let mut args = [self.cpu; 6];
        let mut count = 1;
        if places.helpers != 0 {
            let cpu = self.cpu;
            args[0] = self
                .builder
                .ins()
                .iadd_imm_s(cpu, i64::from(places.helpers));
        }
        for word in rounding.into_iter().chain(words.iter().copied()) {
            args[count] = self.cold_word(word, rounding == Some(word));
            count += 1;
        }
        let cpu = self.cpu;
        let ins = self.builder.ins();
        let code = ins.load(types::I64, STRUCT.with_readonly(), cpu, table);
        let ins = self.builder.ins();
        ins.call_indirect(signature, code, &args[..count]);
        let at = places.helpers + Helpers::RESULT;
        self.builder.ins().load(result, STRUCT, cpu, at)
    }

    /// An operand of a helper as a word. Nothing is remembered: the block is a cold one.
    fn cold_word(&mut self, value: Value, keep: bool) -> Value {
        if keep {
            return value;
        }
        let int = match self.type_of(value) {
            types::F32 | types::F64 => match self.scratch.twins[value].expand() {
                Some(twin) => twin,
                None => {
                    let ty = self.type_of(value).as_int();
                    self.builder.ins().bitcast(ty, MemFlagsData::new(), value)
                }
            },
            _ => value,
        };
        if self.type_of(int) == types::I64 {
            int
        } else {
            self.builder.ins().uextend(types::I64, int)
        }
    }

    fn signature(&mut self, rounds: bool, words: usize) -> SigRef {
        let known = &mut self.signatures[usize::from(rounds)][words];
        if let Some(known) = *known {
            return known;
        }
        let mut signature = Signature::new(CallConv::PreserveAll);
        signature.params.push(AbiParam::new(types::I64));
        if rounds {
            signature.params.push(AbiParam::new(types::I8).uext());
        }
        let word = AbiParam::new(types::I64);
        signature.params.extend(std::iter::repeat_n(word, words));
        let new = self.builder.import_signature(signature);
        *known = Some(new);
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
