//! Computes what is constant and drops what does nothing.
//!
//! Values come from [`Op::eval_imm`] alone; what stands here are the identities.

use crate::block::{Block, Effect, End, Id, Inst, MemArg, NONE};
use crate::{Op, Type};

/// How many operations deep it is looked for what a value extends.
const DEPTH: u32 = 3;

/// Simplifies one operation in place; the earlier value that its own is equal to, if there is one.
pub(super) fn step(before: &[Inst], inst: &mut Inst) -> Option<Id> {
    match inst.op {
        Op::Const | Op::Pc | Op::Get | Op::Set | Op::Insn => return None,
        Op::Load | Op::Store => {
            address(before, inst);
            return None;
        }
        Op::GetAt | Op::SetAt => {
            slot(before, inst);
            return None;
        }
        op if op.effect() != Effect::Pure => return None,
        _ => {}
    }
    let known = Known { before };
    let constants = inst.args.map(|id| known.constant(id));
    if let [Some(_), ..] = constants
        && (inst.args[1] == NONE || constants[1].is_some())
        && (inst.args[2] == NONE || constants[2].is_some())
    {
        let args = [constants[0], constants[1], constants[2]].map(|value| value.unwrap_or(0));
        if let Some(value) = evaluate(inst, known.ty(inst.args[0]), args) {
            become_constant(inst, inst.value_type(), value);
            return None;
        }
    }
    let [a, b, ..] = inst.args;
    match inst.args[1] {
        NONE => unary(known, inst, a),
        _ if inst.op == Op::Select => select(known, inst),
        _ if inst.args[2] != NONE => carries(known, inst),
        _ => {
            if commutes(inst.op) && constants[0].is_some() {
                inst.args.swap(0, 1);
                return binary(known, inst, b, a, constants[0]);
            }
            binary(known, inst, a, b, constants[1])
        }
    }
}

/// Simplifies the block's end.
pub(super) fn end(block: &mut Block) {
    let known = Known {
        before: &block.insts,
    };
    block.end = match block.end {
        End::Branch { cond, taken, fall } => match (known.constant(cond), known.inst(cond)) {
            _ if taken == fall => End::Goto(taken),
            (Some(0), _) => End::Goto(fall),
            (Some(_), _) => End::Goto(taken),
            (None, Some(inst)) if inst.op == Op::Not => End::Branch {
                cond: inst.args[0],
                taken: fall,
                fall: taken,
            },
            _ => return,
        },
        End::Jump { target, .. } => match known.inst(target) {
            Some(inst) if inst.op == Op::Pc && inst.ty == Type::I64 => End::Goto(inst.imm as i64),
            _ => return,
        },
        End::Goto(_) | End::Next(_) | End::Leave | End::Trap { .. } => return,
    };
}

/// The operations before the one at hand.
#[derive(Clone, Copy)]
struct Known<'a> {
    before: &'a [Inst],
}

impl<'a> Known<'a> {
    fn inst(self, id: Id) -> Option<&'a Inst> {
        self.before.get(usize::from(id))
    }

    fn constant(self, id: Id) -> Option<u64> {
        let inst = self.inst(id)?;
        (inst.op == Op::Const).then_some(inst.imm)
    }

    fn ty(self, id: Id) -> Type {
        self.inst(id).map_or(Type::I64, Inst::value_type)
    }

    /// Whether a value of a type is the sign extension of its part of a smaller type.
    fn extends(self, id: Id, from: Type, ty: Type, depth: u32) -> bool {
        let Some(inst) = self.inst(id).filter(|inst| inst.value_type() == ty) else {
            return false;
        };
        let [a, b, ..] = inst.args;
        let smaller = |limit: Type| self.ty(a) <= limit && self.ty(a) > Type::I1;
        let positive = |id| {
            let constant = self.constant(id);
            constant.is_some_and(|c| c <= from.mask() >> 1)
        };
        match inst.op {
            Op::Sext => smaller(from),
            Op::Zext => self.ty(a) < from,
            Op::Const => {
                let above = inst.imm & ty.mask() & !(from.mask() >> 1);
                above == 0 || above == ty.mask() & !(from.mask() >> 1)
            }
            Op::And if positive(a) || positive(b) => true,
            Op::And | Op::Or | Op::Xor if depth > 0 => {
                let [a, b] = [a, b].map(|id| self.extends(id, from, ty, depth - 1));
                a && b
            }
            _ => false,
        }
    }
}

/// Out of line: the meanings of all operations stand behind it.
#[inline(never)]
fn evaluate(inst: &Inst, from: Type, args: [u64; 3]) -> Option<u64> {
    inst.op.eval_imm(inst.ty, from, args, inst.imm)
}

fn become_constant(inst: &mut Inst, ty: Type, value: u64) {
    *inst = Inst {
        op: Op::Const,
        ty,
        args: [NONE; 4],
        imm: value & ty.mask(),
    };
}

/// Becomes an operation on one or two values.
fn become_op(inst: &mut Inst, op: Op, ty: Type, a: Id, b: Id) {
    *inst = Inst {
        op,
        ty,
        args: [a, b, NONE, NONE],
        imm: 0,
    };
}

