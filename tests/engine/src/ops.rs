//! Every operation means what the table says, in a loop of its own.
//!
//! A block does one operation and turns on itself. Each turn finds its operands in a record of
//! memory and leaves its result there, so that one run goes through many of them, by whatever the
//! engine has made of the loop.

use vm_core::{Exit, PAGE_BYTES, Section, Vcpu};
use vm_ir::float::RISCV;
use vm_ir::sample::HELPERS;
use vm_ir::sample::guest::{DATA, Kind, place};
use vm_ir::sample::ops::{Case, cases, choices, dirty, edges, float_cases, float_choices};
use vm_ir::verify::verify;
use vm_ir::{Block, Builder, MemArg, Op, SlotId, Type, Val};

use super::sampled::Sampled;

/// The length of a record.
const RECORD: u64 = 64;
/// What is in it: up to three operands, flags to begin with, what is left, a rounding mode.
const FLAGS: i32 = 24;
const RESULT: i32 = 32;
const CHOSEN: i32 = 40;
const MODE: i32 = 48;
/// How many records a run has; the last turn may look at one more.
const TURNS: usize = (PAGE_BYTES / RECORD) as usize - 1;

/// Where the record is, and where the last one ends.
const AT: SlotId = SlotId(0);
const END: SlotId = SlotId(1);
/// Where operands are that come from slots.
const OPERANDS: u16 = 2;

/// One record.
type Record = [u64; (RECORD / 8) as usize];

/// A machine, and where its records stand.
struct Machine {
    sampled: Sampled,
    data: u64,
}

impl Machine {
    fn new() -> Self {
        let mut pages = (0x10..).map(|page| page * PAGE_BYTES);
        let data = pages.find(|addr| Kind::of(*addr) == Kind::Plain);
        Self {
            sampled: Sampled::new(),
            data: data.expect("most pages are plain"),
        }
    }

    /// Runs a block over records, and has them as it leaves them.
    fn run(&mut self, block: &Block, slots: &[(SlotId, u64)], records: &mut [Record]) {
        let insns = u64::from(block.insns) * records.len() as u64;
        self.slice(slots, records, insns);
    }

    /// Runs so many instructions of the loop over records.
    fn slice(&mut self, slots: &[(SlotId, u64)], records: &mut [Record], insns: u64) {
        let words = records.iter().flatten();
        let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        self.sampled
            .ram
            .write(DATA, &bytes)
            .expect("the page is in RAM");
        let mut state = Section::new("cpu", 1);
        // Slices are told apart by where they begin.
        let retired = self.sampled.cpu.retired();
        state.u64("retired", retired);
        for (at, slot) in self.sampled.layout.slots.iter().enumerate() {
            let given = slots.iter().find(|(id, _)| usize::from(id.0) == at);
            let value = match at {
                0 => self.data,
                1 => self.data + RECORD * records.len() as u64,
                _ if at == usize::from(self.sampled.layout.pc.0) => place(0),
                _ => given.map_or(0, |(_, value)| *value),
            };
            state.u64(&slot.name, value);
        }
        let restored = self.sampled.cpu.restore(&state.fields());
        restored.expect("any state will do");
        assert_eq!(self.sampled.cpu.run(insns), Exit::Budget);
        assert_eq!(self.sampled.cpu.retired(), retired + insns);
        let mut bytes = vec![0; bytes.len()];
        self.sampled
            .ram
            .read(DATA, &mut bytes)
            .expect("the page is in RAM");
        let words = bytes.as_chunks::<8>().0;
        for (word, found) in records.iter_mut().flatten().zip(words) {
            *word = u64::from_le_bytes(*found);
        }
    }

