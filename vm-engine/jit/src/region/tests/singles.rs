//! How the slots of a region are held.

use cranelift_codegen::ir::{self, types};
use vm_ir::Type::{I8, I32, I64};
use vm_ir::{Block, Builder, MemArg, Op, SlotId, Val};

use crate::lower::LID;
use crate::region::flow::Slots;

/// A slot's single, or a NaN if it is in no box.
fn unboxed(out: &Builder, slot: u16) -> Val<'_> {
    let good = out.get(I64, SlotId(slot)).geu(out.imm(LID as i64));
    let nan = out.constant(I32, 0x7fc0_0000);
    out.select(good, out.get(I32, SlotId(slot)), nan)
}

fn set_boxed(out: &Builder, slot: u16, single: Val) {
    out.set(SlotId(slot), single.zext(I64) | LID as i64);
}

fn block(write: impl FnOnce(&Builder)) -> Block {
    let out = Builder::new();
    out.begin_insn(4);
    write(&out);
    out.goto(0);
    out.finish()
}

/// A sum of two singles.
fn sum<'a>(out: &'a Builder, a: Val<'a>, b: Val<'a>) -> Val<'a> {
    out.op(Op::FAdd, I32, &[a, b, out.constant(I8, 0)])
}

/// Blocks of which each leads to itself and the next, entered at the first.
fn slots(blocks: &[Block]) -> Slots {
    let last = blocks.len() - 1;
    let next: Vec<_> = (0..=last).map(|n| vec![n, (n + 1).min(last)]).collect();
    Slots::of(blocks, &next, &[0], |_| false).expect("they are few")
}

/// How a slot is held, and whether memory may have it where the region is left.
fn check(blocks: &[Block], slot: u64, ty: ir::Type, odd: bool) {
    let slots = slots(blocks);
    let index = slots.index(slot).expect("it is used");
    let is_odd = slots.singles.odd >> index & 1 == 1;
    assert_eq!((slots.types[index], is_odd), (ty, odd), "slot {slot}");
}

#[test]
fn what_is_only_set_to_singles_is_held_as_one() {
    let add = || block(|out| set_boxed(out, 7, sum(out, unboxed(out, 7), unboxed(out, 8))));
    check(&[add()], 7, types::F32, true);
    // Never set, so never odd.
    check(&[add()], 8, types::F32, false);
    // Set by every way to the second block, but where the first begins memory may have it.
    let store = || {
        block(|out| {
            let addr = out.get(I64, SlotId(1));
            out.store(addr, out.get(I32, SlotId(7)), MemArg::plain(0));
        })
    };
    check(&[add(), store()], 7, types::F32, true);
    // Its bits are read where it may be anything.
    check(&[store(), add()], 7, types::I64, false);
}

#[test]
fn what_is_set_to_anything_else_is_not() {
    let add = || block(|out| set_boxed(out, 7, sum(out, unboxed(out, 7), unboxed(out, 8))));
    let double = block(|out| {
        let value = out.get(I64, SlotId(9));
        out.set(
            SlotId(7),
            out.op(Op::FSqrt, I64, &[value, out.constant(I8, 0)]),
        );
        out.set(SlotId(9), out.imm(-1));
    });
    let blocks = [add(), double];
    check(&blocks, 7, types::I64, false);
    check(&blocks, 9, types::F64, false);
    // All ones are a box, but nobody calculates with what is in it.
    let ones = block(|out| {
        let more = out.get(I64, SlotId(3)) + 1;
        out.set(SlotId(2), out.imm(-1));
        out.set(SlotId(3), more);
    });
    check(&[ones], 2, types::I64, false);
}

#[test]
fn doubles_that_are_loaded_are_floats() {
    let load = block(|out| {
        let addr = out.get(I64, SlotId(1));
        out.set(SlotId(7), out.load(I64, addr, MemArg::plain(0)));
    });
    let root = block(|out| {
        let value = out.get(I64, SlotId(7));
        out.set(
            SlotId(8),
            out.op(Op::FSqrt, I64, &[value, out.constant(I8, 0)]),
        );
    });
    check(&[load, root], 7, types::F64, false);
}