const fn commutes(op: Op) -> bool {
    matches!(
        op,
        Op::Add
            | Op::Mul
            | Op::MulHu
            | Op::MulHs
            | Op::And
            | Op::Or
            | Op::Xor
            | Op::ClMul
            | Op::ClMulH
            | Op::ClMulR
            | Op::MinU
            | Op::MinS
            | Op::MaxU
            | Op::MaxS
            | Op::Eq
            | Op::Ne
    )
}

/// The comparison that holds when this one does not.
const fn opposite(op: Op) -> Option<Op> {
    Some(match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::LtU => Op::GeU,
        Op::GeU => Op::LtU,
        Op::LtS => Op::GeS,
        Op::GeS => Op::LtS,
        _ => return None,
    })
}

fn unary(known: Known, inst: &mut Inst, a: Id) -> Option<Id> {
    let inner = known.inst(a)?;
    let (from, to) = (inner.value_type(), inst.ty);
    match inst.op {
        Op::Not if inner.op == Op::Not => return Some(inner.args[0]),
        Op::Neg if inner.op == Op::Neg => return Some(inner.args[0]),
        Op::Not if to == Type::I1 => {
            let op = opposite(inner.op)?;
            become_op(inst, op, inner.ty, inner.args[0], inner.args[1]);
        }
        Op::Zext | Op::Sext | Op::Trunc if from == to => return Some(a),
        Op::Zext if inner.op == Op::Zext && from < to => inst.args[0] = inner.args[0],
        Op::Sext if inner.op == Op::Sext && from < to => inst.args[0] = inner.args[0],
        // The sign bit of what was zero-extended is zero.
        Op::Sext if inner.op == Op::Zext && from < to && known.ty(inner.args[0]) < from => {
            become_op(inst, Op::Zext, to, inner.args[0], NONE);
        }
        Op::Sext if inner.op == Op::Trunc && known.extends(inner.args[0], from, to, DEPTH) => {
            return Some(inner.args[0]);
        }
        Op::Trunc if inner.op == Op::Trunc => inst.args[0] = inner.args[0],
        Op::Trunc if matches!(inner.op, Op::Zext | Op::Sext) => {
            let original = inner.args[0];
            let width = known.ty(original);
            if width == to {
                return Some(original);
            }
            let op = if width < to { inner.op } else { Op::Trunc };
            become_op(inst, op, to, original, NONE);
        }
        Op::Extract if inst.imm == u64::from(to.bits()) << 8 => return Some(a),
        _ => {}
    }
    None
}

fn select(known: Known, inst: &mut Inst) -> Option<Id> {
    let [cond, yes, no, _] = inst.args;
    if yes == no {
        return Some(yes);
    }
    match known.constant(cond) {
        Some(0) => return Some(no),
        Some(_) => return Some(yes),
        None => {}
    }
    if known.constant(yes) == Some(1) && known.constant(no) == Some(0) {
        if inst.ty == Type::I1 {
            return Some(cond);
        }
        become_op(inst, Op::Zext, inst.ty, cond, NONE);
    } else if let Some(inner) = known.inst(cond)
        && inner.op == Op::Not
    {
        inst.args = [inner.args[0], no, yes, NONE];
    }
    None
}

/// Operations with a carry in.
fn carries(known: Known, inst: &mut Inst) -> Option<Id> {
    let [a, b, carry, _] = inst.args;
    if !matches!(inst.op, Op::Carry | Op::Borrow | Op::OverAdd | Op::OverSub)
        || known.constant(carry) != Some(0)
    {
        return None;
    }
    if known.constant(b) == Some(0) {
        become_constant(inst, Type::I1, 0);
    } else if inst.op == Op::Borrow {
        become_op(inst, Op::LtU, inst.ty, a, b);
    }
    None
}

/// Operations on two values; `c` is the second if it is constant.
fn binary(known: Known, inst: &mut Inst, a: Id, b: Id, c: Option<u64>) -> Option<Id> {
    if a == b
        && let Some(found) = twins(inst, a)
    {
        return found;
    }
    if inst.op == Op::Deposit {
        return match (inst.imm >> 8, inst.imm & 0xff) {
            (0, _) => Some(a),
            (bits, 0) if bits == u64::from(inst.ty.bits()) => Some(b),
            _ => None,
        };
    }
    let Some(c) = c else {
        if known.constant(a) == Some(0) {
            nothing_first(inst, b);
        }
        return None;
    };
    let all = inst.ty.mask();
    match (inst.op, c) {
        (Op::Add | Op::Sub | Op::Or | Op::Xor | Op::AndNot | Op::MaxU, 0)
        | (Op::Mul | Op::DivU | Op::DivS, 1) => return Some(a),
        (Op::And | Op::MinU, c) if c == all => return Some(a),
        (Op::Shl | Op::ShrU | Op::ShrS | Op::RotL | Op::RotR, c)
            if c & u64::from(inst.ty.bits() - 1) == 0 =>
        {
            return Some(a);
        }
        (Op::Mul | Op::MulHu | Op::MulHs | Op::MulHsu | Op::And | Op::MinU | Op::LtU, 0)
        | (Op::MulHu | Op::RemU | Op::RemS, 1)
        | (Op::ClMul | Op::ClMulH | Op::ClMulR, 0) => {
            become_constant(inst, inst.value_type(), 0);
        }
        (Op::AndNot, c) if c == all => become_constant(inst, inst.ty, 0),
        (Op::Or | Op::MaxU, c) if c == all => become_constant(inst, inst.ty, all),
        (Op::Xor, c) if c == all => become_op(inst, Op::Not, inst.ty, a, NONE),
        (Op::GeU, 0) => become_constant(inst, Type::I1, 1),
        (Op::Add, c) => return address_of_code(known, inst, a, c),
        (Op::Eq | Op::Ne, c) => return truth(known, inst, a, c),
        _ => {}
    }
    None
}

