//! How native code takes its fuel, and how it calls and jumps to what is not its own.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, Signature, Value, types};
use cranelift_codegen::isa::CallConv;
use vm_engine_interp::native::{Call, Gates, KEEPS_FRAMES, Miss, Places};
use vm_ir::{Inst, Type};

use crate::body::{Body, Check, FIRST_EXIT, NEVER, STRUCT, TO_STUB, host_type};

/// The signature of native code: the CPU, the block entered, the block left; the fuel, if it is
/// not in a register of its own.
pub fn signature() -> Signature {
    signature_of(CallConv::Tail, if KEEPS_FRAMES { 4 } else { 3 })
}

/// The signature of the gate for misses that gets them in registers: the miss, the address, the
/// block; the CPU and the fuel, if they are not in registers of their own.
pub fn miss_signature() -> Signature {
    signature_of(CallConv::PreserveAll, if KEEPS_FRAMES { 5 } else { 3 })
}

fn signature_of(convention: CallConv, words: usize) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.resize(words, AbiParam::new(types::I64));
    signature
}

impl Body<'_, '_, '_> {
    /// Takes the block's instructions from the fuel, or leaves if it does not reach; where the fuel
    /// has a register of its own, `finish` does so.
    pub(crate) fn take_fuel(&mut self) {
        let Some(fuel) = self.fuel else { return };
        let insns = i64::from(self.block.insns);
        let builder = &mut *self.cx.builder;
        let left = builder.ins().iadd_imm_s(fuel, -insns);
        let short = builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let on = self.unless(short);
        self.leave_by(std::mem::offset_of!(Gates, fuel));
        self.cx.builder.seal_block(on);
        self.cx.builder.switch_to_block(on);
        self.fuel = Some(left);
    }

    /// Turns to a cold block for the case that `bad` holds; the block for the other case.
    fn unless(&mut self, bad: Value) -> ir::Block {
        let builder = &mut *self.cx.builder;
        let (cold, on) = (builder.create_block(), builder.create_block());
        let none: [BlockArg; 0] = [];
        builder.ins().brif(bad, cold, &none, on, &none);
        builder.seal_block(cold);
        builder.set_cold_block(cold);
        builder.switch_to_block(cold);
        on
    }

    /// Does something else if the condition holds, out of line; `addr` is what was compared.
    pub(crate) fn check(&mut self, bad: Value, check: Check, addr: Option<Value>) {
        if let Some(fuel) = self.fuel {
            return self.check_by_call(bad, check, addr, fuel);
        }
        let number = self.notes.checks.len() as u32;
        self.notes.checks.push(check);
        let builder = &mut *self.cx.builder;
        self.notes.teller.begin_place(builder, number);
        builder.ins().trapnz(bad, TO_STUB);
        self.notes.teller.end_place(builder);
    }

    /// The same by a call in a cold block, which comes back if the TLB has answered.
    fn check_by_call(&mut self, bad: Value, check: Check, addr: Option<Value>, fuel: Value) {
        let (cpu, code) = (self.cx.cpu, self.code);
        let on = self.unless(bad);
        let builder = &mut *self.cx.builder;
        let signature = *self
            .miss
            .get_or_insert_with(|| builder.import_signature(miss_signature()));
        let what = i64::from(check.miss(Miss::AT).pack());
        let what = builder.ins().iconst(types::I64, what);
        let at = Places::GATES + std::mem::offset_of!(Gates, miss_at) as i32;
        let to = builder.ins().load(types::I64, STRUCT, cpu, at);
        let args = [what, addr.unwrap_or(what), code, cpu, fuel];
        builder.ins().call_indirect(signature, to, &args);
        let none: [BlockArg; 0] = [];
        match check {
            Check::Tlb { .. } => builder.ins().jump(on, &none),
            Check::Alone { .. } => builder.ins().trap(NEVER),
        };
        builder.seal_block(on);
        builder.switch_to_block(on);
    }

    pub(crate) fn call(&mut self, inst: &Inst) -> Value {
        let words = inst.args.map(|id| self.word_or_zero(id));
        let ty = Type::I64;
        let gate = std::mem::offset_of!(Gates, call);
        self.gate(gate, inst.imm as u32, ty, words);
        // A helper may write any slot, and ask for anything.
        self.cx.forget_flags();
        self.line = None;
        self.result(ty)
    }

    /// Calls a gate for the instruction at hand.
    pub(crate) fn gate(&mut self, gate: usize, what: u32, ty: Type, words: [Value; 4]) {
        let call = Call {
            site: self.site,
            ty: ty as u8,
            what,
        };
        let (cpu, code) = (self.cx.cpu, self.code);
        let builder = &mut *self.cx.builder;
        let signature = *self.gate.get_or_insert_with(|| {
            let words = if KEEPS_FRAMES { 7 } else { 6 };
            builder.import_signature(signature_of(CallConv::SystemV, words))
        });
        builder.ins().store(STRUCT, code, cpu, Places::CODE);
        let at = Places::GATES + gate as i32;
        let to = builder.ins().load(types::I64, STRUCT, cpu, at);
        let what = builder.ins().iconst(types::I64, call.pack() as i64);
        let [a, b, c, d] = words;
        let args = [cpu, what, a, b, c, d].into_iter().chain(self.fuel);
        let args: Vec<Value> = args.collect();
        builder.ins().call_indirect(signature, to, &args);
    }

    /// What a gate has left.
    pub(crate) fn result(&mut self, ty: Type) -> Value {
        let cpu = self.cx.cpu;
        let ins = self.cx.builder.ins();
        let value = ins.load(host_type(ty), STRUCT, cpu, Places::RESULT);
        self.cut(value, ty)
    }

    /// Goes on elsewhere for good.
    pub(crate) fn leave(&mut self, to: Value, head: Value) {
        let (cpu, code) = (self.cx.cpu, self.code);
        let number = FIRST_EXIT + self.notes.exits;
        self.notes.exits += 1;
        let builder = &mut *self.cx.builder;
        let way = *self
            .way
            .get_or_insert_with(|| builder.import_signature(signature()));
        self.notes.teller.begin_place(builder, number);
        let args = [cpu, head, code].into_iter().chain(self.fuel);
        let args: Vec<Value> = args.collect();
        builder.ins().return_call_indirect(way, to, &args);
        self.notes.teller.end_place(builder);
    }
}
