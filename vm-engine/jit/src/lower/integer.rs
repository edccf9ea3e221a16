//! Integers.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use vm_ir::{Effect, Op, Type};

use super::helpers::Routine;
use super::lowering::{Lowering, int_type};
use super::wants::sign_change;
use super::{divide, float};

/// Writes a pure or floating-point operation; its value.
///
/// `ty`, `imm` and the operands are those of the operation; `from` is the type of the first
/// operand.
///
/// # Panics
/// If the operation has another effect, or operands are missing.
pub fn op(cx: &mut Lowering, op: Op, ty: Type, from: Type, imm: u64, args: &[Value]) -> Value {
    if op.effect() == Effect::Float || op == Op::FClass {
        return float::float(cx, op, ty, from, args);
    }
    assert!(
        op.effect() == Effect::Pure,
        "{op:?} is the block compiler's to write"
    );
    if let Some(value) = sign(cx, op, ty, args) {
        return value;
    }
    let mut ints = [cx.cpu; 3];
    let ints = &mut ints[..args.len()];
    for (int, arg) in ints.iter_mut().zip(args) {
        *int = cx.int(*arg);
    }
    match (op, &*ints) {
        (Op::Const, _) => cx.constant(int_type(ty), imm & ty.mask()),
        (Op::Pc, _) => entry(cx, ty, imm),
        (Op::Zext, [a]) => zext(cx, ty, from, *a),
        (Op::Sext, [a]) => sext(cx, ty, from, *a),
        (Op::Trunc, [a]) => trunc(cx, ty, from, *a),
        (Op::Select, [c, a, b]) => cx.builder.ins().select(*c, *a, *b),
        (Op::Extract, [a]) => extract(cx, ty, imm, *a),
        (Op::Deposit, [a, b]) => deposit(cx, ty, imm, *a, *b),
        (_, [a, b]) if let Some(cond) = condition(op, ty) => cx.builder.ins().icmp(cond, *a, *b),
        _ if ty == Type::I1 => bit(cx, op, ints),
        (_, [a]) => unary(cx, op, ty, *a),
        (_, [a, b]) => binary(cx, op, ty, *a, *b),
        (Op::DivWideU | Op::DivWideS | Op::RemWideU | Op::RemWideS, [a, b, c]) => {
            divide::wide(cx, op, ty, [*a, *b, *c])
        }
        (_, [a, b, c]) => carry(cx, op, ty, [*a, *b, *c]),
        _ => unreachable!("{op:?} has one to three operands"),
    }
}

/// A host float with another sign, if that is what is asked for.
fn sign(cx: &mut Lowering, op: Op, ty: Type, args: &[Value]) -> Option<Value> {
    let [value, by] = *args else { return None };
    if !matches!(cx.type_of(value), types::F32 | types::F64) {
        return None;
    }
    let turns = sign_change(op, ty, cx.constant_of(by)?)?;
    let ins = cx.builder.ins();
    Some(if turns {
        ins.fneg(value)
    } else {
        ins.fabs(value)
    })
}

/// An address near the block's entry.
fn entry(cx: &mut Lowering, ty: Type, imm: u64) -> Value {
    let entry = cx.entry_pc();
    let pc = if imm == 0 {
        entry
    } else {
        cx.builder.ins().iadd_imm_s(entry, imm as i64)
    };
    trunc(cx, ty, Type::I64, pc)
}

/// The comparison that an operation is. The sign of a truth value is minus one, so that signed
/// order is the other way round.
const fn condition(op: Op, ty: Type) -> Option<IntCC> {
    let bit = matches!(ty, Type::I1);
    Some(match op {
        Op::Eq => IntCC::Equal,
        Op::Ne => IntCC::NotEqual,
        Op::LtU => IntCC::UnsignedLessThan,
        Op::GeU => IntCC::UnsignedGreaterThanOrEqual,
        Op::LtS if bit => IntCC::UnsignedGreaterThan,
        Op::GeS if bit => IntCC::UnsignedLessThanOrEqual,
        Op::LtS => IntCC::SignedLessThan,
        Op::GeS => IntCC::SignedGreaterThanOrEqual,
        _ => return None,
    })
}

fn zext(cx: &mut Lowering, ty: Type, from: Type, a: Value) -> Value {
    if int_type(from).bits() < int_type(ty).bits() {
        cx.builder.ins().uextend(int_type(ty), a)
    } else {
        trunc(cx, ty, from, a)
    }
}

fn sext(cx: &mut Lowering, ty: Type, from: Type, a: Value) -> Value {
    if from == Type::I1 {
        if ty == Type::I1 {
            return a;
        }
        let number = zext(cx, ty, from, a);
        cx.builder.ins().ineg(number)
    } else if from < ty {
        cx.builder.ins().sextend(int_type(ty), a)
    } else {
        trunc(cx, ty, from, a)
    }
}

