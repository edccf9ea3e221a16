//! What `vm run` says of guests that come to nothing, in both kinds of time.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

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

/// Runs a bare program to its end: exit code, verdict, guest time.
fn end_of(words: &[u32], text: &str, more: &str) -> (Option<i32>, String, u64) {
    let folder = TempDir::new().expect("a folder");
    let program = folder.path().join("program");
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(text.as_bytes());
    bytes.push(0);
    fs::write(&program, bytes).expect("a program");
    let output = Command::new(env!("CARGO_BIN_EXE_vm"))
        .args(["run", "--firmware", "none", "-m", "16M", "--json", "-k"])
        .arg(&program)
        .args(more.split_whitespace())
        .stdin(Stdio::null())
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