/// Operations on one value twice; `None` if nothing is known of them.
#[expect(
    clippy::option_option,
    reason = "whether something is known, and what is to be used"
)]
fn twins(inst: &mut Inst, a: Id) -> Option<Option<Id>> {
    match inst.op {
        Op::And | Op::Or | Op::MinU | Op::MinS | Op::MaxU | Op::MaxS => return Some(Some(a)),
        Op::Sub | Op::Xor | Op::AndNot => become_constant(inst, inst.ty, 0),
        Op::Ne | Op::LtU | Op::LtS => become_constant(inst, Type::I1, 0),
        Op::Eq | Op::GeU | Op::GeS => become_constant(inst, Type::I1, 1),
        _ => return None,
    }
    Some(None)
}

/// Operations whose first operand is zero and whose second is not constant.
fn nothing_first(inst: &mut Inst, b: Id) {
    match inst.op {
        Op::Sub => become_op(inst, Op::Neg, inst.ty, b, NONE),
        Op::Shl | Op::ShrU | Op::ShrS | Op::RotL | Op::RotR | Op::AndNot | Op::MulHsu => {
            become_constant(inst, inst.ty, 0);
        }
        Op::GeU => {
            // Nothing but zero is not above zero: the operands change places as they are.
            let zero = inst.args[0];
            become_op(inst, Op::Eq, inst.ty, b, zero);
        }
        Op::LtU => {
            let zero = inst.args[0];
            become_op(inst, Op::Ne, inst.ty, b, zero);
        }
        _ => {}
    }
}

/// The address of code plus a constant is one, too.
fn address_of_code(known: Known, inst: &mut Inst, a: Id, c: u64) -> Option<Id> {
    let inner = known.inst(a)?;
    if inner.op == Op::Pc && inst.ty == Type::I64 {
        *inst = Inst {
            imm: inner.imm.wrapping_add(c),
            ..*inner
        };
    }
    None
}

/// Whether a widened truth value is zero or one.
fn truth(known: Known, inst: &mut Inst, a: Id, c: u64) -> Option<Id> {
    let inner = known.inst(a)?;
    let bit = match inner.op {
        // A difference is zero where its operands are equal.
        Op::Sub | Op::Xor if c == 0 => {
            inst.args = inner.args;
            return None;
        }
        Op::Zext if known.ty(inner.args[0]) == Type::I1 => inner.args[0],
        _ if inst.ty == Type::I1 => a,
        _ => return None,
    };
    match (c, (inst.op == Op::Eq) == (c == 1)) {
        (0 | 1, true) => return Some(bit),
        (0 | 1, false) => match known.inst(bit).map(|inner| (opposite(inner.op), inner)) {
            Some((Some(op), inner)) => {
                become_op(inst, op, inner.ty, inner.args[0], inner.args[1]);
            }
            _ => become_op(inst, Op::Not, Type::I1, bit, NONE),
        },
        _ => become_constant(inst, Type::I1, u64::from(inst.op == Op::Ne)),
    }
    None
}

/// An address that is a sum with a constant: the constant moves into the access.
fn address(before: &[Inst], inst: &mut Inst) {
    let known = Known { before };
    let Some(sum) = known.inst(inst.args[0]).filter(|sum| sum.op == Op::Add) else {
        return;
    };
    let Some(constant) = known.constant(sum.args[1]) else {
        return;
    };
    let arg = MemArg::unpack(inst.imm);
    let offset = (constant as i64).checked_add(i64::from(arg.offset));
    if let Some(offset) = offset.and_then(|offset| i32::try_from(offset).ok()) {
        inst.args[0] = sum.args[0];
        inst.imm = MemArg { offset, ..arg }.pack();
    }
}

/// A slot chosen at run time that is known after all.
fn slot(before: &[Inst], inst: &mut Inst) {
    let Some(index) = (Known { before }).constant(inst.args[0]) else {
        return;
    };
    let (first, count) = (inst.imm & 0xffff, inst.imm >> 16);
    inst.imm = first + (index & count.wrapping_sub(1));
    let value = inst.args[1];
    (inst.op, inst.args) = match inst.op {
        Op::GetAt => (Op::Get, [NONE; 4]),
        _ => (Op::Set, [value, NONE, NONE, NONE]),
    };
}