/// Cut to a type that is no wider.
fn trunc(cx: &mut Lowering, ty: Type, from: Type, a: Value) -> Value {
    let (has, wants) = (cx.type_of(a), int_type(ty));
    let cut = if has == wants {
        a
    } else {
        cx.builder.ins().ireduce(wants, a)
    };
    if ty == Type::I1 && from != Type::I1 {
        return cx.builder.ins().band_imm_u(cut, 1);
    }
    cut
}

fn extract(cx: &mut Lowering, ty: Type, imm: u64, a: Value) -> Value {
    let (from, bits) = ((imm & 255) as u32, (imm >> 8) as u32);
    let moved = if from == 0 {
        a
    } else {
        cx.builder.ins().ushr_imm_u(a, i64::from(from))
    };
    if from + bits >= ty.bits() {
        moved
    } else if bits == 32 {
        // As a mask it would be a constant that no instruction holds.
        let low = cx.builder.ins().ireduce(types::I32, moved);
        cx.builder.ins().uextend(types::I64, low)
    } else {
        let mask = (1i64 << bits) - 1;
        cx.builder.ins().band_imm_u(moved, mask)
    }
}

fn deposit(cx: &mut Lowering, ty: Type, imm: u64, a: Value, b: Value) -> Value {
    let (from, bits) = ((imm & 255) as u32, (imm >> 8) as u32);
    if bits >= ty.bits() {
        return b;
    }
    let field = (u64::MAX >> (64 - bits)) << from;
    let host = int_type(ty);
    let hole = cx.constant(host, !field & ty.mask());
    let rest = cx.builder.ins().band(a, hole);
    let moved = if from == 0 {
        b
    } else {
        cx.builder.ins().ishl_imm_u(b, i64::from(from))
    };
    let moved = if from + bits >= ty.bits() {
        moved
    } else {
        let field = cx.constant(host, field);
        cx.builder.ins().band(moved, field)
    };
    cx.builder.ins().bor(rest, moved)
}

/// Arithmetic on single bits: what occurs as an instruction, the rest by the table.
fn bit(cx: &mut Lowering, op: Op, args: &[Value]) -> Value {
    let ins = cx.builder.ins();
    match (op, args) {
        (Op::Add | Op::Sub | Op::Xor, [a, b]) => ins.bxor(*a, *b),
        (Op::And | Op::Mul | Op::MinU | Op::MaxS, [a, b]) => ins.band(*a, *b),
        (Op::Or | Op::MaxU | Op::MinS, [a, b]) => ins.bor(*a, *b),
        (Op::AndNot, [a, b]) => ins.band_not(*a, *b),
        (Op::Not, [a]) => ins.bxor_imm_u(*a, 1),
        (Op::Neg | Op::PopCnt | Op::BitRev, [a]) => *a,
        (Op::Shl | Op::ShrU | Op::ShrS | Op::RotL | Op::RotR, [a, _]) => *a,
        _ => by_table(cx, op, Type::I1, args),
    }
}

/// Calls the meaning in the table.
pub(super) fn by_table(cx: &mut Lowering, op: Op, ty: Type, args: &[Value]) -> Value {
    let mut words = [cx.cpu; 4];
    words[0] = cx.constant(types::I64, Routine::eval_word(op, ty));
    words[1..=args.len()].copy_from_slice(args);
    let host = match op.result().of(ty) {
        Some(ty) => int_type(ty),
        None => int_type(ty),
    };
    let missing = cx.constant(types::I64, 0);
    words[1 + args.len()..].fill(missing);
    cx.call(Routine::EVAL, None, &words, host)
}

fn unary(cx: &mut Lowering, op: Op, ty: Type, a: Value) -> Value {
    let ins = cx.builder.ins();
    match op {
        Op::Not => ins.bnot(a),
        Op::Neg => ins.ineg(a),
        Op::Clz => ins.clz(a),
        Op::Ctz => ins.ctz(a),
        Op::PopCnt => ins.popcnt(a),
        Op::BSwap if ty == Type::I8 => a,
        Op::BSwap => ins.bswap(a),
        Op::BitRev => ins.bitrev(a),
        Op::OrBytes => or_bytes(cx, ty, a),
        _ => unreachable!("{op:?} has more operands"),
    }
}

/// Each byte all ones if it has any one: the sum of its low bits and 0x7f, or the byte itself,
/// has the top bit.
fn or_bytes(cx: &mut Lowering, ty: Type, a: Value) -> Value {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let host = int_type(ty);
    let low = cx.constant(host, LOW & ty.mask());
    let some = cx.builder.ins().band(a, low);
    let some = cx.builder.ins().iadd(some, low);
    let some = cx.builder.ins().bor(some, a);
    let tops = cx.builder.ins().band_not(some, low);
    let ones = cx.builder.ins().ushr_imm_u(tops, 7);
    let rest = cx.builder.ins().isub(tops, ones);
    cx.builder.ins().bor(rest, tops)
}

