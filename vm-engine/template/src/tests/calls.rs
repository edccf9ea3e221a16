//! Functions that call themselves, and return to where they were called from or elsewhere.

use vm_core::Exit;
use vm_ir::sample::guest::SPACING;
use vm_ir::{Block, Builder, Hint, SlotId, Type};

use super::machine::Machine;

/// The slots: where to return to, how often to call, how often it was returned, where the first
/// call returns to, and how often all of it was done.
const LINK: SlotId = SlotId(1);
const TO_GO: SlotId = SlotId(2);
const RETURNED: SlotId = SlotId(3);
const FIRST: SlotId = SlotId(4);
const DONE: SlotId = SlotId(5);

/// The block that is the function.
const FUNCTION: i64 = 3;

/// How far block `to` is from block `from`.
const fn way(from: i64, to: i64) -> i64 {
    (to - from) * SPACING as i64
}

/// A block of one instruction that ends where the next block begins.
fn block(write: impl FnOnce(&Builder)) -> Block {
    let out = Builder::new();
    out.begin_insn(SPACING as u32);
    write(&out);
    out.finish()
}

fn add(out: &Builder, slot: SlotId, number: i64) {
    out.set(slot, out.get(Type::I64, slot) + out.imm(number));
}

/// Goes to block `to` from block `from` if a slot holds a number, else to the next.
fn go_if(out: &Builder, (slot, number): (SlotId, u64), (from, to): (i64, i64)) {
    let same = out.get(Type::I64, slot).eq(out.imm(number as i64));
    out.branch(same, way(from, to));
}

/// The call of the function, at block `at`.
fn call(out: &Builder, at: i64, computed: bool) {
    out.set(LINK, out.pc(SPACING as i64));
    if computed {
        out.jump(out.pc(way(at, FUNCTION)), Hint::Call);
    } else {
        out.goto(way(at, FUNCTION));
    }
}

/// The program; `depth` calls, each but the first from the function itself. A wild one returns to
/// somewhere else now and then, from where it goes on to where it should have returned to.
fn program(depth: u64, computed: bool, wild: bool) -> Vec<Block> {
    vec![
        block(|out| {
            out.set(TO_GO, out.imm(depth as i64));
            out.set(RETURNED, out.imm(0));
            out.set(FIRST, out.pc(way(0, 2)));
            out.goto(way(0, 1));
        }),
        block(|out| call(out, 1, computed)),
        block(|out| {
            add(out, DONE, 1);
            out.goto(way(2, 0));
        }),
        block(|out| go_if(out, (TO_GO, 0), (FUNCTION, 7))),
        block(|out| {
            add(out, TO_GO, -1);
            call(out, 4, computed);
        }),
        // It has returned, to where it returns to next, too, unless this was the last time.
        block(|out| {
            add(out, RETURNED, 1);
            out.goto(way(5, 6));
        }),
        block(|out| {
            let last = out.get(Type::I64, RETURNED).eq(out.imm(depth as i64));
            let link = out.get(Type::I64, LINK);
            out.set(LINK, out.select(last, out.get(Type::I64, FIRST), link));
            out.goto(way(6, 7));
        }),
        block(|out| {
            let number = if wild { depth / 2 } else { depth + 1 };
            go_if(out, (RETURNED, number), (7, 9));
        }),
        block(|out| out.jump(out.get(Type::I64, LINK), Hint::Return)),
        block(|out| out.jump(out.pc(way(9, 8)), Hint::Return)),
    ]
}

/// Both ways to run a program come to the same state, whatever the fuel.
fn check(depth: u64, computed: bool, wild: bool, fuels: &[u64]) {
    let program = program(depth, computed, wild);
    let (mut plain, mut native) = (Machine::plain(), Machine::joined());
    for machine in [&mut plain, &mut native] {
        machine.put_all(&program);
    }
    let slots = vec![0; plain.layout.slots.len()];
    for fuel in fuels {
        let states = [&mut plain, &mut native].map(|machine| {
            assert_eq!(machine.run(&slots, *fuel), Exit::Budget);
            machine.slots()
        });
        assert_eq!(states[0], states[1], "{depth} calls, {fuel} instructions");
    }
    assert!(
        native.slots()[usize::from(DONE.0)] > 0,
        "all of it was done"
    );
}

#[test]
fn calls_are_returned_from_whatever_the_fuel() {
    let fuels: Vec<u64> = (1..400).chain([10_000, 100_001]).collect();
    for computed in [false, true] {
        for wild in [false, true] {
            check(7, computed, wild, &fuels);
        }
    }
}

#[test]
fn more_calls_than_the_stack_takes_are_returned_from() {
    for computed in [false, true] {
        check(20_000, computed, false, &[1_000_000]);
        check(20_000, computed, true, &[999_999]);
    }
}
