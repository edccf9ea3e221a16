//! Floating-point arithmetic and comparisons, by the host where that gives the exact answer.
//!
//! The conditions are those of `vm_ir::float::fast`, which has the proof: rounding to nearest,
//! inexact sticky already, and a finite result above the smallest normal number.
//! The first two are tested once a block: they make the *limit* against which the third compares a
//! result's magnitude, and which is zero if the host's results may not be taken at all.
//! Everything else is a cold call of the exact operation, flags included.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, types};
use vm_ir::float::{MinMaxRule, Rounding};
use vm_ir::{Op, Type};

use super::convert;
use super::helpers::{Routine, rounds};
use super::lowering::{Lowering, int_type};

/// Writes a floating-point operation; its value.
pub(super) fn float(cx: &mut Lowering, op: Op, ty: Type, from: Type, args: &[Value]) -> Value {
    let number = from == Type::I32 || from == Type::I64;
    let done = match (op, args) {
        (Op::FAdd | Op::FSub | Op::FMul | Op::FDiv | Op::FSqrt | Op::FMulAdd, _) if number => {
            arithmetic(cx, op, ty, args)
        }
        (Op::FEq | Op::FLt | Op::FLe, [a, b]) if number => Some(compare(cx, op, ty, *a, *b)),
        (Op::FMin | Op::FMax, [a, b]) if number => Some(choose(cx, op, ty, *a, *b)),
        (Op::FConvert, [a, rm]) if number => convert::format(cx, ty, from, *a, *rm),
        (Op::FToS | Op::FToU, [a, rm]) if number => convert::to_int(cx, op, ty, from, *a, *rm),
        (Op::SToF | Op::UToF, [a, rm]) => convert::from_int(cx, op, ty, from, *a, *rm),
        _ => None,
    };
    done.unwrap_or_else(|| exact(cx, op, ty, from, args))
}

/// Calls the exact operation where the builder is.
pub(super) fn exact(cx: &mut Lowering, op: Op, ty: Type, from: Type, args: &[Value]) -> Value {
    let result = op.result().of(ty).unwrap_or(ty);
    exact_as(cx, op, ty, from, args, int_type(result))
}

/// The same with the answer's form: the callee leaves it in memory, where it is read as wanted.
pub(super) fn exact_as(
    cx: &mut Lowering,
    op: Op,
    ty: Type,
    from: Type,
    args: &[Value],
    result: ir::Type,
) -> Value {
    let (words, rounding) = match args.split_last() {
        Some((last, words)) if rounds(op) => (words, Some(*last)),
        _ => (args, None),
    };
    cx.call(Routine::float(op, ty, from), rounding, words, result)
}

/// The host's type for a type's floats.
pub(super) const fn float_type(ty: Type) -> ir::Type {
    if matches!(ty, Type::I32) {
        types::F32
    } else {
        types::F64
    }
}

/// Whether a rounding mode is to nearest; `None` if only the run will tell.
pub(super) fn is_nearest(cx: &Lowering, rm: Value) -> Option<bool> {
    let number = cx.constant_of(rm)?;
    let named = Rounding::from_number(number as u8);
    // A number that names no mode rounds to nearest.
    Some(matches!(named, None | Some(Rounding::NearestEven)))
}

fn arithmetic(cx: &mut Lowering, op: Op, ty: Type, args: &[Value]) -> Option<Value> {
    let (rm, operands) = args.split_last()?;
    if is_nearest(cx, *rm) == Some(false) || (op == Op::FMulAdd && !cx.host.fma) {
        return None;
    }
    let mut floats = [cx.cpu; 3];
    for (float, operand) in floats.iter_mut().zip(operands) {
        *float = cx.float(*operand);
    }
    let [a, b, c] = floats;
    let ins = cx.builder.ins();
    let result = match op {
        Op::FAdd => ins.fadd(a, b),
        Op::FSub => ins.fsub(a, b),
        Op::FMul => ins.fmul(a, b),
        Op::FDiv => ins.fdiv(a, b),
        Op::FSqrt => ins.sqrt(a),
        _ => ins.fma(a, b, c),
    };
    Some(accept(
        cx,
        (op, ty, ty),
        result,
        &floats[..operands.len()],
        args,
    ))
}

/// The magnitudes that may be taken, twice over, since the sign is shifted out: the lowest, and how
/// many there are.
pub(super) const fn range(ty: Type) -> (u64, u64) {
    match ty {
        Type::I32 => (2 * 0x0080_0001, 2 * 0x7eff_ffff),
        _ => (2 * 0x0010_0000_0000_0001, 2 * 0x7fdf_ffff_ffff_ffff),
    }
}

