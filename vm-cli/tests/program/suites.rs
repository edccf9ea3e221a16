//! `vm test`: the project's own suites pass, and a suite that must not pass gets its verdict.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tests_xtask::images::need;

use crate::vm::program;

/// `j .`
const HERE: u32 = 0x0000_006f;
/// `wfi`, and `j` to it
const WAIT: [u32; 2] = [0x1050_0073, 0xffdf_f06f];
/// Writes 0x002a_3333 to the finisher: the end with number 42.
#[rustfmt::skip] // One instruction a line.
const FAIL: [u32; 4] = [
    0x0010_02b7, // lui t0, 0x100
    0x002a_3337, // lui t1, 0x2a3
    0x3333_0313, // addi t1, t1, 0x333
    0x0062_a023, // sw t1, 0(t0)
];
/// Jumps to 0, where nothing is and no handler either.
const LOST: [u32; 1] = [0x0000_0067];

fn vm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vm"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program starts")
}

/// The folder of the suites of this project.
fn boots(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/boot")
        .join(name)
}

/// A suite in a folder of its own, with the bare programs beside it.
struct Bench(TempDir);

impl Bench {
    fn new(suite: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (name, words) in [
            ("here", &[HERE][..]),
            ("wait", &WAIT),
            ("fail", &FAIL),
            ("lost", &LOST),
        ] {
            fs::write(folder.path().join(name), program(words)).expect("a program");
        }
        fs::write(folder.path().join("s.boot.toml"), suite).expect("a suite");
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = vm(&["test", "s.boot.toml", "--no-fail-fast", "-j", "2"]);
        command.args(arguments).current_dir(self.0.path());
        command
    }
}

/// The JSON lines of the tests, and of the summary.
fn json(output: &Output) -> (Vec<Value>, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(serde_json::from_str);
    let mut lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("JSON lines");
    let summary = lines.pop().expect("a summary");
    assert_eq!(summary["type"], "summary", "{text}");
    (lines, summary)
}

/// A bare program, by its steps.
fn bare(name: &str, program: &str, more: &str, steps: &str) -> String {
    format!(
        "[[test]]\nname = \"{name}\"\nkernel = \"{program}\"\nfirmware = \"none\"\n\
         memory = \"16M\"\n{more}\nsteps = [{steps}]\n"
    )
}

/// The demo, by its steps.
fn demo(name: &str, more: &str, steps: &str) -> String {
    format!("[[test]]\nname = \"{name}\"\n{more}\nsteps = [{steps}]\n")
}

const PROMPT: &str = "{ wait = 'vm> ' }";

