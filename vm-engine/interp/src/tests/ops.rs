//! Every handler of an operation computes what the operation table says.

use vm_engine_cache::Toll;
use vm_ir::float::{Flags, RISCV};
use vm_ir::sample::ops::{choices, dirty, edges, float_cases, numbers};
use vm_ir::{Effect, Op, Type, eval_float};

use super::machine::cpu;
use crate::control::{Control, enter};
use crate::cpu::{Stop, StopKind};
use crate::flat::{Flat, Handler};
use crate::handlers::Arithmetic;
use crate::interpreter::Interpreter;
use crate::memory::Memory;
use crate::store::Store;

/// Which words the operands stand in; the result goes into word zero.
const PLACES: [u16; 5] = [0, 101, 102, 103, 104];
/// The slot of the sticky flags.
const FLAGS: usize = 65;

/// A CPU that runs one op.
struct Bench(Interpreter);

impl Bench {
    fn new() -> Self {
        let mut cpu = cpu();
        cpu.slow.enter_context(&mut cpu.cpu);
        cpu.cpu.slow = &raw mut *cpu.slow;
        Self(cpu)
    }

    fn words(&mut self) -> &mut [u64] {
        &mut self.0.cpu.words
    }

    /// Runs ops over four operands.
    #[expect(unsafe_code, reason = "enters handlers; see UNSAFETY")]
    // UNSAFETY: handlers follow pointers to the CPU and what belongs to it, all of it owned here.
    fn run(&mut self, ops: &[Flat], operands: [u64; 4]) -> Stop {
        for (place, value) in PLACES[1..].iter().zip(operands) {
            self.words()[usize::from(*place)] = value;
        }
        let mut code = Store::default().keep(ops.iter().copied(), &[], (0, 0), 4);
        (code.toll, code.insns) = (Toll::new(1), 1);
        self.0.cpu.stop = StopKind::Fuel;
        let cpu = &raw mut *self.0.cpu;
        // SAFETY: see UNSAFETY; the last of the ops stops.
        let left = unsafe { enter(cpu, code.place(), 0x1000, 1) };
        assert_eq!(left, 0, "the fuel of one instruction is taken once");
        self.0.cpu.stop()
    }

    /// Runs one op; its result.
    fn result(&mut self, run: Option<Handler>, operands: [u64; 4], imm: u64) -> u64 {
        let next = flat(Control::Next.handler(), [0; 4], 0);
        let op = flat(run, [PLACES[0], PLACES[1], PLACES[2], PLACES[3]], imm);
        self.words()[0] = 0xdead;
        let stop = self.run(&[op, next], operands);
        // Nothing waits, but no code is known behind it.
        assert!(matches!(stop, Stop::LookupIndirect), "{stop:?}");
        self.words()[0]
    }
}

fn flat(run: Option<Handler>, words: [u16; 4], imm: u64) -> Flat {
    let run = run.expect("the handler exists");
    Flat { run, words, imm }
}

fn operand_types(op: Op, ty: Type) -> Vec<Type> {
    let kinds = op.shape().args.iter();
    kinds
        .map(|kind| kind.of(ty).expect("a pure operation's operands have types"))
        .collect()
}

