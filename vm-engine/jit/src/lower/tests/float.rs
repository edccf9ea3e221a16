//! Floating-point operations, results and flags.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use vm_core::Entropy;
use vm_ir::float::{ARM64, Flags, RISCV, Rules, X86};
use vm_ir::sample::ops::{Case, float_cases, float_choices, format_bits};
use vm_ir::{Op, Type, eval_float};

use super::bench::{Bench, Code, Cpu, OPERANDS, operand};
use super::integer::dirty;
use crate::lower::{self, Lowering};

/// Random operands for each function.
const RANDOM: usize = 600;

/// Operands beside the rounding mode.
fn numbers(case: Case) -> usize {
    case.operands().len() - usize::from(case.rounds())
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

/// A random number: anything, or an ordinary one with few bits.
fn random(ty: Type, entropy: &mut Entropy) -> u64 {
    let (exponent, fraction) = format_bits(ty);
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
    let mut all = float_choices(case);
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
    let number = numbers(case);
    let mut args: Vec<_> = words[..number]
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
            args[numbers(case)] = mode;
        }
        let (wanted, raised) = case.wanted_float(args, rules);
        let mut given = [x, y, z, mode];
        for (n, given) in given[..numbers(case)].iter_mut().enumerate() {
            *given = dirty(*given, case.from, n as u64 + 1);
        }
        cpu.flags = u64::from(sticky.0) | 0x100;
        cpu.helpers.result = NO_CALL;
        let found = code.run(n, cpu, given);
        let place = format!(
            "{case:?} {form:?} of {args:x?}, mode {mode}, flags {}",
            sticky.0
        );
        assert_eq!(found, wanted, "{place}");
        assert_eq!(cpu.flags, u64::from(sticky.0 | raised.0) | 0x100, "{place}");
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
    for case in float_cases() {
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
