//! What keeps accesses in order, on this host and before its code generator.
//!
//! A fence that the host does not need is still one for the code generator, which would give a
//! later load the value of an earlier one.

use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;
use vm_engine_interp::native::Places;
use vm_ir::{MemArg, Op, Order};

use crate::memory::GUEST;

// HOST-ARCH: x86-64 keeps loads before what follows them and stores behind what precedes them.
const STRONG: bool = cfg!(target_arch = "x86_64");

/// Stands where an operation [`Op::Fence`] does.
pub fn fence(builder: &mut FunctionBuilder, cpu: Value, order: u64) {
    const RELAXED: u64 = Order::Relaxed as u64;
    const SEQUENTIAL: u64 = Order::Sequential as u64;
    match order {
        RELAXED => {}
        SEQUENTIAL => whole(builder, cpu),
        _ => half(builder),
    }
}

/// Stands before a store.
pub fn before_store(builder: &mut FunctionBuilder, arg: MemArg) {
    if !matches!(arg.order, Order::Relaxed | Order::Acquire) {
        half(builder);
    }
}

/// Stands behind a store.
pub fn behind_store(builder: &mut FunctionBuilder, cpu: Value, arg: MemArg) {
    if arg.order == Order::Sequential {
        whole(builder, cpu);
    }
}

/// Stands behind a load.
pub fn behind_load(builder: &mut FunctionBuilder, arg: MemArg) {
    if !matches!(arg.order, Order::Relaxed | Order::Release) {
        half(builder);
    }
}

/// Keeps everything but loads behind stores.
fn half(builder: &mut FunctionBuilder) {
    if STRONG {
        builder.ins().sequence_point();
    } else {
        builder.ins().fence();
    }
}

/// Keeps everything.
fn whole(builder: &mut FunctionBuilder, cpu: Value) {
    if !STRONG {
        builder.ins().fence();
        return;
    }
    // Any exchange keeps everything, and changing nothing takes two thirds as long as `mfence`.
    let at = i64::from(Places::RESULT);
    let at = builder.ins().iadd_imm_s(cpu, at);
    let nothing = builder.ins().iconst(types::I64, 0);
    builder
        .ins()
        .atomic_rmw(types::I64, GUEST, AtomicRmwOp::Or, at, nothing);
}

/// How the host exchanges what the operation does; in one order with all others like it.
pub const fn exchange(op: Op) -> Option<AtomicRmwOp> {
    Some(match op {
        Op::AmoSwap => AtomicRmwOp::Xchg,
        Op::AmoAdd => AtomicRmwOp::Add,
        Op::AmoAnd => AtomicRmwOp::And,
        Op::AmoOr => AtomicRmwOp::Or,
        Op::AmoXor => AtomicRmwOp::Xor,
        Op::AmoMinS => AtomicRmwOp::Smin,
        Op::AmoMaxS => AtomicRmwOp::Smax,
        Op::AmoMinU => AtomicRmwOp::Umin,
        Op::AmoMaxU => AtomicRmwOp::Umax,
        _ => return None,
    })
}
