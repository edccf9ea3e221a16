//! Accesses of one instruction that stay in a line of memory ask the TLB once.

use vm_core::{Exit, PAGE_BYTES};
use vm_ir::sample::guest::Kind;
use vm_ir::{Block, Builder, MemArg, Op, SlotId, Type};

use super::machine::Machine;
use super::shape;

/// Where the line is said to be.
const ADDR: SlotId = SlotId(1);

/// An instruction that asks for the right to write, and writes a line; then one that writes to
/// the same line once more.
fn block(clears: i64, offsets: impl Fn(i32) -> i32) -> Block {
    let out = Builder::new();
    out.begin_insn(4);
    let addr = out.get(Type::I64, ADDR);
    out.push(
        Op::ProbeStore,
        Type::I8,
        &[addr.id],
        MemArg::plain(0).pack(),
    );
    let start = addr & clears;
    for word in 0..8 {
        let value = if word % 3 == 1 {
            addr
        } else {
            out.imm(0x77 + i64::from(word))
        };
        out.store(start, value, MemArg::plain(offsets(word)));
    }
    out.begin_insn(4);
    let value = out.imm(-1).trunc(Type::I16);
    out.store(start, value, MemArg::plain(offsets(3)));
    out.goto(256);
    out.finish()
}

/// How often the TLB is asked for; what is written is what the interpreter writes.
fn asks(clears: i64, offsets: impl Fn(i32) -> i32) -> usize {
    let block = block(clears, offsets);
    let page = (1..).find(|page| Kind::of(page * PAGE_BYTES) == Kind::Plain);
    let addr = page.expect("some pages are plain") * PAGE_BYTES + 0x7b3;
    let mut seen = Vec::new();
    let mut stubs = 0;
    for mut machine in [Machine::new(), Machine::plain()] {
        let native = machine.put(&block).expect("it is known");
        stubs = shape::read(&native).expect("it has the form").1;
        let mut slots = vec![0; machine.layout.slots.len()];
        slots[usize::from(ADDR.0)] = addr;
        for _ in 0..3 {
            assert_eq!(machine.run(&slots, 2), Exit::Budget);
        }
        seen.push((machine.data(), machine.slots()));
    }
    assert!(seen[0] == seen[1], "both write the same");
    assert!(seen[0].0.iter().any(|byte| *byte != 0));
    stubs
}

#[test]
fn a_line_is_asked_for_once_by_an_instruction() {
    assert_eq!(asks(-64, |word| word * 8), 3);
    assert_eq!(asks(-4096, |word| 56 - word * 8), 3);
}

#[test]
fn what_may_leave_the_line_is_asked_for_each_time() {
    assert_eq!(asks(-32, |word| word * 8), 10);
    assert_eq!(asks(-64, |word| word * 8 + 64), 10);
    assert_eq!(asks(-64, |word| word * 8 - 64), 10);
    // The last one is half outside.
    assert_eq!(asks(-64, |word| word * 8 + 4), 4);
}