/// Every verdict that a guest can earn: suite, verdict, words of the detail.
#[rustfmt::skip] // A table: one test a line.
fn verdicts() -> Vec<(String, &'static str, &'static str)> {
    let typed = |line: &str, then: &str| format!("{PROMPT}, {{ send = '{line}' }}, {then}");
    vec![
        (demo("pass", "", PROMPT), "pass", ""),
        (demo("poweroff too soon", "", &typed("off", "{ wait = 'never' }")), "fail", "the guest powered off, while the test waited for \"never\""),
        (demo("other end", "", &typed("off", "{ expect_end = 'reset' }")), "fail", "wanted a restart"),
        (demo("reset for poweroff", "", &typed("reboot", "{ expect_end = 'poweroff', timeout = '1ms' }")), "timeout", "timed out waiting for the guest's end"),
        (demo("expectation", "", &format!("{PROMPT}, {{ expect = 'never said' }}")), "fail", "has not printed \"never said\""),
        (demo("forbidden", "forbid = ['harts']", &typed("cpu", "{ wait = 'vm> ' }")), "fail", "forbidden: harts"),
        (demo("forbidden by expression", "forbid = [{ regex = '^har.s +\\d' }]", &typed("cpu", "{ wait = 'vm> ' }")), "fail", "forbidden: ^har"),
        (demo("panic", "", &typed("panic", "{ wait = 'never' }")), "panic", "Kernel panic - not syncing: demo asked for it"),
        (demo("panic behind the last step", "", &typed("panic", "{ wait = 'Kernel panic - not syncing' }")), "panic", "panicked"),
        (demo("panic for poweroff", "", &typed("panic", "{ expect_end = 'poweroff' }")), "panic", "while the test wanted a power-off"),
        (demo("panic wanted", "", &typed("panic", "{ expect_end = 'panic' }")), "pass", ""),
        (demo("idle", "", &format!("{PROMPT}, {{ wait = 'never' }}")), "timeout", "guest time 60.000 s: timed out waiting for \"never\""),
        (bare("dead idle", "wait", "", "{ wait = 'x' }"), "hang", "every CPU waits"),
        (bare("dead idle, typed at", "wait", "", "{ send = 'x' }, { wait = 'x' }"), "hang", "every CPU waits"),
        (bare("dead idle wanted", "wait", "cpus = 2", "{ expect_end = 'hang' }"), "pass", ""),
        (bare("circles with a watchdog", "here", "watchdog = '5ms'", "{ wait = 'x' }"), "hang", "watchdog"),
        (bare("circles", "here", "timeout = '20ms'", "{ wait = 'x' }"), "timeout", "guest time 0.020 s"),
        (bare("circles in a step", "here", "", "{ wait = 'x', timeout = '7ms' }"), "timeout", "guest time 0.007 s"),
        (bare("circles with a limit", "here", "limit-insns = 100000", "{ wait = 'x' }"), "timeout", "instruction limit"),
        (bare("traps for ever", "lost", "", "{ wait = 'x' }"), "hang", "does nothing but trap"),
        (bare("number", "fail", "", "{ expect_end = 42 }"), "pass", ""),
        (bare("other number", "fail", "", "{ expect_end = 41 }"), "fail", "failed with number 42"),
        (bare("number for poweroff", "fail", "", "{ expect_end = 'poweroff' }"), "fail", "failed with number 42"),
        (bare("no kernel", "nowhere", "", "{ wait = 'x' }"), "error", "VM0010"),
        (bare("no folder", "here", "serve = 'nowhere'", "{ wait = 'x' }"), "error", "VM0110"),
        (bare("no disk", "here", "drive = ['nowhere']", "{ wait = 'x' }"), "error", "VM0010"),
    ]
}

#[test]
fn every_test_gets_its_verdict_twice_and_in_the_same_state() {
    let table = verdicts();
    let suite: String = table.iter().map(|(test, ..)| test.as_str()).collect();
    let bench = Bench::new(&suite);
    let output = run(&mut bench.command(&["--json", "--repeat", "2"]));
    let (tests, summary) = json(&output);
    assert_eq!(tests.len(), 2 * table.len());
    for (test, verdict, words) in &table {
        let name = test.split('"').nth(1).expect("a name");
        let rounds: Vec<&Value> = tests
            .iter()
            .filter(|row| row["name"] == format!("s::{name}"))
            .collect();
        let [first, second] = rounds[..] else {
            panic!("two runs of {name}: {rounds:?}");
        };
        for row in [first, second] {
            assert_eq!(row["verdict"], *verdict, "{name}: {row:#}");
            let detail = row["detail"].as_str().expect("a text");
            assert!(detail.contains(words), "{name}: {detail}");
        }
        for key in ["state_hash", "guest_ns", "instructions", "last"] {
            assert_eq!(first[key], second[key], "{name}: {key}");
        }
        assert_eq!(first["state_hash"].is_null(), *verdict == "error", "{name}");
    }
    for kind in ["pass", "fail", "panic", "hang", "timeout", "error"] {
        let rows = table.iter().filter(|(_, verdict, _)| *verdict == kind);
        let key = if kind == "pass" { "passed" } else { kind };
        if kind != "fail" {
            assert_eq!(summary[key], 2 * rows.count(), "{summary}");
        }
    }
    assert_eq!(output.status.code(), Some(1));
}

/// A suite's exit code.
fn exit(suite: &str, arguments: &[&str]) -> Option<i32> {
    let output = run(&mut Bench::new(suite).command(arguments));
    output.status.code()
}

#[test]
fn exit_codes_tell_the_verdicts_apart() {
    let pass = demo("pass", "", PROMPT);
    let fail = demo("fail", "", "{ wait = 'never' }");
    let wrong = demo("wrong", "kernel = 'nowhere'", PROMPT);
    assert_eq!(exit(&pass, &[]), Some(0));
    assert_eq!(exit(&format!("{pass}{fail}"), &[]), Some(1));
    assert_eq!(exit(&format!("{pass}{wrong}"), &[]), Some(2));
    assert_eq!(exit(&format!("{fail}{wrong}"), &[]), Some(1));
    assert_eq!(exit(&pass, &["--filter", "nothing like that"]), Some(2));
    assert_eq!(exit("[[test]]\n", &[]), Some(2));
    assert_eq!(exit("", &[]), Some(2));
}

