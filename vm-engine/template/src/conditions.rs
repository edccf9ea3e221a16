//! Truth values: as conditions where they are asked for, as numbers elsewhere.

use vm_ir::{Id, Inst, Op, Type};

use crate::body::{Body, size};
use crate::pieces::Source;
use crate::survey::is_comparison;
use crate::x64::{Alu, Cond, Extend, RCX, Reg, Rm, Size};

/// A condition on its way to the flags.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    size: Size,
    left: Rm,
    right: Source,
    cond: Cond,
}

/// The condition that a comparison is.
const fn condition(op: Op) -> Cond {
    match op {
        Op::Eq => Cond::Equal,
        Op::LtU => Cond::Below,
        Op::LtS => Cond::Less,
        Op::GeU => Cond::AboveEqual,
        Op::GeS => Cond::GreaterEqual,
        _ => Cond::NotEqual,
    }
}

impl Body<'_> {
    /// Makes ready what a truth value is asked for; the flags do not know it yet.
    pub(crate) fn question(&mut self, id: Id) -> Option<Question> {
        if self.notes.facts[usize::from(id)].fused {
            let inst = self.block.insts[usize::from(id)];
            return self.ask(&inst);
        }
        let reg = self.reg(id)?;
        Some(Question {
            size: Size::Dword,
            left: reg.into(),
            right: Source::Imm(0),
            cond: Cond::NotEqual,
        })
    }

    /// As [`Self::question`], for a comparison itself.
    pub(crate) fn ask(&mut self, inst: &Inst) -> Option<Question> {
        debug_assert!(is_comparison(inst.op), "nothing else is asked like this");
        if matches!(inst.op, Op::LtS | Op::GeS) && inst.ty < Type::I32 {
            return None;
        }
        let ([mut a, mut b, _, _], mut cond) = (inst.args, condition(inst.op));
        let in_memory = self.held(a).is_none();
        if self.short(a).is_some() || (in_memory && self.held(b).is_some()) {
            (a, b, cond) = (b, a, cond.swapped());
        }
        let right = self.source(b)?;
        let left = match right {
            Source::Rm(Rm::Mem(_)) | Source::Rm(Rm::Reg(_)) => self.reg(a)?.into(),
            Source::Imm(_) => self.rm(a)?,
        };
        Some(Question {
            size: size(inst.ty),
            left,
            right,
            cond,
        })
    }

    /// Asks; the condition under which the answer is yes.
    pub(crate) fn answer(&mut self, question: Question) -> Cond {
        let Question {
            size,
            left,
            right,
            cond,
        } = question;
        match (left, right) {
            (Rm::Reg(left), Source::Imm(0)) => self.asm.test(size, left, left),
            (left, Source::Imm(imm)) => self.asm.alu_imm(Alu::Cmp, size, left, imm),
            (Rm::Reg(left), Source::Rm(right)) => self.asm.alu(Alu::Cmp, size, left, right),
            (Rm::Mem(_), Source::Rm(_)) => unreachable!("one of the two is in a register"),
        }
        cond
    }

    /// The answer as a value.
    pub(crate) fn truth(&mut self, question: Question) -> Option<Reg> {
        let reg = self.register()?;
        let cond = self.answer(question);
        self.asm.set(cond, RCX);
        self.asm.extend(Extend::Zero8, Size::Dword, reg, RCX);
        Some(reg)
    }

    pub(crate) fn select(&mut self, inst: &Inst) -> Option<Reg> {
        let [cond, yes, no, _] = inst.args;
        let question = self.question(cond)?;
        let no = self.reg(no)?;
        let reg = self.target(yes)?;
        let cond = self.answer(question);
        self.asm.mov_if(cond.inverted(), size(inst.ty), reg, no);
        Some(reg)
    }
}
