//! Floating-point operations, results and flags.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use vm_core::Entropy;
use vm_ir::float::{ARM64, Flags, RISCV, Rules, X86};
use vm_ir::ops::Kind;
use vm_ir::{Effect, Op, Type, eval_float};

use super::bench::{Bench, Code, Cpu, OPERANDS, operand};
use super::integer::{dirty, edges};
use crate::lower::{self, Lowering};

/// Random operands for each function.
const RANDOM: usize = 600;

const FLOATS: [Type; 3] = [Type::I16, Type::I32, Type::I64];

/// One operation with its types.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Case {
    op: Op,
    ty: Type,
    from: Type,
}

impl Case {
    /// Operands beside the rounding mode.
    fn operands(self) -> usize {
        let args = self.op.shape().args.iter();
        args.filter(|kind| **kind != Kind::I8).count()
    }

    fn rounds(self) -> bool {
        self.op.shape().args.contains(&Kind::I8)
    }

    fn is_from_int(self) -> bool {
        matches!(self.op, Op::SToF | Op::UToF)
    }
}

/// How the operands and the mode come.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Form {
    /// Integers, and a mode that the run knows.
    Ints,
    /// Integers, and this mode.
    Fixed(u64),
    /// Host floats where there are any, and this mode.
    Floats(u64),
}

const FORMS: [Form; 8] = [
    Form::Ints,
    Form::Fixed(0),
    Form::Fixed(1),
    Form::Fixed(2),
    Form::Fixed(3),
    Form::Fixed(4),
    Form::Fixed(7),
    Form::Floats(0),
];

/// Every floating-point operation in all its types.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &op in Op::ALL {
        if op.effect() != Effect::Float && op != Op::FClass {
            continue;
        }
        for ty in FLOATS {
            let mut add = |ty, from| cases.push(Case { op, ty, from });
            match op {
                Op::FToS | Op::FToU => Type::ALL[1..].iter().for_each(|to| add(*to, ty)),
                Op::SToF | Op::UToF => Type::ALL[1..].iter().for_each(|from| add(ty, *from)),
                Op::FConvert => {
                    let others = FLOATS.iter().filter(|from| **from != ty);
                    others.for_each(|from| add(ty, *from));
                }
                _ => add(ty, ty),
            }
        }
    }
    cases
}

/// Exponent and fraction bits.
const fn layout(ty: Type) -> (u32, u32) {
    match ty {
        Type::I16 => (5, 10),
        Type::I32 => (8, 23),
        _ => (11, 52),
    }
}

/// Numbers on which floating-point operations turn, in a format.
fn numbers(ty: Type) -> Vec<u64> {
    let (exponent, fraction) = layout(ty);
    let infinity = ((1 << exponent) - 1) << fraction;
    let one = ((1 << (exponent - 1)) - 1) << fraction;
    let positive = [
        0,
        1,
        1 << (fraction - 1),
        (1 << fraction) - 1,
        1 << fraction,
        (1 << fraction) + 1,
        one,
        one + 1,
        one | 1 << (fraction - 1),
        infinity - 1,
        infinity,
        infinity | 1,
        infinity | 1 << (fraction - 1),
        // Whole numbers at the edges of integers.
        one + (7 << fraction),
        one + (8 << fraction) - 1,
        one + (15 << fraction),
        one + (31 << fraction) % infinity,
        one + (31 << fraction) % infinity - 1,
        one + (32 << fraction) % infinity,
        one + (63 << fraction) % infinity,
        one + (64 << fraction) % infinity - 1,
        one + (64 << fraction) % infinity,
    ];
    let sign = 1 << (exponent + fraction);
    let mask = sign - 1;
    let numbers = positive.iter().map(|number| number & mask);
    numbers.flat_map(|number| [number, number | sign]).collect()
}

/// A random number: anything, or an ordinary one with few bits.
fn random(ty: Type, entropy: &mut Entropy) -> u64 {
    let (exponent, fraction) = layout(ty);
    let bits = entropy.next_u64();
    let sign = bits >> 63 << (exponent + fraction);
    let top = (1u64 << exponent) - 1;
    let biased = match bits >> 60 & 7 {
        0 => bits >> 40 & top,
        1 => bits >> 40 & 3,
        2 => top - (bits >> 40 & 3),
        _ => (top >> 1) + (bits >> 40 & 15) - 8,
    };
    let short = u64::MAX << (entropy.next_u64() % u64::from(fraction));
    let digits = entropy.next_u64() & ((1 << fraction) - 1);
    let digits = if bits >> 50 & 1 == 0 {
        digits
    } else {
        digits & short
    };
    sign | biased << fraction | digits
}