fn binary(cx: &mut Lowering, op: Op, ty: Type, a: Value, b: Value) -> Value {
    let ins = cx.builder.ins();
    match op {
        Op::Add => ins.iadd(a, b),
        Op::Sub => ins.isub(a, b),
        Op::Mul => ins.imul(a, b),
        Op::MulHu => ins.umulhi(a, b),
        Op::MulHs => ins.smulhi(a, b),
        Op::MulHsu => {
            // A negative factor counts as itself plus two to the width.
            let high = ins.umulhi(a, b);
            let top = i64::from(ty.bits() - 1);
            let sign = cx.builder.ins().sshr_imm_u(a, top);
            let extra = cx.builder.ins().band(sign, b);
            cx.builder.ins().isub(high, extra)
        }
        Op::And => ins.band(a, b),
        Op::Or => ins.bor(a, b),
        Op::Xor => ins.bxor(a, b),
        Op::AndNot => ins.band_not(a, b),
        Op::Shl => ins.ishl(a, b),
        Op::ShrU => ins.ushr(a, b),
        Op::ShrS => ins.sshr(a, b),
        Op::RotL => ins.rotl(a, b),
        Op::RotR => ins.rotr(a, b),
        Op::MinU => ins.umin(a, b),
        Op::MinS => ins.smin(a, b),
        Op::MaxU => ins.umax(a, b),
        Op::MaxS => ins.smax(a, b),
        Op::DivU | Op::RemU | Op::DivS | Op::RemS => divide::divide(cx, op, a, b),
        Op::ClMul | Op::ClMulH | Op::ClMulR => by_table(cx, op, ty, &[a, b]),
        _ => unreachable!("{op:?} has not two operands"),
    }
}

/// Carries, borrows and overflows; the third operand is the carry in.
fn carry(cx: &mut Lowering, op: Op, ty: Type, [a, b, c]: [Value; 3]) -> Value {
    if cx.constant_of(c) == Some(0) {
        return carry_out(cx, op, a, b);
    }
    let in_ = cx.builder.ins().uextend(types::I64, c);
    let in_ = if ty == Type::I64 {
        in_
    } else {
        trunc(cx, ty, Type::I64, in_)
    };
    let ins = cx.builder.ins();
    match op {
        Op::Carry => {
            let first = ins.iadd(a, b);
            let below = IntCC::UnsignedLessThan;
            let one = cx.builder.ins().icmp(below, first, a);
            let sum = cx.builder.ins().iadd(first, in_);
            let other = cx.builder.ins().icmp(below, sum, first);
            cx.builder.ins().bor(one, other)
        }
        Op::Borrow => {
            let less = ins.icmp(IntCC::UnsignedLessThan, a, b);
            let same = cx.builder.ins().icmp(IntCC::Equal, a, b);
            let same = cx.builder.ins().band(same, c);
            cx.builder.ins().bor(less, same)
        }
        Op::OverAdd => {
            let sum = ins.iadd(a, b);
            let sum = cx.builder.ins().iadd(sum, in_);
            over(cx, a, b, sum)
        }
        Op::OverSub => {
            let rest = ins.isub(a, b);
            let rest = cx.builder.ins().isub(rest, in_);
            // `a` is the sum of `b` and what is left.
            over(cx, b, rest, a)
        }
        _ => unreachable!("{op:?} has no carry"),
    }
}

/// The same without a carry in.
fn carry_out(cx: &mut Lowering, op: Op, a: Value, b: Value) -> Value {
    let overflow = cx.host.overflow;
    let ins = cx.builder.ins();
    match op {
        Op::Carry => {
            let sum = ins.iadd(a, b);
            let below = IntCC::UnsignedLessThan;
            cx.builder.ins().icmp(below, sum, a)
        }
        Op::Borrow => ins.icmp(IntCC::UnsignedLessThan, a, b),
        Op::OverAdd if overflow => ins.sadd_overflow(a, b).1,
        Op::OverAdd => {
            let sum = ins.iadd(a, b);
            over(cx, a, b, sum)
        }
        Op::OverSub if overflow => ins.ssub_overflow(a, b).1,
        Op::OverSub => {
            let rest = ins.isub(a, b);
            over(cx, b, rest, a)
        }
        _ => unreachable!("{op:?} has no carry"),
    }
}

/// Whether a sum has a sign that neither of its terms has.
fn over(cx: &mut Lowering, a: Value, b: Value, sum: Value) -> Value {
    let one = cx.builder.ins().bxor(a, sum);
    let other = cx.builder.ins().bxor(b, sum);
    let both = cx.builder.ins().band(one, other);
    cx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0)
}
