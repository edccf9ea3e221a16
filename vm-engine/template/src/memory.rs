//! Memory operations: by the soft TLB, or by a gate.

use std::mem::offset_of;
use std::ops::Range;

use vm_engine_interp::native::{Call, Gates, Miss, Places};
use vm_ir::block::NONE;
use vm_ir::{Id, Inst, MemArg, Op, Order, Type};
use vm_mem::{TLB_ENTRIES, TlbEntry};

use crate::body::{Body, size};
use crate::pieces::{Line, Stub};
use crate::survey;
use crate::x64::{
    Alu, Cond, Extend, R8, R9, RAX, RBP, RCX, RDI, RDX, RSI, Reg, Rm, Shift, Size, at,
};

/// The bits of an address that say which entry answers for it, times the size of an entry.
const SHIFT: u8 = 12 - size_of::<TlbEntry>().trailing_zeros() as u8;
const INDEX: i32 = ((TLB_ENTRIES - 1) * size_of::<TlbEntry>()) as i32;

const _: () = assert!(
    size_of::<TlbEntry>().is_power_of_two() && TLB_ENTRIES.is_power_of_two(),
    "an entry is found by shifting and masking"
);

/// Where the address of the block's struct stands in its code.
pub const CODE: usize = 0;

impl Body<'_> {
    /// Writes a memory operation.
    pub(crate) fn memory_op(&mut self, inst: &Inst) -> Option<()> {
        let arg = MemArg::unpack(inst.imm);
        // The host orders loads with loads and stores with all that comes before them.
        match inst.op {
            Op::Fence => {
                self.fence(inst.imm == Order::Sequential as u64);
                Some(())
            }
            Op::Load if !arg.big_endian => self.load(inst, arg),
            Op::Store if !arg.big_endian => {
                self.store(inst, arg)?;
                self.fence(arg.order == Order::Sequential);
                Some(())
            }
            Op::Load | Op::Store => None,
            // Where the TLB answers, nothing traps.
            Op::ProbeLoad | Op::ProbeStore => {
                let store = inst.op == Op::ProbeStore;
                self.locate(inst.args[0], arg, inst.ty, store)
            }
            _ if inst.ty >= Type::I32 && !arg.big_endian => self.atomic(inst, arg),
            _ => self.special(inst),
        }
    }

    fn load(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        self.locate(inst.args[0], arg, inst.ty, false)?;
        let reg = self.register()?;
        let from = at(RAX, 0);
        let extension = survey::extends(self.block, &self.notes.facts, self.now);
        let signed = extension == Some(Op::Sext);
        match (inst.ty, signed) {
            (Type::I64, _) => self.asm.mov(Size::Qword, reg, from),
            (Type::I32, true) => self.asm.movsxd(reg, from),
            (Type::I32, false) => self.asm.mov(Size::Dword, reg, from),
            (Type::I16, true) => self.asm.extend(Extend::Sign16, Size::Qword, reg, from),
            (Type::I16, false) => self.asm.extend(Extend::Zero16, Size::Dword, reg, from),
            (Type::I8, true) => self.asm.extend(Extend::Sign8, Size::Qword, reg, from),
            (Type::I8 | Type::I1, _) => self.asm.extend(Extend::Zero8, Size::Dword, reg, from),
        }
        if inst.ty == Type::I1 {
            self.asm.alu_imm(Alu::And, Size::Dword, reg, 1);
            if signed {
                self.asm.unary(crate::x64::Unary::Neg, Size::Qword, reg);
            }
        }
        self.done = extension.is_some();
        self.define(self.now + u16::from(self.done), reg);
        Some(())
    }

    fn store(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        let [addr, value, _, _] = inst.args;
        let ty = inst.ty;
        // The value first: a register for it may have to be found.
        let imm = self.short(value);
        let reg = match imm {
            Some(_) => None,
            None => Some(self.reg(value)?),
        };
        let line = Line {
            site: self.site,
            base: addr,
            offset: arg.offset,
        };
        let in_line = self.block.stays_in_line(inst);
        let to = match self.line {
            Some(last) if in_line && (last.site, last.base) == (line.site, addr) => {
                at(RAX, line.offset - last.offset)
            }
            _ => {
                self.locate(addr, arg, ty, true)?;
                self.line = in_line.then_some(line);
                at(RAX, 0)
            }
        };
        match (imm, reg) {
            (Some(imm), _) => self.asm.store_imm(ty.bytes(), to, imm),
            (None, Some(reg)) => self.asm.store(ty.bytes(), to, reg),
            (None, None) => unreachable!("a value is a constant or in a register"),
        }
        Some(())
    }

    /// Leaves the host's address of a load or store in `rax`, after the check that the TLB
    /// answers for its last byte by the entry of its first one: not if it reaches into the next
    /// page.
    fn locate(&mut self, base: Id, arg: MemArg, ty: Type, store: bool) -> Option<()> {
        let base = self.base(base, arg)?;
        let last = ty.bytes() as i32 - 1;
        if last == 0 {
            self.asm.mov(Size::Qword, RCX, RAX);
        } else if let Some(disp) = arg.offset.checked_add(last)
            && let Some(base) = base
        {
            self.asm.lea(Size::Qword, RCX, at(base, disp));
        } else {
            self.asm.lea(Size::Qword, RCX, at(RAX, last));
        }
        self.asm.alu_imm(Alu::And, Size::Qword, RCX, -4096);
        let miss = Miss {
            site: self.site,
            store,
            alone: false,
            register: RAX.0,
            bytes: ty.bytes() as u8,
        };
        self.check(miss);
        Some(())
    }

    /// Leaves an address in `rax` and the TLB's entry for it in `rdx`; the register of the base.
    pub(crate) fn base(&mut self, base: Id, arg: MemArg) -> Option<Option<Reg>> {
        let reg = match self.rm(base)? {
            Rm::Reg(reg) => {
                if arg.offset == 0 {
                    self.asm.mov(Size::Qword, RAX, reg);
                } else {
                    self.asm.lea(Size::Qword, RAX, at(reg, arg.offset));
                }
                Some(reg)
            }
            Rm::Mem(mem) => {
                self.asm.mov(Size::Qword, RAX, mem);
                if arg.offset != 0 {
                    self.asm.alu_imm(Alu::Add, Size::Qword, RAX, arg.offset);
                }
                None
            }
        };
        self.asm.mov(Size::Dword, RDX, RAX);
        self.asm.shift_imm(Shift::Shr, Size::Dword, RDX, SHIFT);
        self.asm.alu_imm(Alu::And, Size::Dword, RDX, INDEX);
        self.asm
            .alu(Alu::Add, Size::Qword, RDX, at(RDI, Places::TLB));
        Some(reg)
    }

    /// Compares `rcx` with the tag of the entry in `rdx`; then adds the entry's addend to `rax`.
    pub(crate) fn check(&mut self, miss: Miss) {
        let tag = if miss.store {
            offset_of!(TlbEntry, write)
        } else {
            offset_of!(TlbEntry, read)
        };
        self.asm
            .alu(Alu::Cmp, Size::Qword, RCX, at(RDX, tag as i32));
        let from = self.asm.jump_if(Cond::NotEqual);
        self.stub(from, miss);
        let addend = at(RDX, offset_of!(TlbEntry, addend) as i32);
        self.asm.alu(Alu::Add, Size::Qword, RAX, addend);
    }

    /// A jump to a stub that comes back here.
    fn stub(&mut self, from: crate::x64::Jump, miss: Miss) {
        let back = self.asm.here();
        self.notes.stubs.push(Stub {
            from,
            miss: miss.pack(),
            back,
        });
    }

    /// Leaves the instruction at hand to the interpreter if the condition holds.
    pub(crate) fn alone_if(&mut self, cond: Cond) {
        let from = self.asm.jump_if(cond);
        let miss = Miss {
            site: self.site,
            store: false,
            alone: true,
            register: 0,
            bytes: 1,
        };
        self.stub(from, miss);
    }

    /// Writes all stubs.
    pub(crate) fn stubs(&mut self) {
        for stub in std::mem::take(&mut self.notes.stubs) {
            let miss = Miss::unpack(u64::from(stub.miss));
            let what = if miss.alone { "alone" } else { "miss" };
            self.mark(Some(miss.site), Some(what));
            self.asm.land(stub.from);
            self.asm.push_from(CODE);
            self.asm.push_imm(stub.miss as i32);
            self.asm.call_by(gate_by_frame(offset_of!(Gates, miss)));
            self.asm.jump_back(stub.back);
        }
    }

    /// Any memory operation, by its gate.
    pub(crate) fn special(&mut self, inst: &Inst) -> Option<()> {
        let [addr, first, second, _] = inst.args;
        let slots = self.reservation.clone();
        self.call(
            offset_of!(Gates, special),
            inst.op as u32,
            inst.ty,
            [addr, first, second],
            Last::Imm(inst.imm),
            slots,
        )?;
        if inst.op.has_result() {
            self.result(inst.value_type())?;
        }
        Some(())
    }

    /// Calls a helper of the guest architecture.
    pub(crate) fn helper(&mut self, inst: &Inst) -> Option<()> {
        let [a, b, c, d] = inst.args;
        // What it declares about writing is for passes to use; here it costs a few moves.
        let slots = 0..u16::MAX;
        self.call(
            offset_of!(Gates, call),
            inst.imm as u32,
            Type::I64,
            [a, b, c],
            Last::Id(d),
            slots,
        )?;
        self.result(Type::I64)
    }

    /// Calls a gate for the instruction at hand, which may write these slots.
    fn call(
        &mut self,
        gate: usize,
        what: u32,
        ty: Type,
        [a, b, c]: [Id; 3],
        last: Last,
        slots: Range<u16>,
    ) -> Option<()> {
        self.shelter()?;
        let call = Call {
            site: self.site,
            ty: ty as u8,
            what,
        };
        self.word(RDX, a);
        self.word(RCX, b);
        // The last two registers may hold what the other wants.
        self.word(RAX, c);
        match last {
            Last::Imm(imm) => self.asm.mov_imm(R9, imm),
            Last::Id(id) => self.word(R9, id),
        }
        self.asm.mov(Size::Qword, R8, RAX);
        self.asm.mov_from(RSI, CODE);
        self.asm.store(8, at(RDI, Places::CODE), RSI);
        self.give_up_slots(slots)?;
        self.asm.mov_imm(RSI, call.pack());
        self.asm.call_by(at(RDI, Places::GATES + gate as i32));
        self.asm.lea(Size::Qword, RDI, at(RBP, Places::BIAS));
        self.emerge();
        Some(())
    }

    /// The word of an argument; zero if there is none.
    fn word(&mut self, reg: Reg, id: Id) {
        if id == NONE {
            self.asm.mov_imm(reg, 0);
            return;
        }
        self.copy(reg, id);
        if !self.is_clean(id) {
            self.asm.mov(Size::Dword, reg, reg);
        }
    }

    /// What a gate has left.
    fn result(&mut self, ty: Type) -> Option<()> {
        let reg = self.register()?;
        let from = at(RDI, Places::RESULT);
        match ty {
            Type::I64 | Type::I32 => self.asm.mov(size(ty), reg, from),
            Type::I16 => self.asm.extend(Extend::Zero16, Size::Dword, reg, from),
            Type::I8 | Type::I1 => self.asm.extend(Extend::Zero8, Size::Dword, reg, from),
        }
        if ty == Type::I1 {
            self.asm.alu_imm(Alu::And, Size::Dword, reg, 1);
        }
        self.define(self.now, reg);
        Some(())
    }
}

/// The last word of a call.
#[derive(Clone, Copy, Debug)]
enum Last {
    Id(Id),
    Imm(u64),
}

/// Where a gate is, from the CPU's struct itself.
pub const fn gate_by_frame(offset: usize) -> crate::x64::Mem {
    at(RBP, Places::BIAS + Places::GATES + offset as i32)
}