/// Operands for a case: each edge with each, then random ones.
fn operands(case: Case, entropy: &mut Entropy) -> Vec<[u64; 3]> {
    let some = if case.is_from_int() {
        edges(case.from)
    } else {
        numbers(case.from)
    };
    let mut all = Vec::new();
    let seconds = if case.operands() == 1 { 1 } else { some.len() };
    for (i, x) in some.iter().enumerate() {
        for (j, y) in some[..seconds].iter().enumerate() {
            all.push([*x, *y, some[(i * 7 + j * 5) % some.len()]]);
        }
    }
    for _ in 0..RANDOM {
        let mut next = || {
            if case.is_from_int() {
                let value = entropy.next_u64() >> (entropy.next_u64() & 63);
                value & case.from.mask()
            } else {
                random(case.from, entropy)
            }
        };
        let [x, y, z] = [next(), next(), next()];
        // Now and then what cancels.
        all.push(if z & 15 == 0 { [x, x, z] } else { [x, y, z] });
    }
    all
}

fn build(cx: &mut Lowering, case: Case, form: Form, words: [Value; OPERANDS]) -> Value {
    let count = case.operands();
    let mut args: Vec<_> = words[..count]
        .iter()
        .map(|word| operand(cx, case.from, *word))
        .collect();
    if matches!(form, Form::Floats(_)) && !case.is_from_int() {
        for arg in &mut args {
            let ty = match cx.builder.func.dfg.value_type(*arg) {
                types::I32 => types::F32,
                types::I64 => types::F64,
                _ => continue,
            };
            *arg = cx.builder.ins().bitcast(ty, MemFlagsData::new(), *arg);
        }
    }
    if case.rounds() {
        args.push(match form {
            Form::Ints => operand(cx, Type::I8, words[3]),
            Form::Fixed(mode) | Form::Floats(mode) => {
                lower::op(cx, Op::Const, Type::I8, Type::I8, mode, &[])
            }
        });
    }
    lower::op(cx, case.op, case.ty, case.from, 0, &args)
}

/// Which calls went where.
#[derive(Default)]
struct Count {
    checked: u64,
    /// With a mode and flags that permit it, and ordinary operands, by the host.
    quick: u64,
    slow: u64,
}

/// What the last helper left where no helper was called.
const NO_CALL: u64 = 0x0dd_ba11;

fn check(
    code: &Code,
    n: usize,
    (cpu, rules): (&mut Cpu, Rules),
    case: Case,
    form: Form,
    values: &[[u64; 3]],
) -> Count {
    let mut count = Count::default();
    for (i, &[x, y, z]) in values.iter().enumerate() {
        let mode = match form {
            Form::Ints => [0, 1, 2, 3, 4, 0, 7, 0][i & 7],
            Form::Fixed(mode) | Form::Floats(mode) => mode,
        };
        let sticky = Flags([1, 0, 31, 30][(i / 8) & 3]);
        let mut args = [x, y, z, 0];
        if case.rounds() {
            args[case.operands()] = mode;
        }
        let wanted = eval_float(case.op, case.ty, case.from, args, rules, Flags::NONE);
        let wanted = wanted.expect("it is a float");
        let mut given = [x, y, z, mode];
        for (n, given) in given[..case.operands()].iter_mut().enumerate() {
            *given = dirty(*given, case.from, n as u64 + 1);
        }
        cpu.flags = u64::from(sticky.0) | 0x100;
        cpu.helpers.result = NO_CALL;
        let found = code.run(n, cpu, given);
        let result = case.op.result().of(case.ty).unwrap_or(Type::I64).mask();
        let place = format!(
            "{case:?} {form:?} of {args:x?}, mode {mode}, flags {}",
            sticky.0
        );
        assert_eq!(found, wanted.bits & result, "{place}");
        assert_eq!(
            cpu.flags,
            u64::from(sticky.0 | wanted.flags.0) | 0x100,
            "{place}"
        );
        count.checked += 1;
        let nearest = mode == 0 || mode == 7 || !case.rounds();
        if nearest && sticky.contains(Flags::NX) {
            let quick = cpu.helpers.result == NO_CALL;
            count.quick += u64::from(quick);
            count.slow += u64::from(!quick);
        }
    }
    count
}

