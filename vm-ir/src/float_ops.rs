//! The meaning of the floating-point operations: which function of [`crate::float`] each one is.

use crate::float::{self, Flags, Format, Out, Rounding, Rules, fast};
use crate::{Op, Type};

/// The format of a type's numbers.
#[must_use]
pub const fn format(ty: Type) -> Format {
    match ty {
        Type::I1 | Type::I8 | Type::I16 => Format::F16,
        Type::I32 => Format::F32,
        Type::I64 => Format::F64,
    }
}

/// The result of a floating-point operation and the flags it adds; `None` if `op` is none.
///
/// `args` are the operands in order, the rounding mode among them; a number that names no mode
/// rounds to nearest. `sticky` are the flags that are set already.
#[inline]
#[must_use]
pub fn eval_float(
    op: Op,
    ty: Type,
    from: Type,
    args: [u64; 4],
    rules: Rules,
    sticky: Flags,
) -> Option<Out> {
    let (f, [a, b, c, d]) = (format(ty), args);
    let rm = |number: u64| Rounding::from_number(number as u8).unwrap_or(Rounding::NearestEven);
    let test = |(holds, flags): (bool, Flags)| Out {
        bits: u64::from(holds),
        flags,
    };
    let to_int =
        |signed| float::to_int(format(from), a, signed, ty.bits(), rm(b), rules.saturation);
    Some(match op {
        Op::FAdd => fast::add(f, a, b, rm(c), rules, sticky),
        Op::FSub => fast::sub(f, a, b, rm(c), rules, sticky),
        Op::FMul => fast::mul(f, a, b, rm(c), rules, sticky),
        Op::FDiv => fast::div(f, a, b, rm(c), rules, sticky),
        Op::FSqrt => fast::sqrt(f, a, rm(b), rules, sticky),
        Op::FMulAdd => fast::fma(f, a, b, c, rm(d), rules, sticky),
        Op::FMin => float::min(f, a, b, rules.min_max, rules),
        Op::FMax => float::max(f, a, b, rules.min_max, rules),
        Op::FEq => test(float::eq(f, a, b)),
        Op::FLt => test(float::lt(f, a, b)),
        Op::FLe => test(float::le(f, a, b)),
        Op::FClass => Out {
            bits: float::classify(f, a),
            flags: Flags(0),
        },
        Op::FConvert => float::convert(format(from), f, a, rm(b), rules),
        Op::FToS => to_int(true),
        Op::FToU => to_int(false),
        Op::SToF => float::from_int(f, a, true, from.bits(), rm(b)),
        Op::UToF => float::from_int(f, a, false, from.bits(), rm(b)),
        _ => return None,
    })
}
