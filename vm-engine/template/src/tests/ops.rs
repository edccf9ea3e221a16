//! Every template computes what the operation table says.

use vm_core::Exit;
use vm_ir::sample::HELPERS;
use vm_ir::sample::guest::place;
use vm_ir::verify::verify;
use vm_ir::{Builder, Effect, End, Op, SlotId, Type, Val};

use super::machine::Machine;

/// Where the results go.
const RESULT: SlotId = SlotId(8);
const CHOSEN: SlotId = SlotId(9);
const KEPT: u16 = 10;

/// Values on which meanings turn, in a type.
fn edges(ty: Type) -> Vec<u64> {
    let (bits, top) = (u64::from(ty.bits()), 1 << (ty.bits() - 1));
    let all = [
        0,
        1,
        2,
        7,
        bits - 1,
        bits,
        0x80,
        0x00ff_00f0_0f00_1234,
        0x0123_4567_89ab_cdef,
        top - 1,
        top,
        top + 1,
        u64::MAX - 1,
        u64::MAX,
    ];
    let mut edges = all.map(|value| value & ty.mask()).to_vec();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// A value with dirt above its type.
fn dirty(value: u64, ty: Type, salt: u64) -> u64 {
    let dirt = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value.rotate_left(29) ^ 0x5555 << 48;
    value | dirt & !ty.mask()
}

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

#[derive(Clone, Copy, Debug)]
struct Case {
    op: Op,
    ty: Type,
    from: Type,
    imm: u64,
}

impl Case {
    fn types(self) -> Vec<Type> {
        let kinds = self.op.shape().args.iter();
        kinds
            .map(|kind| kind.of(self.ty).unwrap_or(self.from))
            .collect()
    }

    /// The block that does it once, with the operands of which some may be fixed.
    fn block(self, form: Form, values: [u64; 3]) -> vm_ir::Block {
        let out = Builder::new();
        out.begin_insn(4);
        let types = self.types();
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
        let value = out.push(self.op, self.ty, &ids, self.imm);
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
}

/// Fields and distances to try.
fn fixed(op: Op, ty: Type) -> Vec<u64> {
    let w = u64::from(ty.bits());
    match op {
        Op::Pc => vec![0, 4, 0x7fc, 4_u64.wrapping_neg(), 0x12_3456_7890],
        Op::Extract | Op::Deposit => {
            let starts = [0, 1, 8, w / 2, w - 1].into_iter().filter(|from| *from < w);
            let fields = starts.flat_map(|from| {
                let sizes = [1, 8, 16, 20, 32, 40, w / 2, w];
                sizes.map(move |bits| (from, bits)).into_iter()
            });
            let fits = fields.filter(|(from, bits)| *bits > 0 && from + bits <= w);
            fits.map(|(from, bits)| from | bits << 8).collect()
        }
        _ => vec![0],
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &op in Op::ALL {
        if op.effect() != Effect::Pure || matches!(op, Op::FClass | Op::Const) {
            continue;
        }
        for ty in Type::ALL {
            let from: Vec<Type> = match op {
                Op::Pc if ty != Type::I64 => continue,
                Op::Zext | Op::Sext => Type::ALL.into_iter().filter(|from| *from < ty).collect(),
                Op::Trunc => Type::ALL.into_iter().filter(|from| *from > ty).collect(),
                _ => vec![ty],
            };
            for (from, imm) in from
                .iter()
                .flat_map(|from| fixed(op, ty).into_iter().map(|imm| (*from, imm)))
            {
                cases.push(Case { op, ty, from, imm });
            }
        }
    }
    cases
}

/// Each choice of one value per operand.
fn choices(types: &[Type]) -> Vec<[u64; 3]> {
    let one = |n: usize| types.get(n).map_or_else(|| vec![0], |ty| edges(*ty));
    let (xs, ys, zs) = (one(0), one(1), one(2));
    let pairs = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
    pairs
        .flat_map(|(x, y)| zs.iter().map(move |z| [x, y, *z]))
        .collect()
}

/// Checks one operation in one form on these values; how many results it compared.
fn check(machine: &mut Machine, case: Case, form: Form, choices: &[[u64; 3]]) -> u64 {
    let types = case.types();
    let block = case.block(form, choices[0]);
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
        let wanted = match case.op {
            Op::Pc => place(0).wrapping_add(case.imm),
            op => op
                .eval_imm(case.ty, case.from, [x, y, z], case.imm)
                .expect("the operation is pure"),
        };
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
        let choices = choices(&case.types());
        let mut compared = 0;
        for form in [Form::Once, Form::Again, Form::Low] {
            compared += check(&mut machine, case, form, &choices);
        }
        if case.types().len() > 1 && case.from == case.ty && case.op != Op::Select {
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
        let types = case.types();
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
