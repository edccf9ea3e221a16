//! Parts of values: extensions, cuts and fields.

use vm_ir::{Id, Inst, Op, Type};

use crate::body::{Body, size};
use crate::x64::{Alu, Extend, RAX, RCX, Reg, Shift, Size, Unary};

impl Body<'_> {
    pub(crate) fn extension(&mut self, inst: &Inst) -> Option<Reg> {
        let (a, ty) = (inst.args[0], inst.ty);
        let from = self.type_of(a);
        if self.notes.facts[usize::from(a)].fused {
            let question = self.question(a)?;
            return self.truth(question);
        }
        if inst.op == Op::Zext {
            if from == Type::I32 && !(self.is_clean(a) && self.held(a).is_some()) {
                let low = self.rm(a)?;
                let reg = self.register()?;
                self.asm.mov(Size::Dword, reg, low);
                return Some(reg);
            }
            // Nothing stands above a value that is in a register.
            return self.target(a);
        }
        let reg = match from {
            Type::I1 => {
                let reg = self.target(a)?;
                self.asm.unary(Unary::Neg, size(ty), reg);
                reg
            }
            Type::I8 | Type::I16 => {
                let how = if from == Type::I8 {
                    Extend::Sign8
                } else {
                    Extend::Sign16
                };
                let low = self.reg(a)?;
                let reg = self.register()?;
                self.asm.extend(how, size(ty), reg, low);
                reg
            }
            Type::I32 | Type::I64 => {
                let low = self.rm(a)?;
                let reg = self.register()?;
                self.asm.movsxd(reg, low);
                reg
            }
        };
        self.cut(ty, reg);
        Some(reg)
    }

    /// Cut to less than 32 bits; to 32 it is the same value.
    pub(crate) fn trunc(&mut self, ty: Type, a: Id) -> Option<Reg> {
        let whole = self.reg(a)?;
        let reg = self.register()?;
        match ty {
            Type::I8 => self.asm.extend(Extend::Zero8, Size::Dword, reg, whole),
            Type::I16 => self.asm.extend(Extend::Zero16, Size::Dword, reg, whole),
            _ => {
                self.asm.mov(Size::Dword, reg, whole);
                self.cut(ty, reg);
            }
        }
        Some(reg)
    }

    pub(crate) fn field(&mut self, inst: &Inst) -> Option<Reg> {
        let (from, bits) = ((inst.imm & 255) as u32, (inst.imm >> 8) as u32);
        let (ty, size) = (inst.ty, size(inst.ty));
        let reg = self.target(inst.args[0])?;
        if ty == Type::I32 {
            self.asm.mov(size, reg, reg);
        }
        if from != 0 {
            self.asm.shift_imm(Shift::Shr, size, reg, from as u8);
        }
        if from + bits < ty.bits() {
            self.low_bits(reg, bits);
        }
        Some(reg)
    }

    /// Keeps so many bits, fewer than 64.
    fn low_bits(&mut self, reg: Reg, bits: u32) {
        match bits {
            8 => self.asm.extend(Extend::Zero8, Size::Dword, reg, reg),
            16 => self.asm.extend(Extend::Zero16, Size::Dword, reg, reg),
            32 => self.asm.mov(Size::Dword, reg, reg),
            0..32 => {
                let mask = (1u32 << bits) - 1;
                self.asm.alu_imm(Alu::And, Size::Dword, reg, mask as i32);
            }
            _ => {
                let unused = (64 - bits) as u8;
                self.asm.shift_imm(Shift::Shl, Size::Qword, reg, unused);
                self.asm.shift_imm(Shift::Shr, Size::Qword, reg, unused);
            }
        }
    }

    pub(crate) fn insert(&mut self, inst: &Inst) -> Option<Reg> {
        let (from, bits) = ((inst.imm & 255) as u32, (inst.imm >> 8) as u32);
        let (ty, size) = (inst.ty, size(inst.ty));
        let [a, b, _, _] = inst.args;
        if bits >= ty.bits() {
            let reg = self.target(b)?;
            self.asm.mov(size, reg, reg);
            return Some(reg);
        }
        self.copy(RCX, b);
        self.low_bits(RCX, bits);
        if from != 0 {
            self.asm.shift_imm(Shift::Shl, Size::Qword, RCX, from as u8);
        }
        let field = (u64::MAX >> (64 - bits)) << from;
        self.asm.mov_imm(RAX, !field & ty.mask());
        let reg = self.target(a)?;
        self.asm.alu(Alu::And, size, reg, RAX);
        self.asm.alu(Alu::Or, size, reg, RCX);
        Some(reg)
    }
}