    /// Places a block where it is run, and runs it until the engine has made of it what it will.
    fn put(&mut self, block: &Block) {
        let placed = self
            .sampled
            .guest
            .put(&self.sampled.ram, std::slice::from_ref(block));
        placed.expect("the place is in RAM");
        let before = self.made();
        for _ in 0..3 {
            // A slice that ends in the loop.
            self.slice(&[], &mut [[0; 8]; 3], u64::from(block.insns) + 1);
        }
        let made = self.made() - before;
        assert_eq!(
            made,
            u64::from(self.sampled.engine.tier_stats().is_some()),
            "the engine has made what it is to be asked for: {:?}",
            self.sampled.engine.tier_stats()
        );
    }

    /// How many pieces of code were made that the engine is to be asked for.
    fn made(&self) -> u64 {
        let Some(stats) = self.sampled.engine.tier_stats() else {
            return 0;
        };
        if super::REGIONS {
            stats.regions
        } else {
            stats.published + stats.templates
        }
    }
}

/// Where operands come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// From memory.
    Loaded,
    /// As the low bits of a word from memory.
    Low,
    /// From slots that the turn before has set.
    Carried,
    /// The first from memory, the others from slots that nobody sets.
    Kept,
    /// All are the first.
    Same,
    /// One is a constant.
    Fixed(usize),
}

/// An operand in a form.
fn operand<'a>(out: &'a Builder, at: Val<'a>, n: usize, ty: Type, form: Form) -> Val<'a> {
    let place = MemArg::plain(8 * n as i32);
    let slot = SlotId(OPERANDS + n as u16);
    match form {
        Form::Carried => out.get(ty, slot),
        Form::Kept if n > 0 => out.get(ty, slot),
        _ if ty == Type::I64 => out.load(ty, at, place),
        Form::Low => out.load(Type::I64, at, place).trunc(ty),
        // A truth value has no place in memory.
        _ if ty == Type::I1 => out.load(Type::I64, at, place).trunc(ty),
        _ => out.load(ty, at, place),
    }
}

fn wide(value: Val) -> Val {
    if value.ty == Type::I64 {
        value
    } else {
        value.zext(Type::I64)
    }
}

/// Goes to the next record, and turns unless that was the last.
fn turn(out: &Builder) {
    out.begin_insn(4);
    let at = out.get(Type::I64, AT);
    let next = at + out.imm(RECORD as i64);
    out.set(AT, next);
    let (offset, _) = out.insn();
    out.branch(next.ne(out.get(Type::I64, END)), -i64::from(offset));
}

/// The loop around an operation.
fn block(case: Case, form: Form, fixed: u64) -> Block {
    let builder = Builder::new();
    let out = &builder;
    out.begin_insn(4);
    let at = out.get(Type::I64, AT);
    let types = case.operands();
    let mut operands = Vec::new();
    for (n, ty) in types.iter().enumerate() {
        operands.push(if form == Form::Fixed(n) {
            out.constant(*ty, fixed)
        } else {
            operand(out, at, n, *ty, form)
        });
    }
    if form == Form::Same {
        operands = vec![operands[0]; operands.len()];
    }
    let ids: Vec<_> = operands.iter().map(|value| value.id).collect();
    let value = out.push(case.op, case.ty, &ids, case.imm);
    out.store(at, wide(value), MemArg::plain(RESULT));
    if value.ty == Type::I1 {
        let chosen = out.select(value, out.imm(-7), out.imm(99));
        out.store(at, chosen, MemArg::plain(CHOSEN));
    }
    if form == Form::Carried {
        let next = |n: usize| out.load(Type::I64, at, MemArg::plain(RECORD as i32 + 8 * n as i32));
        let next: Vec<_> = (0..types.len()).map(next).collect();
        for (n, value) in next.into_iter().enumerate() {
            out.set(SlotId(OPERANDS + n as u16), value);
        }
    }
    turn(out);
    builder.finish()
}

/// The values as records, with dirt above them.
fn records(types: &[Type], values: &[[u64; 3]]) -> Vec<Record> {
    let record = |(salt, values): (usize, &[u64; 3])| {
        let mut record = [0; 8];
        for (n, ty) in types.iter().enumerate().take(3) {
            record[n] = dirty(values[n], *ty, salt as u64 + 1);
        }
        record
    };
    values.iter().enumerate().map(record).collect()
}