#[test]
fn trouble_of_the_host_is_no_failure_of_the_guest() {
    let suite = demo("pass", "memory = '4G'", PROMPT) + &demo("fits", "", PROMPT);
    let bench = Bench::new(&suite);
    // So little address space that the first guest's memory is refused.
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg("ulimit -v 2000000; exec \"$0\" test s.boot.toml --json --no-fail-fast -j 1")
        .arg(env!("CARGO_BIN_EXE_vm"))
        .current_dir(bench.0.path())
        .stdin(Stdio::null());
    let output = run(&mut limited);
    let (tests, summary) = json(&output);
    let verdicts: Vec<&Value> = tests.iter().map(|test| &test["verdict"]).collect();
    assert_eq!(verdicts, ["infra", "pass"], "{tests:#?}");
    assert_eq!(
        (&summary["failed"], &summary["infra"]),
        (&0.into(), &1.into())
    );
    assert_eq!(output.status.code(), Some(75));

    // A process that a signal takes away: no disk of that size may be made.
    let suite = demo("disk", "drive = [{ empty = '16M' }]", PROMPT);
    let bench = Bench::new(&suite);
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg("ulimit -f 100; exec \"$0\" test s.boot.toml --json")
        .arg(env!("CARGO_BIN_EXE_vm"))
        .current_dir(bench.0.path())
        .stdin(Stdio::null());
    let output = run(&mut limited);
    let (tests, _) = json(&output);
    assert_eq!(tests[0]["verdict"], "infra", "{tests:#?}");
    assert_eq!(output.status.code(), Some(75));

    // No folder for disks at all.
    let output = run(bench.command(&[]).env("TMPDIR", "/nowhere"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error[VM0100]"), "{said}");
    assert_eq!(output.status.code(), Some(75));
}

#[test]
fn a_failed_test_says_what_happened_and_how_to_see_it_again() {
    let bench = Bench::new(&demo(
        "it's off",
        "seed = 3",
        &format!("{PROMPT}, {{ wait = 'x\\n' }}"),
    ));
    let output = run(&mut bench.command(&[]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "    Starting 1 test of 1 file, 1 at a time\n",
        "        FAIL [",
        "] s::it's off  timeout\n",
        "     verdict  guest time 60.000 s: timed out waiting for",
        "          at  s.boot.toml:4:29\n",
        "              | vm> \n",
        " seed 3\n",
        "      repeat  vm test s.boot.toml --filter 's::it'\\''s off' --seed 3\n",
        " 1 run: 0 passed, 1 failed (1 timeout)",
    ] {
        assert!(said.contains(words), "no {words:?} in:\n{said}");
    }
    // The command does repeat it.
    let line = said.lines().find_map(|line| line.split_once("repeat  vm "));
    let mut again = Command::new("sh");
    let script = format!("\"$0\" {}", line.expect("a command").1);
    again
        .args(["-c", &script, env!("CARGO_BIN_EXE_vm")])
        .current_dir(bench.0.path());
    let again = String::from_utf8_lossy(&run(&mut again).stdout).into_owned();
    let state = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("       state"));
        line.expect("a state").to_owned()
    };
    assert_eq!(state(&again), state(&said));
}

#[test]
fn the_first_failure_ends_it_unless_told_otherwise() {
    let suite: String = (0..4)
        .map(|n| demo(&format!("t{n}"), "", "{ wait = 'never' }"))
        .collect();
    let bench = Bench::new(&suite);
    let mut command = vm(&["test", "s.boot.toml", "-j", "1", "--json"]);
    let (tests, summary) = json(&run(command.current_dir(bench.0.path())));
    assert_eq!((tests.len(), &summary["not_run"]), (1, &3.into()));
    let (tests, _) = json(&run(&mut bench.command(&["--json"])));
    assert_eq!(tests.len(), 4);
}

#[test]
fn junit_has_every_test_with_its_verdict() {
    let suite = demo("p <&> q", "", PROMPT) + &demo("f", "", "{ wait = 'never' }");
    let suite = suite + &demo("e", "kernel = 'nowhere'", PROMPT);
    let bench = Bench::new(&suite);
    let _ = run(&mut bench.command(&["--junit", "out.xml"]));
    let xml = fs::read_to_string(bench.0.path().join("out.xml")).expect("the report");
    for words in [
        "<testsuites name=\"vm test\" tests=\"3\" failures=\"1\" errors=\"1\"",
        "<testcase name=\"p &lt;&amp;&gt; q\" classname=\"s\"",
        "<failure type=\"timeout\" message=\"guest time 60.000 s",
        "<error type=\"error\" message=\"[VM0010]",
        "<property name=\"state_hash\" value=\"0x",
    ] {
        assert!(xml.contains(words), "no {words:?} in:\n{xml}");
    }
    for (open, close) in [
        ("<testcase ", "</testcase>"),
        ("<testsuite ", "</testsuite>"),
    ] {
        assert_eq!(
            xml.matches(open).count(),
            xml.matches(close).count(),
            "{xml}"
        );
    }
}

#[test]
fn names_are_listed_and_chosen() {
    let suite = demo("one", "", PROMPT) + &demo("one more", "", PROMPT);
    let bench = Bench::new(&suite);
    for (filter, want) in [
        (None, "s::one\ns::one more\n"),
        (Some("more"), "s::one more\n"),
        (Some("s::one"), "s::one\n"),
        (Some("s::"), "s::one\ns::one more\n"),
    ] {
        let mut command = bench.command(&["--list"]);
        if let Some(filter) = filter {
            command.args(["--filter", filter]);
        }
        let output = run(&mut command);
        assert_eq!(String::from_utf8_lossy(&output.stdout), want, "{filter:?}");
    }
}

#[test]
fn an_interrupt_ends_the_tests_and_leaves_nothing_behind() {
    let suite = bare("circles", "here", "timeout = '10h'", "{ wait = 'x' }");
    let bench = Bench::new(&(suite + &demo("fast", "", PROMPT)));
    let scratch = TempDir::new().expect("a folder");
    let mut child = bench
        .command(&["--json"])
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // One test is over, so the other one is at work.
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains("s::fast"), "{first}");
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    let rest: Vec<String> = lines.map(|line| line.expect("text")).collect();
    assert!(rest[0].contains("\"interrupted\""), "{rest:?}");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    let left = fs::read_dir(scratch.path()).expect("the folder").count();
    assert_eq!(left, 0, "files are left over");
}

