//! What is said of guests that failed: for each way to fail the right function and registers, as
//! text and as JSON, and the same whatever runs the guest.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tests_xtask::images::need;
use vm_runtime::Symbols;

use crate::vm::{hear, program, start, vm};

/// The address of bare programs.
const BASE: u64 = 0x8000_0000;

/// A run: exit code, standard error, and JSON's report.
struct Told {
    code: Option<i32>,
    text: String,
    json: Value,
}

/// Runs a command line, typing when the demo asks: exit code, standard output, standard error.
fn run(arguments: &[&str], typed: &str) -> (Option<i32>, String, String) {
    let mut child = start(vm("run --limit-insns 4000000000").args(arguments));
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut out = child.stdout.take().expect("a pipe");
    let mut err = child.stderr.take().expect("a pipe");
    let json = arguments.contains(&"--json");
    let prompt = |from: &mut dyn Read| {
        if !typed.is_empty() {
            hear(from, &mut Vec::new(), "vm> ");
        }
    };
    // The guest's output stands where JSON does not.
    prompt(if json { &mut err } else { &mut out });
    keyboard.write_all(typed.as_bytes()).expect("it is taken");
    drop(keyboard);
    let other = std::thread::spawn(move || {
        let mut text = Vec::new();
        err.read_to_end(&mut text).expect("standard error");
        text
    });
    let mut text = Vec::new();
    out.read_to_end(&mut text).expect("standard output");
    let err = other.join().expect("nobody panics");
    let code = child.wait().expect("the program ends").code();
    (code, crate::vm::text(&text), crate::vm::text(&err))
}

/// Runs twice, for people and for programs, typing the same.
fn told(arguments: &[&str], typed: &str) -> Told {
    let (code, _, text) = run(arguments, typed);
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let (again, out, _) = run(&arguments, typed);
    assert_eq!(code, again);
    let ending: Value = serde_json::from_str(&out).expect("JSON");
    let json = ending["failure"].clone();
    Told { code, text, json }
}

/// Bare programs in a folder, with names for what is in them.
fn bare(words: &[u32], names: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("program"), program(words)).expect("a program");
    fs::write(folder.path().join("map"), names).expect("symbols");
    folder
}

fn run_bare(folder: &Path, more: &str) -> Told {
    let (program, map) = (folder.join("program"), folder.join("map"));
    let mut arguments = vec!["--firmware", "none", "-m", "16M", "--time", "virtual"];
    arguments.extend(["-k", program.to_str().expect("a plain name")]);
    arguments.extend(["--symbols", map.to_str().expect("a plain name")]);
    arguments.extend(more.split_whitespace());
    told(&arguments, "")
}

/// The functions of a back trace, innermost first.
fn functions(cpu: &Value) -> Vec<String> {
    let frames = cpu["back_trace"]["frames"].as_array().expect("frames");
    let place = |frame: &Value| frame["place"].as_str().unwrap_or("?").to_owned();
    frames.iter().map(place).collect()
}

/// All that a CPU did last: places of blocks and names of traps.
fn recent(cpu: &Value) -> Vec<String> {
    let passages = cpu["recent"].as_array().expect("passages");
    let steps = passages
        .iter()
        .flat_map(|passage| passage["steps"].as_array().expect("steps"));
    let name = |step: &Value| {
        let name = step["place"].as_str().or(step["trap"].as_str());
        name.unwrap_or("?").to_owned()
    };
    steps.map(name).collect()
}