/// Checks an operation in a form; how many results it compared.
fn check(machine: &mut Machine, case: Case, form: Form, fixed: u64, all: &[[u64; 3]]) -> usize {
    let block = block(case, form, fixed);
    // Not every operation is there in every width.
    if verify(&block, &machine.sampled.layout, HELPERS).is_err() {
        return 0;
    }
    machine.put(&block);
    let types = case.operands();
    // What stands in slots for a whole run is the same in it.
    let together = |a: &[u64; 3], b: &[u64; 3]| form != Form::Kept || a[1..] == b[1..];
    for group in all.chunk_by(together) {
        for values in group.chunks(TURNS) {
            let mut records = records(&types, values);
            let slots = (0..3).map(|n| (SlotId(OPERANDS + n as u16), records[0][n]));
            let slots: Vec<_> = slots.collect();
            machine.run(&block, &slots, &mut records);
            for (record, &[x, y, z]) in records.iter().zip(values) {
                let given = if form == Form::Same {
                    [x; 3]
                } else {
                    [x, y, z]
                };
                let wanted = case.wanted(given, place(0));
                let fact = format!("{case:?} {form:?} of {given:x?}");
                assert_eq!(record[RESULT as usize / 8], wanted, "{fact}");
                if case.result() == Type::I1 {
                    let chosen = if wanted == 1 { -7i64 as u64 } else { 99 };
                    assert_eq!(record[CHOSEN as usize / 8], chosen, "{fact}");
                }
            }
        }
    }
    all.len()
}

/// A few of many, among them the first and the last.
fn few<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let step = (all.len() - 1).div_ceil(most).max(1);
    let mut few: Vec<T> = all.iter().copied().step_by(step).collect();
    if !(all.len() - 1).is_multiple_of(step) {
        few.extend(all.last());
    }
    few
}

#[test]
fn operations_mean_what_the_table_says() {
    let mut machine = Machine::new();
    let mut checked = 0;
    for case in cases() {
        let types = case.operands();
        let mut values = choices(&types);
        // What a run has in slots comes one after the other.
        values.sort_unstable_by_key(|[x, y, z]| (*z, *y, *x));
        let fields = matches!(case.op, Op::Extract | Op::Deposit);
        let forms: &[Form] = match types.len() {
            0 => &[Form::Loaded],
            _ if fields => &[Form::Loaded, Form::Carried],
            1 => &[Form::Loaded, Form::Low, Form::Carried],
            _ => &[Form::Loaded, Form::Low, Form::Carried, Form::Kept],
        };
        let before = checked;
        for form in forms {
            checked += check(&mut machine, case, *form, 0, &values);
        }
        if case.ty >= Type::I32 {
            assert!(checked > before, "{case:?}");
        }
        if types.len() > 1 && types.iter().all(|ty| *ty == types[0]) {
            let same: Vec<_> = edges(types[0]).iter().map(|x| [*x; 3]).collect();
            checked += check(&mut machine, case, Form::Same, 0, &same);
        }
    }
    assert!(checked > 200_000, "only {checked} results");
}

#[test]
fn constant_operands_mean_the_same() {
    let mut machine = Machine::new();
    let mut checked = 0;
    for case in cases() {
        let types = case.operands();
        let fields = matches!(case.op, Op::Extract | Op::Deposit);
        for (at, ty) in types.iter().enumerate() {
            for number in few(&edges(*ty), if fields { 1 } else { 6 }) {
                let mut values = choices(&types);
                values.retain(|values| values[at] == number);
                let values = few(&values, 2 * TURNS);
                checked += check(&mut machine, case, Form::Fixed(at), number, &values);
            }
        }
    }
    assert!(checked > 50_000, "only {checked} results");
}

/// Where the rounding mode comes from, and whether each turn begins with flags of its own.
#[derive(Clone, Copy, Debug)]
struct Floats {
    mode: Option<u64>,
    fresh: bool,
}

