//! The demo through the command line, as a script would use it.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::vm::{hear, start, vm};

/// Runs a command line, types when the demo asks, and gives the exit code, what stood on the
/// stream of the console and what stood on the other one.
fn converse(arguments: &str, typed: &str) -> (Option<i32>, String, String) {
    let mut child = start(&mut vm(arguments));
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut out: Box<dyn Read> = Box::new(child.stdout.take().expect("a pipe"));
    let mut err: Box<dyn Read> = Box::new(child.stderr.take().expect("a pipe"));
    if arguments.contains("--json") {
        std::mem::swap(&mut out, &mut err);
    }
    let mut said = Vec::new();
    hear(&mut *out, &mut said, "vm> ");
    keyboard
        .write_all(typed.as_bytes())
        .expect("the input is taken");
    // The end of the input must not end the guest before it has obeyed.
    drop(keyboard);
    out.read_to_end(&mut said).expect("the rest");
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("the other stream");
    let code = child.wait().expect("the program ends").code();
    (code, String::from_utf8_lossy(&said).into_owned(), rest)
}

#[test]
fn the_demo_answers_and_powers_off() {
    let (code, said, _) = converse("run", "mem\roff\r");
    assert!(said.contains("RISC-V64 demo guest"), "{said}");
    assert!(said.contains("Bye."), "{said}");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn json_has_standard_output_for_itself() {
    let (_, said, out) = converse("run --json --seed 7", "off\r");
    let ending: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(ending["verdict"], "power-off");
    assert_eq!(ending["seed"], 7);
    assert!(said.contains("demo guest"), "{said}");
}

#[test]
fn virtual_time_gives_one_hash_a_seed() {
    let hash = |seed: u32| {
        let line = format!("run --time virtual --limit-insns 300000 --seed {seed}");
        let output = vm(&line).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(124));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find(|line| line.starts_with("state-hash 0x"));
        line.unwrap_or_else(|| panic!("no hash in: {said}"))
            .to_owned()
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1).split(' ').nth(1), hash(2).split(' ').nth(1));
}

#[test]
fn what_is_piped_in_beforehand_arrives_whole() {
    // More than the receiver holds, before the guest has executed anything; in either time.
    for arguments in ["run", "run --time virtual", "run --engine interp"] {
        for ending in ["\n", "\r"] {
            let mut child = vm(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            let mut pipe = child.stdin.take().expect("a pipe");
            let typed = ["cpu", "nobody knows this word", "off", ""].join(ending);
            pipe.write_all(typed.as_bytes())
                .expect("the input is taken");
            drop(pipe);
            let output = child.wait_with_output().expect("the program ends");
            let said = String::from_utf8_lossy(&output.stdout);
            for wanted in ["vm> cpu", "vm> nobody knows this word", "vm> off", "Bye."] {
                assert!(
                    said.contains(wanted),
                    "{arguments}: no {wanted:?} in {said}"
                );
            }
            assert_eq!(output.status.code(), Some(0), "{said}");
        }
    }
}