/// Every test of a suite passes, twice and in the same state if it is repeatable.
fn suite_passes(name: &str, tests: usize) {
    let path = boots("suite").join(format!("{name}.boot.toml"));
    let output = run(&mut vm(&[
        "test",
        "--json",
        "--no-fail-fast",
        "--repeat",
        "2",
        &path.display().to_string(),
    ]));
    let (rows, summary) = json(&output);
    let bad = rows.iter().filter(|row| row["verdict"] != "pass");
    let bad: Vec<&Value> = bad.collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(rows.len() >= 2 * tests, "{summary}");
    assert_eq!(output.status.code(), Some(0), "{summary}");
}

#[test]
fn the_suite_of_the_demo_passes() {
    suite_passes("demo", 6);
}

#[test]
fn the_suite_of_bare_programs_passes() {
    suite_passes("bare", 2);
}

/// Suites that boot the stock kernel.
fn linux_suite_passes(name: &str, tests: usize) {
    let images = ["kernel", "initrd-ready.cpio.gz", "opensbi.bin"];
    let there = images.map(|image| need(&format!("riscv64/{image}")));
    if there.iter().all(Option::is_some) {
        suite_passes(name, tests);
    }
}

#[test]
fn the_suite_of_the_kernel_passes() {
    linux_suite_passes("kernel", 6);
}

#[test]
fn the_suite_of_the_shell_passes() {
    linux_suite_passes("shell", 8);
}

#[test]
fn the_suite_of_the_network_passes() {
    linux_suite_passes("network", 2);
}

#[test]
fn the_suite_of_disks_passes() {
    linux_suite_passes("disk", 4);
    let disk = fs::read(boots("suite/disk.img")).expect("the disk");
    assert_eq!(disk, [b'r'; 4096], "a test has written to it");
}
