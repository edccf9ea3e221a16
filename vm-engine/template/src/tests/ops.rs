//! Every template computes what the operation table says.

use vm_core::Exit;
use vm_ir::sample::HELPERS;
use vm_ir::sample::guest::place;
use vm_ir::sample::ops::{self, Case, choices, dirty, edges};
use vm_ir::verify::verify;
use vm_ir::{Builder, End, Op, SlotId, Type, Val};

use super::machine::Machine;

/// Where the results go.
const RESULT: SlotId = SlotId(8);
const CHOSEN: SlotId = SlotId(9);
const KEPT: u16 = 10;

/// Where an operand comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// From its slot, for this use only.
    Once,
    /// From its slot, and it is used again.
    Again,
    /// As the low bits of a word.
    Low,
    /// As a constant, at this place.
    Fixed(usize),
    /// All operands are the first.
    Same,
}

/// The block that does it once, with the operands of which some may be fixed.
fn block(case: Case, form: Form, values: [u64; 3]) -> vm_ir::Block {
    let out = Builder::new();
    out.begin_insn(4);
    let types = case.operands();
    let operand = |n: usize| -> Val<'_> {
        let (ty, slot) = (types[n], SlotId(n as u16));
        match form {
            Form::Fixed(at) if at == n => out.constant(ty, values[n]),
            Form::Low if ty < Type::I64 => out.get(Type::I64, slot).trunc(ty),
            _ => out.get(ty, slot),
        }
    };
    let mut operands: Vec<_> = (0..types.len()).map(operand).collect();
    if form == Form::Same {
        operands = vec![operands[0]; operands.len()];
    }
    let ids: Vec<_> = operands.iter().map(|value| value.id).collect();
    let value = out.push(case.op, case.ty, &ids, case.imm);
    if value.ty == Type::I1 && form == Form::Again {
        // Asked for twice, then once: as a value, and as a condition.
        let yes = out.select(value, out.imm(-7), out.imm(99));
        out.set(CHOSEN, yes);
    } else if value.ty == Type::I1 && form != Form::Low {
        let yes = out.select(value, out.imm(-7), out.imm(99));
        out.set(CHOSEN, yes);
        out.end(End::Goto(4));
        return out.finish();
    }
    out.set(RESULT, value);
    if form == Form::Again {
        for (n, operand) in operands.iter().enumerate() {
            out.set(SlotId(KEPT + n as u16), *operand);
        }
    }
    out.end(End::Goto(4));
    out.finish()
}
fn cases() -> impl Iterator<Item = Case> {
    ops::cases().into_iter().filter(|case| case.op != Op::Const)
}

/// Checks one operation in one form on these values; how many results it compared.
fn check(machine: &mut Machine, case: Case, form: Form, choices: &[[u64; 3]]) -> u64 {
    let types = case.operands();
    let block = block(case, form, choices[0]);
    // Not every operation is there in every width.
    if verify(&block, &machine.layout, HELPERS).is_err() || machine.put(&block).is_none() {
        return 0;
    }
    let before = machine.engine.tier_stats().map(|stats| stats.published);
    for (n, values) in choices.iter().enumerate() {
        let mut slots = vec![0; machine.layout.slots.len()];
        for (slot, (value, ty)) in slots.iter_mut().zip(values.iter().zip(&types)) {
            *slot = dirty(*value, *ty, n as u64);
        }
        let [x, mut y, mut z] = *values;
        if form == Form::Same {
            (y, z) = (x, x);
        }
        let wanted = case.wanted([x, y, z], place(0));
        assert_eq!(machine.run(&slots, 1), Exit::Budget);
        let found = machine.slots();
        let [result, chosen] = [RESULT, CHOSEN].map(|slot| found[usize::from(slot.0)]);
        let fact = format!("{case:?} {form:x?} of {values:x?}");
        if found[usize::from(CHOSEN.0)] != 0 {
            let choice = if wanted == 1 { -7i64 as u64 } else { 99 };
            assert_eq!(chosen, choice, "{fact}");
        }
        if chosen == 0 || form == Form::Again {
            assert_eq!(result, wanted, "{fact}: {result:#x}, not {wanted:#x}");
        }
        if form == Form::Again {
            for (at, value) in values.iter().enumerate().take(types.len()) {
                assert_eq!(
                    found[usize::from(KEPT) + at],
                    *value,
                    "{fact}: operand {at}"
                );
            }
        }
    }
    let after = machine.engine.tier_stats().map(|stats| stats.published);
    assert_eq!(after, before.map(|count| count + 1), "native code has run");
    choices.len() as u64
}

/// What no machine needs from here yet: a compiler with a wider table takes these.
const REFUSED: [Op; 11] = [
    Op::DivWideU,
    Op::RemWideU,
    Op::DivWideS,
    Op::RemWideS,
    Op::BitRev,
    Op::ClMul,
    Op::ClMulH,
    Op::ClMulR,
    Op::Carry,
    Op::Borrow,
    Op::OverAdd,
];

#[test]
fn operations_mean_what_the_table_says() {
    let mut machine = Machine::new();
    let mut checked = 0;
    for case in cases() {
        let choices = choices(&case.operands());
        let mut compared = 0;
        for form in [Form::Once, Form::Again, Form::Low] {
            compared += check(&mut machine, case, form, &choices);
        }
        if case.operands().len() > 1 && case.from == case.ty && case.op != Op::Select {
            let values: Vec<_> = edges(case.ty).iter().map(|value| [*value; 3]).collect();
            compared += check(&mut machine, case, Form::Same, &values);
        }
        let known = !REFUSED.contains(&case.op) && case.op != Op::OverSub;
        if case.ty >= Type::I32 {
            assert_eq!(compared > 0, known, "{case:?}");
        }
        checked += compared;
    }
    assert!(checked > 100_000, "only {checked} results");
}

#[test]
fn constant_operands_mean_the_same() {
    let mut machine = Machine::new();
    let mut checked = 0;
    for case in cases() {
        let types = case.operands();
        for at in 0..types.len() {
            for number in edges(types[at]) {
                let mut choices = choices(&types);
                choices.retain(|values| values[at] == number);
                choices.truncate(24);
                checked += check(&mut machine, case, Form::Fixed(at), &choices);
            }
        }
    }
    assert!(checked > 50_000, "only {checked} results");
}
