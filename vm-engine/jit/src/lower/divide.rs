//! Division: total, where the host's instruction would trap.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use vm_ir::{Op, Type};

use super::integer::by_table;
use super::lowering::{Lowering, int_type};

/// Quotient or remainder of two numbers of one width.
pub(super) fn divide(cx: &mut Lowering, op: Op, a: Value, b: Value) -> Value {
    let host = cx.type_of(b);
    let ones = u64::MAX >> (64 - host.bits());
    if cx
        .constant_of(b)
        .is_some_and(|number| number != 0 && number != ones)
    {
        return plain(cx, op, a, b);
    }
    let signed = matches!(op, Op::DivS | Op::RemS);
    let zero = cx.builder.ins().icmp_imm_u(IntCC::Equal, b, 0);
    // What the host may not divide by becomes one: zero, and minus one if that can overflow.
    let odd = if signed {
        let next = cx.builder.ins().iadd_imm_s(b, 1);
        cx.builder
            .ins()
            .icmp_imm_u(IntCC::UnsignedLessThanOrEqual, next, 1)
    } else {
        zero
    };
    let one = cx.constant(host, 1);
    let divisor = cx.builder.ins().select(odd, one, b);
    let plain = plain(cx, op, a, divisor);
    match op {
        Op::DivU => {
            let all = cx.constant(host, u64::MAX);
            cx.builder.ins().select(zero, all, plain)
        }
        Op::DivS => {
            // By one instead of minus one: the quotient is the dividend.
            let other = cx.builder.ins().ineg(a);
            let all = cx.constant(host, u64::MAX);
            let other = cx.builder.ins().select(zero, all, other);
            cx.builder.ins().select(odd, other, plain)
        }
        // The remainder by minus one is zero, as by one.
        _ => cx.builder.ins().select(zero, a, plain),
    }
}

fn plain(cx: &mut Lowering, op: Op, a: Value, b: Value) -> Value {
    let ins = cx.builder.ins();
    match op {
        Op::DivU => ins.udiv(a, b),
        Op::DivS => ins.sdiv(a, b),
        Op::RemU => ins.urem(a, b),
        _ => ins.srem(a, b),
    }
}

/// Quotient or remainder of a double-width number.
///
/// Up to 32 bits it fits the host's registers. At 64 bits the high half is mostly nothing but an
/// extension of the low one, and the host divides a word; else the table's meaning is called.
pub(super) fn wide(cx: &mut Lowering, op: Op, ty: Type, [a, b, c]: [Value; 3]) -> Value {
    let narrow = match op {
        Op::DivWideU => Op::DivU,
        Op::RemWideU => Op::RemU,
        Op::DivWideS => Op::DivS,
        _ => Op::RemS,
    };
    if ty == Type::I64 {
        return wide_words(cx, op, narrow, [a, b, c]);
    }
    let signed = matches!(narrow, Op::DivS | Op::RemS);
    // Twice the width, or more, which only signs notice.
    let double = if ty == Type::I8 {
        types::I32
    } else {
        types::I64
    };
    let shift = i64::from(ty.bits());
    let ins = cx.builder.ins();
    let (high, divisor) = if signed {
        let high = ins.sextend(double, a);
        (high, cx.builder.ins().sextend(double, c))
    } else {
        let high = ins.uextend(double, a);
        (high, cx.builder.ins().uextend(double, c))
    };
    let high = cx.builder.ins().ishl_imm_u(high, shift);
    let low = cx.builder.ins().uextend(double, b);
    let dividend = cx.builder.ins().bor(high, low);
    let result = divide(cx, narrow, dividend, divisor);
    cx.builder.ins().ireduce(int_type(ty), result)
}

fn wide_words(cx: &mut Lowering, op: Op, narrow: Op, [a, b, c]: [Value; 3]) -> Value {
    let signed = matches!(narrow, Op::DivS | Op::RemS);
    let extension = if signed {
        cx.builder.ins().sshr_imm_u(b, 63)
    } else {
        cx.constant(types::I64, 0)
    };
    let differs = cx.builder.ins().icmp(IntCC::NotEqual, a, extension);
    // Divisors of zero, and of minus one if that matters, go the slow way too.
    let bad = if signed {
        let next = cx.builder.ins().iadd_imm_s(c, 1);
        cx.builder
            .ins()
            .icmp_imm_u(IntCC::UnsignedLessThanOrEqual, next, 1)
    } else {
        cx.builder.ins().icmp_imm_u(IntCC::Equal, c, 0)
    };
    let bad = cx.builder.ins().bor(differs, bad);
    let (cold, fast) = (cx.builder.create_block(), cx.builder.create_block());
    let on = cx.builder.create_block();
    let result = cx.join(on, types::I64);
    cx.builder.ins().brif(bad, cold, &[], fast, &[]);
    cx.builder.switch_to_block(fast);
    cx.builder.seal_block(fast);
    let quotient = plain(cx, narrow, b, c);
    cx.builder.ins().jump(on, &[quotient.into()]);
    cx.cold(cold, on, |cx| by_table(cx, op, Type::I64, &[a, b, c]));
    result
}
