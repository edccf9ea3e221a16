//! Operations on integers.

use vm_ir::{Id, Inst, Op, Type};

use crate::body::{Body, size};
use crate::pieces::Source;
use crate::x64::{Alu, Cond, Count, Extend, Mem, RAX, RCX, RDX, Reg, Rm, Shift, Size, Unary, at};

/// How an operation is written.
#[derive(Clone, Copy, Debug)]
enum Template {
    Plain(Alu),
    AndNot,
    Single(Unary),
    Product,
    High {
        signed: bool,
        mixed: bool,
    },
    Divide {
        signed: bool,
        rest: bool,
    },
    Shifted(Shift),
    Counted(Count),
    Bytes,
    OrBytes,
    /// The second operand is taken under this condition.
    Pick(Cond),
    Select,
    Extend,
    Trunc,
    Field,
    Insert,
    Truth,
    Address,
}

/// The table: each operation that is known here, and the narrowest type it is known for.
const fn template(op: Op) -> Option<(Template, Type)> {
    use Template::*;
    use Type::*;
    Some(match op {
        Op::Add => (Plain(Alu::Add), I1),
        Op::Sub => (Plain(Alu::Sub), I1),
        Op::And => (Plain(Alu::And), I1),
        Op::Or => (Plain(Alu::Or), I1),
        Op::Xor => (Plain(Alu::Xor), I1),
        Op::AndNot => (AndNot, I1),
        Op::Not => (Single(Unary::Not), I1),
        Op::Neg => (Single(Unary::Neg), I1),
        Op::Mul => (Product, I1),
        Op::MulHu => (
            High {
                signed: false,
                mixed: false,
            },
            I32,
        ),
        Op::MulHs => (
            High {
                signed: true,
                mixed: false,
            },
            I32,
        ),
        Op::MulHsu => (
            High {
                signed: false,
                mixed: true,
            },
            I32,
        ),
        Op::DivU => (
            Divide {
                signed: false,
                rest: false,
            },
            I32,
        ),
        Op::DivS => (
            Divide {
                signed: true,
                rest: false,
            },
            I32,
        ),
        Op::RemU => (
            Divide {
                signed: false,
                rest: true,
            },
            I32,
        ),
        Op::RemS => (
            Divide {
                signed: true,
                rest: true,
            },
            I32,
        ),
        Op::Shl => (Shifted(Shift::Shl), I32),
        Op::ShrU => (Shifted(Shift::Shr), I32),
        Op::ShrS => (Shifted(Shift::Sar), I32),
        Op::RotL => (Shifted(Shift::Rol), I32),
        Op::RotR => (Shifted(Shift::Ror), I32),
        Op::Clz => (Counted(Count::Leading), I32),
        Op::Ctz => (Counted(Count::Trailing), I32),
        Op::PopCnt => (Counted(Count::Ones), I1),
        Op::BSwap => (Bytes, I32),
        Op::OrBytes => (OrBytes, I32),
        Op::MinU => (Pick(Cond::Above), I1),
        Op::MaxU => (Pick(Cond::Below), I1),
        Op::MinS => (Pick(Cond::Greater), I32),
        Op::MaxS => (Pick(Cond::Less), I32),
        Op::Eq | Op::Ne | Op::LtU | Op::GeU => (Truth, I1),
        Op::LtS | Op::GeS => (Truth, I32),
        Op::Select => (Select, I1),
        Op::Zext | Op::Sext => (Extend, I1),
        Op::Trunc => (Trunc, I1),
        Op::Extract => (Field, I1),
        Op::Deposit => (Insert, I1),
        Op::Pc => (Address, I64),
        _ => return None,
    })
}