/// The loop around a floating-point operation.
fn float_block(machine: &Machine, case: Case, form: Floats) -> Block {
    let builder = Builder::new();
    let out = &builder;
    let flags = machine.sampled.layout.fp_flags;
    if form.fresh {
        out.begin_insn(4);
        let at = out.get(Type::I64, AT);
        let begin = out.load(Type::I64, at, MemArg::plain(FLAGS));
        out.set(flags, begin);
    }
    out.begin_insn(4);
    let at = out.get(Type::I64, AT);
    let mut operands = Vec::new();
    let types = case.operands();
    let count = types.len() - usize::from(case.rounds());
    for (n, ty) in types[..count].iter().enumerate() {
        operands.push(operand(out, at, n, *ty, Form::Loaded));
    }
    if case.rounds() {
        operands.push(match form.mode {
            Some(mode) => out.constant(Type::I8, mode),
            None => out.load(Type::I8, at, MemArg::plain(MODE)),
        });
    }
    let ids: Vec<_> = operands.iter().map(|value| value.id).collect();
    let value = out.push(case.op, case.ty, &ids, 0);
    // Apart from the store, which might trap when something has been raised already.
    out.set(SlotId(OPERANDS), wide(value));
    out.begin_insn(4);
    let at = out.get(Type::I64, AT);
    out.store(
        at,
        out.get(Type::I64, SlotId(OPERANDS)),
        MemArg::plain(RESULT),
    );
    let raised = out.get(Type::I64, flags);
    out.store(at, raised, MemArg::plain(CHOSEN));
    turn(out);
    builder.finish()
}

/// Checks a floating-point operation; how many results it compared.
fn check_float(machine: &mut Machine, case: Case, form: Floats, all: &[[u64; 3]]) -> usize {
    let block = float_block(machine, case, form);
    assert_eq!(verify(&block, &machine.sampled.layout, HELPERS), Ok(()));
    machine.put(&block);
    let types = case.operands();
    for (run, values) in all.chunks(TURNS).enumerate() {
        let mut records = records(&types, values);
        for (n, record) in records.iter_mut().enumerate() {
            record[FLAGS as usize / 8] = [1, 0, 31, 3][n % 4];
            record[MODE as usize / 8] = [0, 1, 2, 3, 4, 0, 7, 0][(n + run) % 8];
        }
        let given = records.clone();
        let mut sticky = (run % 4) as u64;
        machine.run(
            &block,
            &[(machine.sampled.layout.fp_flags, sticky)],
            &mut records,
        );
        for (n, values) in values.iter().enumerate() {
            let mode = form.mode.unwrap_or(given[n][MODE as usize / 8]);
            let mut args = [values[0], values[1], values[2], 0];
            if case.rounds() {
                args[types.len() - 1] = mode;
            }
            let (wanted, raised) = case.wanted_float(args, RISCV);
            let fact = format!("{case:?} {form:?} of {args:x?}");
            assert_eq!(records[n][RESULT as usize / 8], wanted, "{fact}");
            let before = if form.fresh {
                given[n][FLAGS as usize / 8]
            } else {
                sticky
            };
            sticky = before | u64::from(raised.0);
            assert_eq!(records[n][CHOSEN as usize / 8], sticky, "{fact}: flags");
        }
    }
    all.len()
}

#[test]
fn floating_point_operations_mean_what_the_table_says() {
    let mut machine = Machine::new();
    let mut checked = 0;
    for case in float_cases() {
        let values = float_choices(case);
        let modes: &[Option<u64>] = if case.rounds() {
            &[Some(0), Some(1), Some(4), None]
        } else {
            &[None]
        };
        for mode in modes.iter().copied() {
            for fresh in [false, true] {
                let form = Floats { mode, fresh };
                checked += check_float(&mut machine, case, form, &values);
            }
        }
    }
    assert!(checked > 200_000, "only {checked} results");
}