/// Checks all forms of one operation in one type; how many results it compared.
fn check(bench: &mut Bench, op: Op, ty: Type) -> u64 {
    let types = operand_types(op, ty);
    let mut checked = 0;
    for values in choices(&types) {
        let wanted = op
            .eval_imm(ty, ty, values, 0)
            .expect("the operation is pure");
        let mut given = values;
        for (n, (value, ty)) in given.iter_mut().zip(&types).enumerate() {
            *value = dirty(*value, *ty, n as u64 + 1);
        }
        for operands in [values, given] {
            let [x, y, z] = operands;
            let mut compare = |run: Option<Handler>, operands, imm, wanted: u64, form: &str| {
                let found = bench.result(run, operands, imm);
                assert_eq!(
                    found, wanted,
                    "{op:?} {ty:?} {form} of {operands:x?} {imm:#x}"
                );
                checked += 1;
            };
            if types.len() == 3 {
                let run = Arithmetic::Ternary { op, ty }.handler();
                compare(run, [x, y, z, 0], 0, wanted, "of words");
                continue;
            }
            for sext in [false, true] {
                let wanted = if sext { ty.sign_extend(wanted) } else { wanted };
                if sext && ty != Type::I32 {
                    continue;
                }
                let kind = |imm| Arithmetic::Binary { op, ty, imm, sext };
                compare(kind(false).handler(), [x, y, 0, 0], 0, wanted, "of words");
                compare(
                    kind(true).handler(),
                    [x, !y, 0, 0],
                    y,
                    wanted,
                    "of a constant",
                );
            }
        }
    }
    checked
}

#[test]
fn pure_operations_mean_what_the_table_says() {
    let mut bench = Bench::new();
    let mut checked = 0;
    for &op in Op::ALL {
        // These become constants, places or handlers of other names; the random blocks see them.
        let others = [
            Op::Const,
            Op::Pc,
            Op::Zext,
            Op::Sext,
            Op::Trunc,
            Op::Extract,
            Op::Deposit,
            Op::FClass,
        ];
        if op.effect() == Effect::Pure && !others.contains(&op) {
            for ty in Type::ALL {
                if (op, ty) != (Op::BSwap, Type::I1) {
                    checked += check(&mut bench, op, ty);
                }
            }
        }
    }
    assert!(checked > 100_000, "only {checked} results");
}

#[test]
fn operations_with_fields_and_types_of_their_own_mean_what_the_table_says() {
    let mut bench = Bench::new();
    for value in edges(Type::I64) {
        for from in Type::ALL {
            for to in Type::ALL {
                let run = Arithmetic::Sext { from, to }.handler();
                let wanted = from.sign_extend(value) & to.mask();
                assert_eq!(
                    bench.result(run, [value, 0, 0, 0], 0),
                    wanted,
                    "{from:?} {to:?}"
                );
            }
        }
        for field in [1 << 8, 64 << 8, 3 | 61 << 8, 63 | 1 << 8, 8 | 8 << 8] {
            let found = bench.result(Arithmetic::Extract.handler(), [value, 0, 0, 0], field);
            let args = [value, !value.rotate_left(7), 0];
            let wanted = Op::Extract.eval_imm(Type::I64, Type::I64, args, field);
            assert_eq!(Some(found), wanted);
            let [a, b, c] = args;
            let found = bench.result(Arithmetic::Deposit.handler(), [a, b, c, 0], field);
            assert_eq!(
                Some(found),
                Op::Deposit.eval_imm(Type::I64, Type::I64, args, field)
            );
        }
        let found = bench.result(Arithmetic::Pc.handler(), [0; 4], value);
        assert_eq!(found, value.wrapping_add(0x1000));
        assert_eq!(
            bench.result(Arithmetic::Const.handler(), [1; 4], value),
            value
        );
        let found = bench.result(Arithmetic::Mask.handler(), [!value, 0, 0, 0], 0xff0);
        assert_eq!(found, !value & 0xff0);
        // Slots 8 to 11.
        let (group, index) = (8 | 4 << 16, (8 + (value & 3)) as usize);
        bench.words()[index] = value ^ 77;
        let found = bench.result(Arithmetic::GetAt.handler(), [value, 0, 0, 0], group);
        assert_eq!(found, value ^ 77);
        let _ = bench.result(Arithmetic::SetAt.handler(), [value, 99, 0, 0], group);
        assert_eq!(bench.words()[index], 99);
    }
}

