//! Runs the samples on both sides and compares what came of them.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;

use vm_frontend_x86_64::disassemble;
use vm_frontend_x86_64::isa::{FlagSet, rows};

use super::native::Native;
use super::ours::Ours;
use super::sample::{EXCLUDED, Sample, sample};
use super::state::{DATA, Ended, INSN, NAMES, State};

/// The seed if the environment names none: what is found is found again.
const SEED: u64 = 0x0bad_cafe;
/// How many samples.
const COUNT: u64 = 100_000;
/// How many differences are shown.
const SHOWN: usize = 12;

fn number_of(name: &str, default: u64) -> u64 {
    let Ok(text) = env::var(name) else {
        return default;
    };
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

/// The flags of a sample that are not compared.
fn undefined(sample: &Sample) -> u64 {
    let insn = &sample.insn;
    let undefined = sample.row.undefined;
    let mut flags = undefined.always;
    let bits = 8 * match insn.op0_kind() {
        iced_x86::OpKind::Register => insn.op0_register().size(),
        _ => insn.memory_size().size(),
    } as u64;
    let mask = if bits == 64 { 63 } else { 31 };
    let last = insn.op_count().saturating_sub(1);
    let count = insn.try_immediate(last).unwrap_or(sample.state.general[1]) & mask;
    // A count of zero leaves all flags alone.
    if count == 0 && undefined.unless_one != FlagSet::NONE {
        return 0;
    }
    if count != 1 {
        flags = flags.and(undefined.unless_one);
    }
    if count >= bits {
        flags = flags.and(undefined.beyond);
    }
    u64::from(flags.0)
}

/// Whether it is a CMPS or SCAS.
fn compares_strings(sample: &Sample) -> bool {
    let name = format!("{:?}", sample.insn.mnemonic());
    sample.insn.is_string_instruction() && (name.starts_with("Cmps") || name.starts_with("Scas"))
}

/// What differs; nothing if all is well.
fn difference(sample: &Sample, judge: (Ended, &State), ours: (Ended, &State)) -> String {
    let mut text = String::new();
    if judge.0 != ours.0 {
        let _ = write!(text, " ended {:?} not {:?}", ours.0, judge.0);
        return text;
    }
    let (judge, ours, before) = (judge.1, ours.1, &sample.state);
    let mut word = |name: &str, before: u64, judge: u64, ours: u64| {
        if judge != ours {
            let _ = write!(text, " {name}={ours:#x} not {judge:#x} (was {before:#x})");
        }
    };
    for (i, name) in NAMES.iter().enumerate() {
        word(name, before.general[i], judge.general[i], ours.general[i]);
    }
    word("rip", before.rip, judge.rip, ours.rip);
    // Between two comparisons of a REP, Intel's processors show the flags from before the first,
    // AMD's those of the last one; what the next instruction sees is the same.
    let goes_on = judge.rip == before.rip && ours.rip == before.rip;
    let mask = if goes_on && compares_strings(sample) {
        0
    } else {
        !undefined(sample)
    };
    word("flags", before.flags, judge.flags & mask, ours.flags & mask);
    if judge.data != ours.data {
        let bytes = judge.data.iter().zip(&ours.data);
        let differing = bytes.enumerate().filter(|(_, (judge, ours))| judge != ours);
        for (at, (judge, ours)) in differing.take(8) {
            let was = u64::from(before.data[at]);
            word(
                &format!("[{:#x}]", DATA + at as u64),
                was,
                (*judge).into(),
                (*ours).into(),
            );
        }
    }
    text
}

/// The line of a difference: what stands before the arrow is the state before.
fn report(number: u64, sample: &Sample, difference: &str) -> String {
    let text = disassemble(&sample.code, INSN).text;
    let bytes: String = sample
        .code
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut line = format!("{number}: {bytes}  {text}  |");
    for (name, value) in NAMES.iter().zip(sample.state.general) {
        let _ = write!(line, " {name}={value:#x}");
    }
    let _ = write!(line, " rflags={:#x} =>{difference}", sample.state.flags);
    line
}

/// The judge; `None` if this system does not permit to trace.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn judge() -> Option<Native> {
    match Native::new() {
        Ok(native) => Some(native),
        Err(error) => {
            assert!(
                env::var_os("CI").is_none(),
                "the judge is needed here: {error}"
            );
            eprintln!("skipped: the host's processor can not be asked: {error}");
            None
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the seed is a part of the result")]
fn random_instructions_agree_with_the_host() {
    let Some(mut native) = judge() else { return };
    let mut ours = Ours::new();
    let seed = number_of("VM_DIFFER_SEED", SEED);
    let first = number_of("VM_DIFFER_FIRST", 0);
    let count = number_of("VM_DIFFER_COUNT", COUNT);
    eprintln!("VM_DIFFER_SEED={seed:#x} VM_DIFFER_FIRST={first} VM_DIFFER_COUNT={count}");
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let (mut wrong, mut shown) = (BTreeMap::<String, u64>::new(), Vec::new());
    for number in first..first.saturating_add(count) {
        let sample = sample(seed, number);
        let name = format!("{:?}", sample.insn.mnemonic());
        let (mut a, mut b) = (sample.state.clone(), sample.state.clone());
        let judged = native
            .step(&sample.code, &mut a)
            .expect("the judge answers");
        let found = ours.step(&sample.code, &mut b);
        let difference = difference(&sample, (judged, &a), (found, &b));
        if !difference.is_empty() {
            let known = wrong.entry(name.clone()).or_default();
            *known += 1;
            if *known <= 2 {
                shown.push(report(number, &sample, &difference));
            }
        }
        *seen.entry(name).or_default() += 1;
    }
    shown.truncate(SHOWN);
    assert!(wrong.is_empty(), "{wrong:?}\n{}", shown.join("\n"));
    if count >= COUNT {
        for row in rows().filter(|row| row.meaning.is_some()) {
            let name = format!("{:?}", row.mnemonic);
            let enough = seen.get(&name).is_some_and(|count| *count >= 20);
            assert!(
                enough || EXCLUDED.contains(&row.mnemonic),
                "{name}: {seen:?}"
            );
        }
    }
}

/// The comparison itself: it sees one wrong bit anywhere, and only there where flags are open.
#[test]
fn differences_are_seen() {
    let good = sample(SEED, 0);
    let same = |ours: &State| difference(&good, (Ended::Done, &good.state), (Ended::Done, ours));
    assert_eq!(same(&good.state), "");
    let mut changed = good.state.clone();
    changed.data[77] ^= 1;
    assert!(
        same(&changed).contains("[0x1001004d]"),
        "{}",
        same(&changed)
    );
    changed = good.state.clone();
    changed.general[9] ^= 1 << 32;
    assert!(same(&changed).contains("r9="), "{}", same(&changed));
    let ended = difference(
        &good,
        (Ended::Done, &good.state),
        (Ended::Divide, &good.state),
    );
    assert!(ended.contains("ended Divide not Done"), "{ended}");
}