/// The host's result if its magnitude is in the range below the limit, else the exact one; the
/// last argument is the rounding mode.
///
/// Sums are taken down to zero: one that is subnormal or zero is exact, since both terms are
/// multiples of the smallest subnormal number, and so raises nothing.
/// (What their limit leaves out at the upper end is left to the exact operation.)
/// Where underflow is sticky, too, all doubles are: the host rounds tiny results like any other,
/// and they can raise nothing but underflow and inexact.
pub(super) fn accept(
    cx: &mut Lowering,
    (op, ty, from): (Op, Type, Type),
    result: Value,
    floats: &[Value],
    args: &[Value],
) -> Value {
    let host = int_type(ty);
    let rm = args[args.len() - 1];
    let limit = cx.limit(ty, rm);
    let flags = MemFlagsData::new();
    let bits = cx.builder.ins().bitcast(host, flags, result);
    let is_sum = matches!(op, Op::FAdd | Op::FSub);
    // In the forms that are one instruction with the addition.
    let key = if is_sum {
        cx.builder.ins().iadd(bits, bits)
    } else if ty == Type::I32 {
        let twice = cx.builder.ins().iadd(bits, bits);
        let low = cx.low(ty, rm);
        cx.builder.ins().iadd(twice, low)
    } else {
        let low = cx.low(ty, rm);
        let twice = cx.builder.ins().ishl_imm_u(bits, 1);
        cx.builder.ins().iadd(low, twice)
    };
    let at_least = IntCC::UnsignedGreaterThanOrEqual;
    let bad = cx.builder.ins().icmp(at_least, key, limit);
    let exact = |cx: &mut Lowering| exact_as(cx, op, ty, from, args, float_type(ty));
    if is_sum {
        return cx.unless(bad, result, exact);
    }
    let factors = if matches!(op, Op::FMul | Op::FMulAdd) {
        &floats[..2]
    } else {
        &floats[..1]
    };
    cx.unless_or(bad, result, |cx| zero(cx, result, limit, factors), exact)
}

/// Whether a result is zero because an operand is, so that it is exact.
fn zero(cx: &mut Lowering, result: Value, limit: Value, factors: &[Value]) -> Value {
    let is_zero = |cx: &mut Lowering, value: Value| {
        let single = cx.type_of(value) == types::F32;
        let ins = cx.builder.ins();
        let zero = if single {
            ins.f32const(0.0)
        } else {
            ins.f64const(0.0)
        };
        cx.builder.ins().fcmp(FloatCC::Equal, value, zero)
    };
    let mut any = is_zero(cx, factors[0]);
    for factor in &factors[1..] {
        let other = is_zero(cx, *factor);
        any = cx.builder.ins().bor(any, other);
    }
    let none = is_zero(cx, result);
    let both = cx.builder.ins().band(any, none);
    let permitted = cx.builder.ins().icmp_imm_u(IntCC::NotEqual, limit, 0);
    cx.builder.ins().band(both, permitted)
}

/// NaNs raise, or not, and have no order; all others are the host's.
fn compare(cx: &mut Lowering, op: Op, ty: Type, a: Value, b: Value) -> Value {
    let cond = match op {
        Op::FEq => FloatCC::Equal,
        Op::FLt => FloatCC::LessThan,
        _ => FloatCC::LessThanOrEqual,
    };
    let (x, y) = (cx.float(a), cx.float(b));
    let bad = cx.builder.ins().fcmp(FloatCC::Unordered, x, y);
    cx.after(bad, |cx| {
        exact(cx, op, ty, ty, &[a, b]);
    });
    // Behind the question, so that a branch can take it as it comes.
    cx.builder.ins().fcmp(cond, x, y)
}

/// Minimum and maximum: rules differ in zeros with different signs, and in NaNs.
fn choose(cx: &mut Lowering, op: Op, ty: Type, a: Value, b: Value) -> Value {
    let (x, y) = (cx.float(a), cx.float(b));
    let least = op == Op::FMin;
    let result = if cx.rules.min_max == MinMaxRule::Second {
        let (low, high) = if least { (x, y) } else { (y, x) };
        let first = cx.builder.ins().fcmp(FloatCC::LessThan, low, high);
        cx.builder.ins().select(first, x, y)
    } else if least {
        cx.builder.ins().fmin(x, y)
    } else {
        cx.builder.ins().fmax(x, y)
    };
    let bad = cx.builder.ins().fcmp(FloatCC::Unordered, x, y);
    cx.unless(bad, result, |cx| {
        exact_as(cx, op, ty, ty, &[a, b], float_type(ty))
    })
}