#[test]
fn branches_go_where_the_table_says() {
    let mut bench = Bench::new();
    let mut checked = 0;
    let mut goes = |run: Option<Handler>, operands: [u64; 4], imm: u64, holds: bool, what: &str| {
        let exit = |by| flat(Control::Goto.handler(), Flat::pack_distance(by), 0);
        let ops = [
            flat(run, [0, PLACES[1], PLACES[2], 0], imm),
            exit(0x100),
            exit(1 << 40),
        ];
        let stop = bench.run(&ops, operands);
        // What leaves the page is not linked.
        let links = matches!(stop, Stop::Lookup);
        assert!(links == holds && (links || matches!(stop, Stop::LookupIndirect)));
        let wanted = if holds { 0x1100 } else { 0x1000 + (1 << 40) };
        assert_eq!(bench.0.cpu.pc, wanted, "{what} {operands:x?} {imm:#x}");
        checked += 1;
    };
    for op in [Op::Eq, Op::Ne, Op::LtU, Op::LtS, Op::GeU, Op::GeS] {
        for ty in Type::ALL {
            for values @ [x, y, _] in choices(&[ty, ty]) {
                let holds = op.eval(ty, ty, values[0], values[1], 0) == Some(1);
                let (x, y) = (dirty(x, ty, 1), dirty(y, ty, 2));
                let what = format!("{op:?} {ty:?}");
                let kind = |imm| Control::Branch { op, ty, imm };
                goes(kind(false).handler(), [x, y, 0, 0], 0, holds, &what);
                goes(kind(true).handler(), [x, !y, 0, 0], y, holds, &what);
            }
        }
    }
    for value in [0, 1, 2, 3, u64::MAX, u64::MAX - 1] {
        let run = Control::BranchWord.handler();
        goes(run, [value, 0, 0, 0], 0, value & 1 == 1, "a truth value");
    }
    assert!(checked > 5_000, "only {checked} branches");
}

/// Checks one operation over all its numbers and rounding modes.
fn check_float(bench: &mut Bench, op: Op, ty: Type, from: Type) -> u64 {
    let is_int = matches!(op, Op::SToF | Op::UToF);
    let values = if is_int { edges(from) } else { numbers(from) };
    let run = Memory::Float { op, ty }.handler();
    let operands = op
        .shape()
        .args
        .iter()
        .filter(|kind| **kind != vm_ir::ops::Kind::I8)
        .count();
    let rounded = op.shape().args.len() > operands;
    let fourth = if operands == 3 { PLACES[4] } else { 67 };
    let imm = from as u64 | (FLAGS as u64) << 8 | u64::from(fourth) << 24;
    let mut checked = 0;
    for (i, x) in values.iter().enumerate() {
        for (j, y) in values.iter().enumerate() {
            if operands == 1 && j > 4 {
                continue;
            }
            let mut args = [*x, *y, values[(i * 7 + j) % values.len()], 0];
            if rounded {
                args[operands] = ((i + j) % 5) as u64;
            }
            let sticky = Flags(if j % 2 == 0 { 1 } else { 0 });
            let wanted = eval_float(op, ty, from, args, RISCV, sticky).expect("it is a float");
            let mut given = args;
            for value in &mut given[..operands] {
                *value = dirty(*value, from, 3);
            }
            bench.words()[FLAGS] = u64::from(sticky.0) | 0x100;
            let found = bench.result(run, given, imm);
            let result = op.result().of(ty).expect("it has a result").mask();
            assert_eq!(
                found,
                wanted.bits & result,
                "{op:?} {ty:?} {from:?} {args:x?}"
            );
            let flags = u64::from(sticky.0 | wanted.flags.0) | 0x100;
            assert_eq!(
                bench.words()[FLAGS],
                flags,
                "{op:?} {ty:?} {from:?} {args:x?}"
            );
            checked += 1;
        }
    }
    checked
}

#[test]
fn floating_point_operations_mean_what_the_table_says() {
    let mut bench = Bench::new();
    let mut checked = 0;
    for case in float_cases() {
        checked += check_float(&mut bench, case.op, case.ty, case.from);
    }
    assert!(checked > 20_000, "only {checked} results");
}
