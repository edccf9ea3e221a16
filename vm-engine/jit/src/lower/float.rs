//! Floating point.

use cranelift_codegen::ir::Value;
use vm_ir::{Op, Type};

use super::helpers::{Routine, rounds};
use super::lowering::{Lowering, int_type};

/// Writes a floating-point operation; its value.
pub(super) fn float(cx: &mut Lowering, op: Op, ty: Type, from: Type, args: &[Value]) -> Value {
    exact(cx, op, ty, from, args)
}

/// Calls the exact operation where the builder is.
pub(super) fn exact(cx: &mut Lowering, op: Op, ty: Type, from: Type, args: &[Value]) -> Value {
    let result = op.result().of(ty).map_or(int_type(ty), int_type);
    let (words, rounding) = match args.split_last() {
        Some((last, words)) if rounds(op) => (words, Some(*last)),
        _ => (args, None),
    };
    cx.call(Routine::float(op, ty, from), rounding, words, result)
}
