//! Accesses that no other CPU comes between.
//!
//! Each is one instruction of the host, or a loop around one that compares and exchanges, whatever
//! order it asks for: on this host they are all in one order, which all CPUs agree on.

use vm_engine_interp::native::{Miss, Places};
use vm_ir::{Id, Inst, MemArg, Op, Type};

use crate::body::{Body, size, slot};
use crate::x64::{Alu, Cond, RAX, RCX, RDI, RDX, Reg, Size, at};

impl Body<'_> {
    /// Keeps the accesses before a place from those behind it, if it is asked for: only loads
    /// would not wait for stores by themselves.
    pub(crate) fn fence(&mut self, wanted: bool) {
        if wanted {
            self.asm.fence(at(RDI, Places::RESULT));
        }
    }

    /// Writes an operation of at least four bytes.
    pub(crate) fn atomic(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        match inst.op {
            Op::AmoSwap => self.swap(inst, arg),
            Op::AmoAdd => self.add(inst, arg),
            Op::AmoAnd | Op::AmoOr | Op::AmoXor => self.combine(inst, arg),
            Op::AmoMinS | Op::AmoMaxS | Op::AmoMinU | Op::AmoMaxU => self.repeat(inst, arg),
            Op::LoadRes => self.load_reserved(inst, arg),
            Op::StoreCond => self.store_conditional(inst, arg),
            _ => self.special(inst),
        }
    }

    /// Leaves the host's address of an aligned access in `rax`. A page that may be written may be
    /// read.
    fn host(&mut self, base: Id, arg: MemArg, ty: Type, store: bool) -> Option<()> {
        self.base(base, arg)?;
        // Page and alignment in one comparison: see `TlbEntry`.
        let low = ty.bytes() as i32 - 1;
        self.asm.mov(Size::Qword, RCX, RAX);
        self.asm.alu_imm(Alu::And, Size::Qword, RCX, -4096 | low);
        self.check(Miss {
            site: self.site,
            store,
            alone: false,
            register: RCX.0,
            bytes: 0,
        });
        Some(())
    }

    /// Whether nobody wants what was there.
    fn is_unwanted(&self) -> bool {
        self.notes.facts[usize::from(self.now)].uses == 0
    }

    fn swap(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        let value = self.reg(inst.args[1])?;
        self.host(inst.args[0], arg, inst.ty, true)?;
        let old = self.register()?;
        self.asm.mov(size(inst.ty), old, value);
        self.asm.swap_locked(size(inst.ty), at(RAX, 0), old);
        self.define(self.now, old);
        Some(())
    }

    fn add(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        if self.is_unwanted() {
            return self.combine(inst, arg);
        }
        let value = self.reg(inst.args[1])?;
        self.host(inst.args[0], arg, inst.ty, true)?;
        let old = self.register()?;
        self.asm.mov(size(inst.ty), old, value);
        self.asm.add_locked(size(inst.ty), at(RAX, 0), old);
        self.define(self.now, old);
        Some(())
    }

    /// Where nobody wants what was there, the host has an instruction.
    fn combine(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        let Some(op) = combines(inst.op).filter(|_| self.is_unwanted()) else {
            return self.repeat(inst, arg);
        };
        let value = self.reg(inst.args[1])?;
        self.host(inst.args[0], arg, inst.ty, true)?;
        self.asm.alu_locked(op, size(inst.ty), at(RAX, 0), value);
        Some(())
    }

    /// Compares and exchanges until nobody has come between.
    fn repeat(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        let size = size(inst.ty);
        let value = self.reg(inst.args[1])?;
        self.host(inst.args[0], arg, inst.ty, true)?;
        let keep = match inst.op {
            Op::AmoMinS => Some(Cond::Less),
            Op::AmoMaxS => Some(Cond::Greater),
            Op::AmoMinU => Some(Cond::Below),
            Op::AmoMaxU => Some(Cond::Above),
            _ => None,
        };
        self.asm.mov(Size::Qword, RDX, RAX);
        self.asm.mov(size, RAX, at(RDX, 0));
        let again = self.asm.here();
        self.asm.mov(size, RCX, value);
        if let Some(keep) = keep {
            self.asm.alu(Alu::Cmp, size, RAX, value);
            self.asm.mov_if(keep, size, RCX, RAX);
        } else {
            self.asm.alu(combines(inst.op)?, size, RCX, RAX);
        }
        self.asm.compare_locked(size, at(RDX, 0), RCX);
        self.asm.jump_back_if(Cond::NotEqual, again);
        let old = self.register()?;
        self.asm.mov(size, old, RAX);
        self.define(self.now, old);
        Some(())
    }

    /// Makes the host's address in `rax` the guest's; an address elsewhere than in the RAM that
    /// the CPU's struct speaks of leaves the instruction to the interpreter.
    fn phys(&mut self) {
        let qword = Size::Qword;
        self.asm
            .alu(Alu::Sub, qword, RAX, at(RDI, Places::RAM_HOST));
        self.asm
            .alu(Alu::Cmp, qword, RAX, at(RDI, Places::RAM_BYTES));
        self.alone_if(Cond::AboveEqual);
        self.asm
            .alu(Alu::Add, qword, RAX, at(RDI, Places::RAM_BASE));
    }

    /// The three words of the reservation: place, value and length; operands come first.
    fn reservation(&mut self) -> Option<[u16; 3]> {
        let first = self.reservation.start;
        let words = [first, first + 1, first + 2];
        for word in words {
            self.vacate(word)?;
        }
        Some(words)
    }

    fn load_reserved(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        self.host(inst.args[0], arg, inst.ty, false)?;
        let [place, value, length] = self.reservation()?;
        let old = self.register()?;
        self.asm.mov(size(inst.ty), old, at(RAX, 0));
        self.phys();
        self.asm.store(8, slot(place), RAX);
        self.asm.store(8, slot(value), old);
        self.asm.store_imm(8, slot(length), inst.ty.bytes() as i32);
        self.define(self.now, old);
        Some(())
    }

    fn store_conditional(&mut self, inst: &Inst, arg: MemArg) -> Option<()> {
        let new = self.reg(inst.args[1])?;
        self.host(inst.args[0], arg, inst.ty, true)?;
        let [place, value, length] = self.reservation()?;
        let (qword, done): (Size, Reg) = (Size::Qword, self.register()?);
        self.asm.mov(qword, RDX, RAX);
        self.phys();
        // Zero if it is the place that was reserved, and as long.
        self.asm.alu(Alu::Xor, qword, RAX, slot(place));
        self.asm.mov(qword, done, slot(length));
        self.asm
            .alu_imm(Alu::Xor, qword, done, inst.ty.bytes() as i32);
        self.asm.alu(Alu::Or, qword, RAX, done);
        self.asm.mov(qword, RCX, slot(value));
        // Whatever comes of it, the reservation is gone.
        self.asm.store_imm(8, slot(place), -1);
        self.asm.store_imm(8, slot(value), 0);
        self.asm.store_imm(8, slot(length), 0);
        self.asm.mov_imm(done, 0);
        self.asm.test(qword, RAX, RAX);
        let elsewhere = self.asm.jump_if(Cond::NotEqual);
        self.asm.mov(qword, RAX, RCX);
        self.asm.compare_locked(size(inst.ty), at(RDX, 0), new);
        self.asm.set(Cond::Equal, done);
        self.asm.land(elsewhere);
        self.define(self.now, done);
        Some(())
    }
}

/// What an exchange does with what was there.
const fn combines(op: Op) -> Option<Alu> {
    Some(match op {
        Op::AmoAdd => Alu::Add,
        Op::AmoAnd => Alu::And,
        Op::AmoOr => Alu::Or,
        Op::AmoXor => Alu::Xor,
        _ => return None,
    })
}
