//! RISC-V64: random instructions against QEMU's user emulator.
//!
//! `VM_DIFFER_INSNS` says how many, `VM_DIFFER_SEED` from which seed.

#![expect(clippy::print_stdout, reason = "says how many instructions agreed")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tests_differ::riscv64::compare::{batch, check};
use tests_differ::riscv64::form::Form;

/// Instructions of an image, so that both sides start seldom and all processors have work.
const BATCH: usize = 80_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    let Some(value) = std::env::var_os(variable) else {
        return otherwise;
    };
    let value = value.to_string_lossy();
    value
        .parse()
        .unwrap_or_else(|_| panic!("{variable} is {value:?}, not a number"))
}

#[test]
fn random_instructions_agree_with_the_judge() {
    let Some(qemu) = tests_xtask::images::need("qemu/qemu-riscv64") else {
        return;
    };
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let insns = number(
        "VM_DIFFER_INSNS",
        if in_ci { 10_000_000 } else { 1_000_000 },
    );
    let seed = number("VM_DIFFER_SEED", 1);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let differences = Mutex::new(Vec::new());
    let forms = Form::all();
    let work = || {
        while done.load(Ordering::Relaxed) < insns && differences.lock().unwrap().len() < 5 {
            let seed = seed.wrapping_add(next.fetch_add(1, Ordering::Relaxed));
            let sequences = batch(seed, &forms, BATCH);
            let count: usize = sequences.iter().map(|sequence| sequence.items.len()).sum();
            done.fetch_add(count as u64, Ordering::Relaxed);
            let found = check(&qemu, &sequences).expect("both sides can be run");
            if let Some(text) = found {
                let text = format!("VM_DIFFER_SEED={seed} VM_DIFFER_INSNS=1\n{text}");
                differences.lock().unwrap().push(text);
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let differences = differences.into_inner().unwrap();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let done = done.into_inner();
    println!("{done} instructions agree, from seed {seed}");
    assert!(done >= insns);
}
