//! Conversions between the formats, and between them and integers.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use vm_ir::float::Rounding;
use vm_ir::{Op, Type};

use super::float::{accept, exact, exact_as, float_type, is_nearest};
use super::lowering::{Lowering, int_type};

/// From one format to another; halves are called for.
pub(super) fn format(
    cx: &mut Lowering,
    ty: Type,
    from: Type,
    a: Value,
    rm: Value,
) -> Option<Value> {
    if ty == Type::I16 {
        return None;
    }
    if from < ty {
        // Exact but for NaNs.
        let x = cx.float(a);
        let wide = cx.builder.ins().fpromote(types::F64, x);
        let bad = cx.builder.ins().fcmp(FloatCC::Unordered, x, x);
        return Some(cx.unless(bad, wide, |cx| {
            exact_as(cx, Op::FConvert, ty, from, &[a, rm], types::F64)
        }));
    }
    if is_nearest(cx, rm) == Some(false) {
        return None;
    }
    let x = cx.float(a);
    let narrow = cx.builder.ins().fdemote(types::F32, x);
    Some(accept(cx, (Op::FConvert, ty, from), narrow, &[x], &[a, rm]))
}

/// To an integer: in range, and inexact is sticky. The rounding is an instruction of its own.
pub(super) fn to_int(
    cx: &mut Lowering,
    op: Op,
    ty: Type,
    from: Type,
    a: Value,
    rm: Value,
) -> Option<Value> {
    let rounding = Rounding::from_number(cx.constant_of(rm)? as u8)?;
    if ty < Type::I32 || (rounding != Rounding::TowardZero && !cx.host.round) {
        return None;
    }
    let x = cx.float(a);
    let ins = cx.builder.ins();
    let whole = match rounding {
        Rounding::TowardZero => x,
        Rounding::NearestEven => ins.nearest(x),
        Rounding::Down => ins.floor(x),
        Rounding::Up => ins.ceil(x),
        Rounding::NearestAway => return None,
    };
    let signed = op == Op::FToS;
    let ins = cx.builder.ins();
    let result = match (signed, ty) {
        (true, _) => ins.fcvt_to_sint_sat(int_type(ty), whole),
        (false, Type::I64) => ins.fcvt_to_uint_sat(types::I64, whole),
        (false, _) => {
            let wide = ins.fcvt_to_sint_sat(types::I64, whole);
            cx.builder.ins().ireduce(types::I32, wide)
        }
    };
    // Magnitudes below a power of two; unsigned ones without a sign.
    let places = u64::from(ty.bits()) - u64::from(signed);
    let power = match from {
        Type::I32 => (127 + places) << 23,
        _ => (1023 + places) << 52,
    };
    let host = int_type(from);
    let bits = cx.int(whole);
    let (key, power) = if signed {
        (cx.builder.ins().iadd(bits, bits), 2 * power)
    } else {
        (bits, power)
    };
    let sticky = cx.sticky();
    let (power, none) = (cx.constant(host, power), cx.constant(host, 0));
    let limit = cx.builder.ins().select(sticky, power, none);
    let at_least = IntCC::UnsignedGreaterThanOrEqual;
    let bad = cx.builder.ins().icmp(at_least, key, limit);
    Some(cx.unless(bad, result, |cx| exact(cx, op, ty, from, &[a, rm])))
}

/// From an integer: exact where the format has room for it, else as arithmetic.
pub(super) fn from_int(
    cx: &mut Lowering,
    op: Op,
    ty: Type,
    from: Type,
    a: Value,
    rm: Value,
) -> Option<Value> {
    if ty == Type::I16 {
        return None;
    }
    let room = if ty == Type::I32 { 24 } else { 53 };
    let fits = from.bits() <= room;
    if !fits && is_nearest(cx, rm) == Some(false) {
        return None;
    }
    let signed = op == Op::SToF;
    let number = cx.int(a);
    let host = float_type(ty);
    // Hosts convert whole words.
    let number = if from < Type::I32 {
        let ins = cx.builder.ins();
        if signed {
            ins.sextend(types::I32, number)
        } else {
            ins.uextend(types::I32, number)
        }
    } else {
        number
    };
    let ins = cx.builder.ins();
    let result = if signed || from < Type::I32 {
        ins.fcvt_from_sint(host, number)
    } else {
        ins.fcvt_from_uint(host, number)
    };
    if fits {
        return Some(result);
    }
    let limit = cx.limit(ty, rm);
    let bad = cx.builder.ins().icmp_imm_u(IntCC::Equal, limit, 0);
    Some(cx.unless(bad, result, |cx| exact_as(cx, op, ty, from, &[a, rm], host)))
}