/// Calls two deep with frame pointers, and hangs there with interrupts off.
#[rustfmt::skip] // One instruction a line.
const HANGS: &[u32] = &[
    0x0001_0117, // _start: auipc sp, 16
    0x0080_00ef, // jal ra, outer
    0x0000_006f, // j .
    0xff01_0113, // outer: addi sp, sp, -16
    0x0011_3423, // sd ra, 8(sp)
    0x0081_3023, // sd s0, 0(sp)
    0x0101_0413, // addi s0, sp, 16
    0x02a0_0513, // li a0, 42
    0x0080_00ef, // jal ra, inner
    0x0000_006f, // j .
    0xff01_0113, // inner: addi sp, sp, -16
    0x0081_3423, // sd s0, 8(sp)
    0x0101_0413, // addi s0, sp, 16
    0x3000_1073, // csrw mstatus, zero
    0x1050_0073, // sleep: wfi
    0xffdf_f06f, // j sleep
];
const HANGS_MAP: &str = "0000000080000000 T _start\n000000008000000c T outer\n\
    0000000080000028 T inner\n0000000080000040 T behind\n";

#[test]
fn a_guest_that_hangs_with_interrupts_off_is_found_where_it_sleeps() {
    let folder = bare(HANGS, HANGS_MAP);
    let mut reports = Vec::new();
    for engine in ["interp", "jit", "hybrid"] {
        let told = run_bare(folder.path(), &format!("--engine {engine}"));
        assert_eq!(told.code, Some(135), "{}", told.text);
        let cpu = &told.json["cpus"][0];
        // The innermost function calls nobody, and keeps no address to return to.
        assert_eq!(cpu["back_trace"]["kind"], "frame-pointers");
        assert_eq!(functions(cpu), ["inner+0x14", "outer+0x18", "_start+0x8"]);
        assert_eq!(cpu["state"], "waiting");
        assert_eq!(cpu["privilege"], "machine mode");
        assert_eq!(cpu["registers"]["a0"], "0x2a");
        assert_eq!(cpu["registers"]["sp"], "0x8000ffe0");
        let recent = recent(cpu);
        for place in ["_start", "outer", "inner"] {
            assert!(recent.iter().any(|step| step == place), "{recent:?}");
        }
        for line in [
            "cpu0  waiting at inner+0x14 (0x8000003c), machine mode",
            "trace  by frame pointers",
            "0x0000000080000024  outer+0x18",
            "a0      000000000000002a",
        ] {
            assert!(told.text.contains(line), "{line}: {}", told.text);
        }
        reports.push((functions(cpu), cpu["registers"].clone()));
    }
    assert!(reports.iter().all(|report| *report == reports[0]));
}

#[test]
fn a_guest_that_jumps_to_nowhere_is_found_there_with_its_trap() {
    // `li a0, 7`, `lui ra, 0x40000`, `jalr ra, 16(ra)`: there is no memory, and no handler.
    let words = [0x0070_0513, 0x4000_00b7, 0x0100_80e7];
    let folder = bare(
        &words,
        "0000000080000000 T leap\n000000008000000c T behind\n",
    );
    for engine in ["interp", "hybrid"] {
        let told = run_bare(folder.path(), &format!("--watchdog 5ms --engine {engine}"));
        assert_eq!(told.code, Some(135), "{}", told.text);
        let cpu = &told.json["cpus"][0];
        // The handler's address is zero, where there is nothing either.
        assert_eq!(cpu["pc"], "0x0");
        assert_eq!(cpu["registers"]["mcause"], "0x1");
        assert_eq!(cpu["registers"]["ra"], format!("{:#x}", BASE + 12));
        assert_eq!(cpu["registers"]["a0"], "0x7");
        assert_eq!(cpu["back_trace"]["kind"], "stack-scan");
        assert_eq!(functions(cpu), ["?", "leap+0xc"]);
        let recent = recent(cpu);
        assert_eq!(
            recent[recent.len() - 2..],
            ["leap", "instruction access fault"]
        );
        assert!(
            told.text
                .contains("last trap  instruction access fault at 0x0"),
            "{}",
            told.text
        );
        assert!(told.text.contains("-- instruction access fault"));
    }
}

