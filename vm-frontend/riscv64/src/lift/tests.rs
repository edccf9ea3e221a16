//! What instructions do, as lines: text, state before, state after.
//!
//! A state is a list of `name=value`: registers, slots, `[address]=` for eight bytes of memory.
//! After may also stand `pc=` (if not the next instruction), `trap=cause:value`,
//! `call=helper(operands)`, `fence=order`, `fresh` (the block ends because the mode may have
//! changed) and `leave` (the same, and a helper has set the program counter).
//! Whatever is not named must be as before.

mod atomics;
mod blocks;
mod compressed;
mod floats;
mod integers;
mod run;
mod system;

use run::Hart;
use vm_ir::{Builder, Lifted};

use crate::slots::{Mode, slot_table};
use crate::{assemble, lift};

/// Where the instruction stands.
const PC: u64 = 0x8000_0000;

/// Machine mode, floating point on and dirty, cache blocks permitted.
const MACHINE: u64 = 3 | 1 << 3 | 0b1111 << 7;

fn number(text: &str) -> u64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(&hex.replace('_', ""), 16),
        None => digits.parse(),
    };
    let value = value.unwrap_or_else(|_| panic!("{text} is no number"));
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

fn slot(name: &str) -> usize {
    let names = crate::isa::text::X_NAMES;
    if let Some(n) = names.iter().position(|n| *n == name) {
        return n;
    }
    let table = slot_table();
    let f = crate::isa::text::F_NAMES.iter().position(|n| *n == name);
    let name = f.map_or(name.to_owned(), |n| format!("f{n}"));
    table
        .iter()
        .position(|slot| slot.name == name)
        .unwrap_or_else(|| panic!("{name} is no slot"))
}

/// Puts a state into a hart; what concerns the end of the block too.
fn put(hart: &mut Hart, state: &str) {
    for item in state.split_whitespace() {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        if let Some(addr) = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            hart.outside.write(number(addr), 8, number(value));
            continue;
        }
        match name {
            "pc" => hart.pc = Some(number(value)),
            "fresh" => hart.fresh = true,
            "fence" => hart.fences.push(number(value)),
            "trap" => {
                let (cause, value) = value.split_once(':').expect("cause:value");
                hart.trap = Some((number(cause) as u32, number(value)));
                hart.pc = None;
            }
            "call" => {
                let (helper, args) = value.trim_end_matches(')').split_once('(').expect("a call");
                let mut words = [0; 4];
                let args = args.split(',').filter(|arg| !arg.is_empty());
                for (word, arg) in words.iter_mut().zip(args) {
                    *word = number(arg);
                }
                hart.outside.calls.push((number(helper) as u32, words));
            }
            // The helpers here do not set the program counter.
            "leave" => (hart.pc, hart.fresh) = (Some(0), true),
            _ => hart.slots[slot(name)] = number(value),
        }
    }
}

/// Checks the instructions of `text` (separated by semicolons) in a mode.
fn check_in(mode: u64, text: &str, before: &str, after: &str) {
    let mut code = Vec::new();
    for one in text.split(';').map(str::trim) {
        let raw = one
            .strip_prefix(".word ")
            .map(|word| (number(word) as u32, 4));
        let raw = raw.or_else(|| one.strip_prefix(".half ").map(|w| (number(w) as u32, 2)));
        let pc = PC + code.len() as u64;
        let (insn, bytes) = raw
            .or_else(|| assemble(one, pc))
            .unwrap_or_else(|| panic!("{one}?"));
        code.extend_from_slice(&insn.to_le_bytes()[..bytes]);
    }
    let mut builder = Builder::new();
    assert_eq!(
        lift(&code, Mode(mode).0, 64, &mut builder),
        Lifted::Done,
        "{text}"
    );
    let (mut hart, mut expect) = (Hart::new(), Hart::new());
    put(&mut hart, before);
    expect.pc = Some(PC + u64::from(builder.block().bytes));
    for state in [before, after] {
        put(&mut expect, state);
    }
    hart.run(builder.block(), PC);
    for (i, info) in slot_table().iter().enumerate() {
        // What is reserved shows in what conditional stores do.
        if info.name.starts_with("reservation") {
            continue;
        }
        let (got, want) = (hart.slots[i], expect.slots[i]);
        assert_eq!(
            got, want,
            "{text}: {before}: {} is {got:#x}, not {want:#x}",
            info.name
        );
    }
    assert_eq!(
        hart.outside, expect.outside,
        "{text}: {before}: memory and calls"
    );
    assert_eq!(hart.trap, expect.trap, "{text}: {before}: trap");
    assert_eq!(hart.pc, expect.pc, "{text}: {before}: pc");
    assert_eq!(hart.fresh, expect.fresh, "{text}: {before}: fresh");
    assert_eq!(hart.fences, expect.fences, "{text}: {before}: fences");
}

fn check(text: &str, before: &str, after: &str) {
    check_in(MACHINE, text, before, after);
}