/// Checks every operation in every form.
fn check_all(bench: &mut Bench, rules: Rules, seed: u64) -> Vec<(Case, Form, Count)> {
    let mut entropy = Entropy::new(seed);
    let mut cpu = Cpu::new(rules);
    let mut counts = Vec::new();
    for case in cases() {
        let functions = FORMS.map(|form| bench.compile(|cx, words| build(cx, case, form, words)));
        let code = Code::new(&functions);
        let values = operands(case, &mut entropy);
        for (n, form) in FORMS.into_iter().enumerate() {
            let cpu = (&mut *cpu, rules);
            counts.push((case, form, check(&code, n, cpu, case, form, &values)));
        }
    }
    let checked: u64 = counts.iter().map(|(_, _, count)| count.checked).sum();
    assert!(checked > 300_000, "only {checked} results");
    counts
}

#[test]
fn results_and_flags_are_the_exact_ones() {
    let mut bench = Bench::new(RISCV);
    let counts = check_all(&mut bench, RISCV, 11);
    // The host does most of what it may do.
    for (case, form, count) in counts {
        let halves = case.from == Type::I16 || case.ty == Type::I16;
        let narrow = matches!(case.op, Op::FToS | Op::FToU) && case.ty < Type::I32;
        let slow = halves && !case.is_from_int() || narrow || case.op == Op::FClass;
        let slow = slow || case.ty == Type::I16;
        let dynamic = form == Form::Ints && matches!(case.op, Op::FToS | Op::FToU);
        let unnamed = form == Form::Fixed(7) && matches!(case.op, Op::FToS | Op::FToU);
        if slow || dynamic || unnamed || count.quick + count.slow == 0 {
            continue;
        }
        let share = count.quick * 100 / (count.quick + count.slow);
        assert!(share > 25, "{case:?} {form:?}: {share} % by the host");
    }
}

#[test]
fn they_are_on_hosts_without_the_instructions() {
    let mut bench = Bench::new(RISCV);
    bench.host().fma = false;
    bench.host().round = false;
    check_all(&mut bench, RISCV, 12);
}

#[test]
fn they_are_with_the_rules_of_other_guests() {
    for (rules, seed) in [(ARM64, 13), (X86, 14)] {
        check_all(&mut Bench::new(rules), rules, seed);
    }
}

/// What the table calls floating point is in the test, in each of its types.
#[test]
fn no_floating_point_operation_is_missing() {
    let cases = cases();
    for &op in Op::ALL {
        let types = cases.iter().filter(|case| case.op == op).count();
        let float = op.effect() == Effect::Float || op == Op::FClass;
        assert_eq!(types >= 3, float, "{op:?}: {types} types");
    }
}

/// A chain in one block: values stay floats, and what an operation raises is seen by the next.
#[test]
fn chains_are_exact() {
    let rules = RISCV;
    let mut bench = Bench::new(rules);
    let ty = Type::I64;
    let code = bench.compile(|cx, [a, b, c, _]| {
        let rm = lower::op(cx, Op::Const, Type::I8, Type::I8, 0, &[]);
        let sum = lower::op(cx, Op::FAdd, ty, ty, 0, &[a, b, rm]);
        let product = lower::op(cx, Op::FMul, ty, ty, 0, &[sum, c, rm]);
        let ratio = lower::op(cx, Op::FDiv, ty, ty, 0, &[product, a, rm]);
        let mixed = lower::op(cx, Op::Xor, ty, ty, 0, &[sum, product]);
        let least = lower::op(cx, Op::FMin, ty, ty, 0, &[ratio, mixed]);
        let root = lower::op(cx, Op::FSqrt, ty, ty, 0, &[least, rm]);
        lower::op(cx, Op::FMulAdd, ty, ty, 0, &[root, ratio, sum, rm])
    });
    let code = Code::new(&[code]);
    let (mut cpu, mut entropy) = (Cpu::new(rules), Entropy::new(15));
    for round in 0..20_000u64 {
        let [a, b, c] = [(); 3].map(|()| random(ty, &mut entropy));
        cpu.flags = round & 31;
        let found = code.run(0, &mut cpu, [a, b, c, 0]);
        let mut flags = Flags((round & 31) as u8);
        let mut op = |op: Op, args: [u64; 4]| {
            let out = eval_float(op, ty, ty, args, rules, Flags::NONE).expect("it is a float");
            flags |= out.flags;
            out.bits
        };
        let sum = op(Op::FAdd, [a, b, 0, 0]);
        let product = op(Op::FMul, [sum, c, 0, 0]);
        let ratio = op(Op::FDiv, [product, a, 0, 0]);
        let least = op(Op::FMin, [ratio, sum ^ product, 0, 0]);
        let root = op(Op::FSqrt, [least, 0, 0, 0]);
        let wanted = op(Op::FMulAdd, [root, ratio, sum, 0]);
        assert_eq!(
            (found, cpu.flags),
            (wanted, u64::from(flags.0)),
            "{a:x} {b:x} {c:x}"
        );
    }
}