impl Body<'_> {
    /// Writes a pure operation.
    pub(crate) fn calculate(&mut self, inst: &Inst) -> Option<()> {
        if inst.op == Op::Const {
            return Some(());
        }
        let (template, least) = template(inst.op)?;
        if inst.ty < least {
            return None;
        }
        let [a, b, _, _] = inst.args;
        let ty = inst.ty;
        let reg = match template {
            Template::Plain(op) => self.plain(op, ty, a, b)?,
            Template::AndNot => {
                self.copy(RCX, b);
                let reg = self.target(a)?;
                self.asm.unary(Unary::Not, size(ty), RCX);
                self.asm.alu(Alu::And, size(ty), reg, RCX);
                reg
            }
            Template::Single(op) => {
                let reg = self.target(a)?;
                self.asm.unary(op, size(ty), reg);
                self.cut(ty, reg);
                reg
            }
            Template::Product => {
                let right = self.rm(b)?;
                let reg = self.target(a)?;
                self.asm.imul(size(ty), reg, right);
                self.cut(ty, reg);
                reg
            }
            Template::High { signed, mixed } => self.high(signed, mixed, ty, a, b)?,
            Template::Divide { signed, rest } => self.divide(signed, rest, ty, a, b)?,
            Template::Shifted(op) => self.shift(op, ty, a, b)?,
            Template::Counted(what) => {
                let from = self.reg(a)?;
                let reg = self.register()?;
                self.asm.count(what, size(ty), reg, from);
                reg
            }
            Template::Bytes => {
                let reg = self.target(a)?;
                self.asm.bswap(size(ty), reg);
                reg
            }
            Template::OrBytes => self.or_bytes(ty, a)?,
            Template::Pick(cond) => {
                let other = self.reg(b)?;
                let reg = self.target(a)?;
                self.asm.alu(Alu::Cmp, size(ty), reg, other);
                self.asm.mov_if(cond, size(ty), reg, other);
                reg
            }
            Template::Select => self.select(inst)?,
            Template::Extend => self.extension(inst)?,
            Template::Trunc => self.trunc(ty, a)?,
            Template::Field => self.field(inst)?,
            Template::Insert => self.insert(inst)?,
            Template::Truth => {
                let question = self.ask(inst)?;
                self.truth(question)?
            }
            Template::Address => {
                let reg = self.register()?;
                self.address(reg, inst.imm as i64);
                reg
            }
        };
        self.define(self.now, reg);
        Some(())
    }

    /// Makes what stands above the type zero.
    pub(crate) fn cut(&mut self, ty: Type, reg: Reg) {
        match ty {
            Type::I1 => self.asm.alu_imm(Alu::And, Size::Dword, reg, 1),
            Type::I8 => self.asm.extend(Extend::Zero8, Size::Dword, reg, reg),
            Type::I16 => self.asm.extend(Extend::Zero16, Size::Dword, reg, reg),
            Type::I32 | Type::I64 => {}
        }
    }

    fn plain(&mut self, op: Alu, ty: Type, a: Id, b: Id) -> Option<Reg> {
        let (size, commutes) = (size(ty), op != Alu::Sub);
        // A value that is not wanted any more gives its register, and constants come last.
        let first_goes = self.held(a).is_some() && self.dies(a);
        let second_goes = self.held(b).is_some() && self.dies(b);
        let turn = commutes
            && (self.constant(a).is_some()
                || (!first_goes && second_goes && self.constant(b).is_none()));
        let (a, b) = if turn { (b, a) } else { (a, b) };
        let right = self.source(b)?;
        let stays = !(self.held(a).is_some() && self.dies(a));
        let reg = match (op, right, self.held(a)) {
            // The sum without a copy before it.
            (Alu::Add, Source::Imm(imm), Some(left)) if stays => {
                let reg = self.register()?;
                self.asm.lea(size, reg, at(left, imm));
                reg
            }
            (Alu::Add, Source::Rm(Rm::Reg(index)), Some(base)) if stays => {
                let reg = self.register()?;
                let sum = Mem {
                    base,
                    index: Some(index),
                    disp: 0,
                };
                self.asm.lea(size, reg, sum);
                reg
            }
            _ => {
                let reg = self.target(a)?;
                self.alu(op, size, reg, right);
                reg
            }
        };
        if matches!(op, Alu::Add | Alu::Sub) {
            self.cut(ty, reg);
        }
        Some(reg)
    }

    fn alu(&mut self, op: Alu, size: Size, reg: Reg, right: Source) {
        match right {
            Source::Imm(imm) => self.asm.alu_imm(op, size, reg, imm),
            Source::Rm(rm) => self.asm.alu(op, size, reg, rm),
        }
    }

    fn high(&mut self, signed: bool, mixed: bool, ty: Type, a: Id, b: Id) -> Option<Reg> {
        let right = self.rm(b)?;
        self.copy(RAX, a);
        if mixed {
            // A negative factor counts as itself plus two to the width.
            self.asm.mov(size(ty), RCX, RAX);
            self.asm
                .shift_imm(Shift::Sar, size(ty), RCX, ty.bits() as u8 - 1);
            self.asm.alu(Alu::And, size(ty), RCX, right);
        }
        let op = if signed { Unary::Imul } else { Unary::Mul };
        self.asm.unary(op, size(ty), right);
        if mixed {
            self.asm.alu(Alu::Sub, size(ty), RDX, RCX);
        }
        let reg = self.register()?;
        self.asm.mov(size(ty), reg, RDX);
        Some(reg)
    }

    /// The host traps where the divisor is zero or the quotient has no room, so that these go
    /// another way.
    fn divide(&mut self, signed: bool, rest: bool, ty: Type, a: Id, b: Id) -> Option<Reg> {
        let size = size(ty);
        self.copy(RCX, b);
        self.copy(RAX, a);
        let reg = self.register()?;
        let odd = if signed {
            self.asm.lea(size, RDX, at(RCX, 1));
            self.asm.alu_imm(Alu::Cmp, size, RDX, 1);
            let odd = self.asm.jump_if(Cond::BelowEqual);
            self.asm.spread_sign(size);
            self.asm.unary(Unary::Idiv, size, RCX);
            odd
        } else {
            self.asm.test(size, RCX, RCX);
            let odd = self.asm.jump_if(Cond::Equal);
            self.asm.mov_imm(RDX, 0);
            self.asm.unary(Unary::Div, size, RCX);
            odd
        };
        self.asm.mov(size, reg, if rest { RDX } else { RAX });
        let done = self.asm.jump();
        self.asm.land(odd);
        if rest {
            // By zero it is the dividend, by minus one it is zero.
            self.asm.mov(size, reg, RAX);
            self.asm.alu(Alu::And, size, reg, RCX);
            self.asm.alu(Alu::Xor, size, reg, RAX);
        } else {
            // By zero all ones, by minus one the other sign.
            self.asm.unary(Unary::Neg, size, RAX);
            self.asm.mov_imm(reg, ty.mask());
            self.asm.test(size, RCX, RCX);
            self.asm.mov_if(Cond::NotEqual, size, reg, RAX);
        }
        self.asm.land(done);
        Some(reg)
    }

    fn shift(&mut self, op: Shift, ty: Type, a: Id, b: Id) -> Option<Reg> {
        if let Some(by) = self.constant(b) {
            let by = by as u8 & (ty.bits() as u8 - 1);
            let reg = self.target(a)?;
            if by == 0 {
                self.asm.mov(size(ty), reg, reg);
            } else {
                self.asm.shift_imm(op, size(ty), reg, by);
            }
            return Some(reg);
        }
        self.copy(RCX, b);
        let reg = self.target(a)?;
        self.asm.shift(op, size(ty), reg);
        Some(reg)
    }

    /// Each byte all ones if it has any one: the sum of its low bits and 0x7f, or the byte
    /// itself, has the top bit.
    fn or_bytes(&mut self, ty: Type, a: Id) -> Option<Reg> {
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        let size = size(ty);
        self.asm.mov_imm(RCX, LOW & ty.mask());
        let reg = self.target(a)?;
        self.asm.mov(size, RAX, reg);
        self.asm.alu(Alu::And, size, RAX, RCX);
        self.asm.alu(Alu::Add, size, RAX, RCX);
        self.asm.alu(Alu::Or, size, RAX, reg);
        self.asm.unary(Unary::Not, size, RCX);
        self.asm.alu(Alu::And, size, RAX, RCX);
        self.asm.mov(size, reg, RAX);
        self.asm.shift_imm(Shift::Shr, size, RAX, 7);
        self.asm.mov(size, RCX, reg);
        self.asm.alu(Alu::Sub, size, RCX, RAX);
        self.asm.alu(Alu::Or, size, reg, RCX);
        Some(reg)
    }
}
