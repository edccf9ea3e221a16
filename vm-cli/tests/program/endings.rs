//! What `vm run` says of guests that come to nothing, in both kinds of time.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::vm;

/// `j .`
const HERE: &[u32] = &[0x0000_006f];
/// `wfi`, and `j` to it
const WAIT: &[u32] = &[0x1050_0073, 0xffdf_f06f];
/// Prints what stands behind the program, and goes in circles.
#[rustfmt::skip] // One instruction a line.
const SAYS: &[u32] = &[
    0x1000_02b7, // lui t0, 0x10000
    0x0000_0317, // auipc t1, 0
    0x0203_0313, // addi t1, t1, text
    0x0003_4383, // next: lbu t2, 0(t1)
    0x0003_8863, // beqz t2, end
    0x0072_8023, // sb t2, 0(t0)
    0x0013_0313, // addi t1, t1, 1
    0xff1f_f06f, // j next
    0x0000_006f, // end: j .
];

/// Looks for the panic device, puts it to 0x4000_0000, tells it something, and powers off.
#[rustfmt::skip] // One instruction a line.
const TELLS: &[u32] = &[
    0x300f_8437, // lui s0, 0x300f8
    0x4000_0337, // lui t1, 0x40000
    0x0064_2823, // sw t1, 16(s0)
    0x0020_0293, // li t0, 2
    0x0054_1223, // sh t0, 4(s0)
    0x0003_4383, // lbu t2, 0(t1)
    0x0070_0e13, // li t3, 7
    0x01c3_9e63, // bne t2, t3, other
    0x0000_0e13, // li t3, what it is told
    0x01c3_0023, // sb t3, 0(t1)
    0x0010_0eb7, // lui t4, 0x100
    0x0000_5f37, // lui t5, 5
    0x555f_0f1b, // addiw t5, t5, 0x555
    0x01ee_a023, // sw t5, 0(t4)
    0x0000_006f, // other: j .
];

/// A bare program with a text behind it, in a file of the folder.
fn program(folder: &TempDir, words: &[u32], text: &str) -> PathBuf {
    let path = folder.path().join("program");
    let mut bytes = vm::program(words);
    bytes.extend(text.as_bytes());
    bytes.push(0);
    fs::write(&path, bytes).expect("a program");
    path
}

fn run(program: PathBuf) -> Command {
    let mut command = vm::vm("run --firmware none -m 16M -k");
    command.arg(program);
    command
}

/// Runs a bare program to its end: exit code, verdict, guest time.
fn end_of(words: &[u32], text: &str, more: &str) -> (Option<i32>, String, u64) {
    let folder = TempDir::new().expect("a folder");
    let output = run(program(&folder, words, text))
        .arg("--json")
        .args(more.split_whitespace())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let ending: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let verdict = ending["verdict"].as_str().expect("a word").to_owned();
    let guest_ns = ending["guest_ns"].as_u64().expect("a number");
    (output.status.code(), verdict, guest_ns)
}

fn check(words: &[u32], text: &str, more: &str, exit: i32, verdict: &str) -> u64 {
    let (code, found, guest_ns) = end_of(words, text, more);
    assert_eq!(
        (code, found.as_str()),
        (Some(exit), verdict),
        "{more} {text:?}"
    );
    guest_ns
}

#[test]
fn a_guest_that_waits_for_nothing_hangs() {
    for more in ["", "--time virtual", "--cpus 3", "--time virtual --cpus 3"] {
        let guest_ns = check(WAIT, "", more, 135, "hung");
        assert!(
            !more.contains("virtual") || guest_ns < 1000,
            "{guest_ns} ns"
        );
    }
}

#[test]
fn the_watchdog_ends_a_guest_that_goes_in_circles() {
    check(HERE, "", "--watchdog 20ms", 135, "hung");
    let guest_ns = check(HERE, "", "--time virtual --watchdog 20ms", 135, "hung");
    assert!(
        (20_000_000..20_100_000).contains(&guest_ns),
        "{guest_ns} ns"
    );
}

#[test]
fn a_kernel_that_panics_and_goes_in_circles_has_panicked() {
    let report = "Kernel panic - not syncing: x\n";
    let whole = format!("{report}---[ end Kernel panic - not syncing: x ]---\n");
    let limit = "--time virtual --limit-insns 3000000000";
    let guest_ns = check(SAYS, report, limit, 134, "panicked");
    assert!(
        (1_000_000_000..1_001_000_000).contains(&guest_ns),
        "{guest_ns} ns"
    );
    let guest_ns = check(SAYS, &whole, limit, 134, "panicked");
    assert!(guest_ns < 1_000_000, "{guest_ns} ns");
    // What a program may say too needs the guest's end beside it.
    let talk = "panic: x\n";
    check(
        SAYS,
        talk,
        "--time virtual --limit-insns 1000000",
        124,
        "limit",
    );
    check(SAYS, talk, "--time virtual --watchdog 1ms", 134, "panicked");
    // Who wants the guest to restart by itself waits for it.
    let patient = "--time virtual --limit-insns 2000000 --reboot";
    check(SAYS, &whole, patient, 124, "limit");
}

#[test]
fn a_guest_that_tells_the_panic_device_has_panicked() {
    let told_at = TELLS
        .iter()
        .position(|word| *word == 0x0000_0e13)
        .expect("a place");
    for (event, exit, verdict) in [
        (0, 0, "power-off"),
        (1, 134, "panicked"),
        // Another kernel saves what it can; that it then powers off does not make it good.
        (2, 134, "panicked"),
        (4, 0, "power-off"),
        (8, 0, "power-off"),
    ] {
        let mut words = TELLS.to_vec();
        words[told_at] |= event << 20;
        for more in ["", "--time virtual", "--reboot"] {
            let more = format!("{more} --limit-insns 1000000");
            check(&words, "", &more, exit, verdict);
        }
    }
}

#[test]
fn a_signal_ends_a_run_without_a_terminal_and_is_told_of() {
    let folder = TempDir::new().expect("a folder");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for more in ["--time host", "--time virtual", "--json"] {
            let mut child = run(program(&folder, SAYS, "here I am\n"))
                .args(more.split(' '))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program starts");
            let mut first = [0];
            let (out, err) = (child.stdout.as_mut(), child.stderr.as_mut());
            let shown: &mut dyn Read = match (more, out, err) {
                ("--json", _, Some(err)) => err,
                (_, Some(out), _) => out,
                _ => unreachable!("both are piped"),
            };
            // The guest runs, so signals are handled.
            shown.read_exact(&mut first).expect("the guest prints");
            assert_eq!(first, *b"h");
            kill_process(Pid::from_child(&child), signal).expect("it runs");
            let output = child.wait_with_output().expect("it ends");
            assert_eq!(output.status.code(), Some(130), "{signal:?} {more}");
            let said = if more == "--json" {
                let ending: serde_json::Value =
                    serde_json::from_slice(&output.stdout).expect("JSON");
                ending["detail"].to_string()
            } else {
                String::from_utf8_lossy(&output.stderr).into_owned()
            };
            assert!(said.contains("the run was interrupted"), "{more}: {said}");
        }
    }
}
