//! Pure operations on integers.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
use vm_core::Entropy;
use vm_ir::float::RISCV;
use vm_ir::sample::ops::{self, Case, cases, edges};
use vm_ir::{Op, Type};

use super::bench::{Bench, Code, Cpu, OPERANDS, PC, operand};
use crate::lower;

/// Random operands beside the edges.
const RANDOM: usize = 200;

/// A value with dirt above its type; a truth value is a clean byte.
pub fn dirty(value: u64, ty: Type, salt: u64) -> u64 {
    ops::dirty(value, ty.max(Type::I8), salt)
}

/// All choices of edges, then random ones.
fn choices(types: &[Type], entropy: &mut Entropy) -> Vec<[u64; 3]> {
    let mut all = ops::choices(types);
    for _ in 0..if types.is_empty() { 0 } else { RANDOM } {
        let mut next = |n: usize| {
            let value = entropy.next_u64() >> (entropy.next_u64() & 63);
            types.get(n).map_or(0, |ty| value & ty.mask())
        };
        all.push([next(0), next(1), next(2)]);
    }
    all
}

/// The operation of words.
fn plain(bench: &mut Bench, case: Case) -> Vec<u8> {
    let types = case.operands();
    bench.compile(|cx, words| {
        let args = types
            .iter()
            .zip(words)
            .map(|(ty, word)| operand(cx, *ty, word));
        let args: Vec<_> = args.collect();
        lower::op(cx, case.op, case.ty, case.from, case.imm, &args)
    })
}

/// The operation with one operand a constant.
fn fixed(bench: &mut Bench, case: Case, place: usize, number: u64) -> Vec<u8> {
    let types = case.operands();
    bench.compile(|cx, words| {
        let args = types.iter().zip(words).enumerate().map(|(n, (ty, word))| {
            if n == place {
                lower::op(cx, Op::Const, *ty, *ty, number, &[])
            } else {
                operand(cx, *ty, word)
            }
        });
        let args: Vec<_> = args.collect();
        lower::op(cx, case.op, case.ty, case.from, case.imm, &args)
    })
}

/// Checks one function over the choices; how many results it compared.
fn check(code: &Code, n: usize, cpu: &mut Cpu, case: Case, values: &[[u64; 3]]) -> usize {
    let types = case.operands();
    for &values in values {
        let wanted = case.wanted(values, PC);
        let mut given = [0; OPERANDS];
        for (n, (given, ty)) in given.iter_mut().zip(&types).enumerate() {
            *given = dirty(values[n], *ty, n as u64 + 1);
        }
        let found = code.run(n, cpu, given);
        assert_eq!(found, wanted, "{case:?} of {values:x?}");
    }
    values.len()
}

fn check_all(bench: &mut Bench, entropy: &mut Entropy) {
    let cases = cases();
    let functions: Vec<_> = cases.iter().map(|case| plain(bench, *case)).collect();
    let code = Code::new(&functions);
    let mut cpu = Cpu::new(RISCV);
    let mut checked = 0;
    for (n, case) in cases.iter().enumerate() {
        let values = choices(&case.operands(), entropy);
        checked += check(&code, n, &mut cpu, *case, &values);
    }
    assert!(checked > 100_000, "only {checked} results");
}

#[test]
fn pure_operations_mean_what_the_table_says() {
    check_all(&mut Bench::new(RISCV), &mut Entropy::new(1));
}

/// Forms that other hosts have.
#[test]
fn so_do_their_forms_for_lesser_hosts() {
    let mut bench = Bench::new(RISCV);
    bench.host().overflow = false;
    bench.host().fma = false;
    check_all(&mut bench, &mut Entropy::new(2));
}

/// Constants choose other instructions, here and in Cranelift.
#[test]
fn constant_operands_mean_the_same() {
    let (mut bench, mut entropy) = (Bench::new(RISCV), Entropy::new(3));
    let mut cpu = Cpu::new(RISCV);
    let mut checked = 0;
    for case in cases() {
        let types = case.operands();
        for (place, ty) in types.iter().enumerate() {
            let numbers = edges(*ty);
            let functions = numbers
                .iter()
                .map(|number| fixed(&mut bench, case, place, *number));
            let code = Code::new(&functions.collect::<Vec<_>>());
            let mut values = choices(&types, &mut entropy);
            for (n, number) in numbers.iter().enumerate() {
                values.iter_mut().for_each(|values| values[place] = *number);
                values.sort_unstable();
                let mut few = values.clone();
                few.dedup();
                checked += check(&code, n, &mut cpu, case, &few);
            }
        }
    }
    assert!(checked > 100_000, "only {checked} results");
}

/// Helpers keep what generated code holds in registers: more values than there are registers live
/// across calls, as integers and as floats.
#[test]
fn helpers_keep_all_registers() {
    const COUNT: u64 = 24;
    let mut bench = Bench::new(RISCV);
    let ty = Type::I64;
    let code = bench.compile(|cx, [a, b, c, _]| {
        let odd = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let ints: Vec<_> = (0..COUNT)
            .map(|n| {
                let number = lower::op(cx, Op::Const, ty, ty, odd(n), &[]);
                lower::op(cx, Op::Mul, ty, ty, 0, &[a, number])
            })
            .collect();
        let flags = MemFlagsData::new();
        let mut floats = Vec::new();
        for int in &ints {
            floats.push(cx.builder.ins().bitcast(types::F64, flags, *int));
        }
        let product = lower::op(cx, Op::ClMul, ty, ty, 0, &[b, c]);
        let class = lower::op(cx, Op::FClass, ty, ty, 0, &[product]);
        let mut sum = lower::op(cx, Op::Add, ty, ty, 0, &[product, class]);
        for (n, (int, float)) in ints.into_iter().zip(floats).enumerate() {
            let back = cx.builder.ins().bitcast(types::I64, flags, float);
            let turns = lower::op(cx, Op::Const, ty, ty, n as u64, &[]);
            let turned = lower::op(cx, Op::RotL, ty, ty, 0, &[back, turns]);
            let both = lower::op(cx, Op::Sub, ty, ty, 0, &[turned, int]);
            sum = lower::op(cx, Op::Xor, ty, ty, 0, &[sum, both]);
        }
        sum
    });
    let code = Code::new(&[code]);
    let (mut cpu, mut entropy) = (Cpu::new(RISCV), Entropy::new(4));
    cpu.helpers.spoil();
    for _ in 0..100 {
        let [a, b, c] = [(); 3].map(|()| entropy.next_u64());
        let product = Op::ClMul.eval(ty, ty, b, c, 0).expect("it is pure");
        let class = vm_ir::float::classify(vm_ir::format(ty), product);
        let mut wanted = product.wrapping_add(class);
        for n in 0..COUNT {
            let int = a.wrapping_mul(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            wanted ^= int.rotate_left(n as u32).wrapping_sub(int);
        }
        assert_eq!(
            code.run(0, &mut cpu, [a, b, c, 0]),
            wanted,
            "{a:x} {b:x} {c:x}"
        );
    }
}