#[test]
fn the_demos_panic_is_found_in_its_function() {
    let told = told(&["--time", "virtual", "-q"], "panic\r");
    assert_eq!((told.code, told.text.as_str()), (Some(134), ""));
    let reason = "Kernel panic - not syncing: demo asked for it";
    assert_eq!(told.json["reason"], reason);
    let cpu = &told.json["cpus"][0];
    let calls = functions(cpu);
    assert!(
        calls[0].starts_with("demo::stop::after_failure"),
        "{calls:?}"
    );
    assert!(
        calls
            .iter()
            .any(|call| call.starts_with("demo::stop::panic")),
        "{calls:?}"
    );
    let console = told.json["console"].as_array().expect("lines");
    assert!(console.iter().any(|line| line == reason), "{console:?}");
    // A test that fails so says the same.
    let folder = TempDir::new().expect("a folder");
    let suite = "[[test]]\nname = \"x\"\nsteps = [{ wait = 'vm> ' }, { send = 'panic' }, \
        { wait = 'never' }]\n";
    fs::write(folder.path().join("s.boot.toml"), suite).expect("a suite");
    let test = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["test", "s.boot.toml"])
            .args(more)
            .current_dir(folder.path())
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = test(&["--junit", "out.xml"]);
    for words in [
        "reason  Kernel panic",
        "demo::stop::panic",
        "trace  found on the stack",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let xml = fs::read_to_string(folder.path().join("out.xml")).expect("XML");
    let (_, err) = xml.split_once("<system-err>").expect("a report");
    assert!(err.contains("demo::stop::panic"), "{xml}");
    let json = test(&["--json"]);
    let line: Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(functions(&line["failure"]["cpus"][0])[0], calls[0]);
}

#[test]
fn a_stock_kernel_without_its_root_is_found_mounting_it() {
    let Some(kernel) = need("riscv64/kernel") else {
        return;
    };
    let append = "console=ttyS0 panic=-1 root=/dev/vdz";
    let mut reports = Vec::new();
    for engine in ["interp", "hybrid"] {
        let kernel = kernel.to_str().expect("a plain name");
        let mut arguments = vec!["-k", kernel, "--append", append, "--time", "virtual"];
        arguments.extend(["-m", "256M", "--cpus", "2", "--engine", engine]);
        let told = told(&arguments, "");
        assert_eq!(told.code, Some(134), "{}", told.text);
        let reason = told.json["reason"].as_str().expect("a reason");
        assert!(reason.contains("VFS: Unable to mount root fs"), "{reason}");
        assert_eq!(told.json["symbols"], "guest");
        let about = told.json["cpu"].as_u64().expect("a number") as usize;
        let cpu = &told.json["cpus"][about];
        let calls = functions(cpu);
        // The kernel's own back trace, below what it does to restart.
        let wanted = [
            "panic+",
            "mount_root_generic+",
            "mount_root+",
            "prepare_namespace+",
            "kernel_init_freeable+",
            "kernel_init+",
            "ret_from_fork+",
        ];
        let at = calls.iter().position(|call| call.starts_with("panic+"));
        let at = at.unwrap_or_else(|| panic!("{calls:?}"));
        for (call, want) in calls[at..].iter().zip(wanted) {
            assert!(call.starts_with(want), "{call} {want} {calls:?}");
        }
        assert_eq!(calls.len() - at, wanted.len(), "{calls:?}");
        assert!(
            told.text.contains("          at  mount_root_generic+0x"),
            "{}",
            told.text
        );
        let other = &told.json["cpus"][1 - about];
        assert!(functions(other)[0].contains('+'), "{other}");
        reports.push((calls, told.json["cpus"][about]["registers"].clone()));
    }
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn a_guest_that_ended_well_has_no_report() {
    let told = told(&["--time", "virtual"], "off\r");
    assert_eq!(told.code, Some(0));
    assert!(
        told.json.is_null() && !told.text.contains("blocks"),
        "{}",
        told.text
    );
    // What is read for reports is read by everybody else, too.
    let map = include_bytes!("../../../tests/guests/demo/demo.map");
    let symbols = Symbols::from_map(map).expect("a map");
    assert!(symbols.find("demo::stop::panic").is_some());
}
