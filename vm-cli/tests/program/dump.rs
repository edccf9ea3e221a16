//! `--dump-code` and `--perf-map` from outside, on the demo, whose symbols are built in.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vm_runtime::COMPILES;

use crate::vm::{text, typed};

/// An instruction in the middle of the loop of `chase`, by its symbol.
const PLACE: &str = "demo::bench::chase+0x3e";

/// The result of a run of the demo's loops; compilers are waited for.
fn bench(flags: &str) -> Value {
    let output = typed(
        &format!("run --time virtual --json {flags}"),
        "bench\noff\n",
    );
    let all = text(&output.stdout);
    assert!(output.status.success(), "{flags}: {all}");
    serde_json::from_str(&all).expect("JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// What is told of a tier: the right code, and host code for each of its instructions.
fn check(dump: &Value, stages: &[&str]) {
    let names = list(&dump["stages"]).iter().map(|stage| &stage["name"]);
    assert_eq!(names.collect::<Vec<_>>(), stages, "{dump}");
    let blocks = list(&dump["blocks"]);
    let insns = blocks.iter().flat_map(|block| list(&block["instructions"]));
    let insns: Vec<&Value> = insns.collect();
    let jump = insns.iter().find(|insn| insn["pc"] == "0x80201d6a");
    assert_eq!(jump.expect("the place is in it")["text"], "c.j 0x80201d6e");
    assert!(blocks.iter().all(|block| {
        block["place"]
            .as_str()
            .is_some_and(|place| place.starts_with("demo::bench::chase"))
    }));
    let known: HashSet<&str> = insns
        .iter()
        .filter_map(|insn| insn["pc"].as_str())
        .collect();
    for stage in list(&dump["stages"]) {
        let lines = list(&stage["lines"]);
        let told: HashSet<&str> = lines
            .iter()
            .filter_map(|line| line["pc"].as_str())
            .collect();
        assert!(told.is_subset(&known), "{stage}");
        // All of them, of a language that each instruction has something in.
        assert!(stage["name"] == "clif" || told == known, "{stage}");
    }
    let host = list(&dump["host"]);
    let told: HashSet<&str> = host.iter().filter_map(|line| line["pc"].as_str()).collect();
    assert!(told.is_subset(&known), "{dump}");
    let load = host.iter().any(|line| line["pc"] == "0x80201d68");
    assert_eq!(load, dump["tier"] != "interpreter", "{dump}");
    assert_eq!(dump["host_address"].is_string(), load, "{dump}");
    if load {
        let notes: HashSet<&str> = host
            .iter()
            .filter_map(|line| line["note"].as_str())
            .collect();
        assert!(notes.contains("x13") && notes.contains("tlb"), "{notes:?}");
        assert!(notes.contains("gate miss"), "{notes:?}");
    }
}

/// The dump of a tier with the most instructions.
fn largest<'a>(all: &'a Value, tier: &str) -> &'a Value {
    let dumps = list(&all["code"])
        .iter()
        .filter(|dump| dump["tier"] == tier);
    let most = dumps.max_by_key(|dump| list(&dump["stages"][0]["lines"]).len());
    most.unwrap_or_else(|| panic!("{tier} is missing in {all}"))
}

#[test]
fn each_tier_tells_what_it_has_made() {
    let all = bench(&format!("--engine interp --dump-code {PLACE}"));
    check(largest(&all, "interpreter"), &["ir", "flat"]);
    assert!(
        list(&all["code"])
            .iter()
            .all(|dump| dump["tier"] == "interpreter")
    );
    if !COMPILES {
        return;
    }
    let all = bench(&format!("--engine jit --dump-code {PLACE}"));
    check(largest(&all, "interpreter"), &["ir", "flat"]);
    check(largest(&all, "template"), &["ir"]);
    check(largest(&all, "region"), &["ir", "clif"]);
    let all = bench("--engine jit --jit-tiers block --dump-code 0x80201d6a");
    check(largest(&all, "block"), &["ir", "clif"]);
}

#[test]
fn people_see_columns_without_colours_where_nobody_looks() {
    let output = typed(
        &format!("run --dump-code {PLACE} --dump-code 0x1234"),
        "bench\noff\n",
    );
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains('\x1b'), "{said}");
    for part in [
        "code at demo::bench::chase+0x3e (0x80201d6a)\n",
        "-- interpreter, demo::bench::chase+0x38 (0x80201d64), 4 instructions",
        "guest                       ir                   flat\n",
        "0x80201d6a  c.j 0x80201d6e  goto +0xa            exit +0xa\n",
        "code at 0x1234\n  no code was made of it: no CPU has come there\n",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(
        !text(&output.stdout).contains("guest   "),
        "the console has it for itself"
    );
    if COMPILES {
        assert!(said.contains("\nout of line\n"), "{said}");
        assert!(said.contains("; gate miss\n"), "{said}");
    }
}

#[test]
fn colours_and_columns_are_as_they_are_wanted() {
    let run = format!("run --engine interp --color always --dump-code {PLACE}");
    let said = text(&typed(&run, "bench\noff\n").stderr);
    assert!(
        said.contains("\x1b[33m0x80201d6a  c.j 0x80201d6e"),
        "{said}"
    );
    let narrow = Command::new("sh")
        .args([
            "-c",
            "printf 'bench\\noff\\n' | \"$0\" run --engine interp --dump-code 0x80201d6a",
        ])
        .arg(env!("CARGO_BIN_EXE_vm"))
        .env("COLUMNS", "40")
        .output()
        .expect("there is a shell");
    let said = text(&narrow.stderr);
    let below = "0x80201d6a  c.j 0x80201d6e\n    ir    goto +0xa\n    flat  exit +0xa\n";
    assert!(said.contains(below), "{said}");
}

#[test]
fn places_that_there_are_not_are_refused() {
    for (flags, code) in [
        ("--dump-code nowhere", "VM0082"),
        ("--dump-code 0x", "VM0082"),
        ("--dump-code", "VM0001"),
    ] {
        let output = typed(&format!("run {flags}"), "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags}: {said}");
        assert!(said.contains(code), "{flags}: {said}");
    }
}

#[test]
fn who_looks_on_changes_nothing() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests/priv/priv.bin");
    let run = |flags: &str| {
        let fixed = format!("run --firmware none -k {program} --time virtual --json --cpus 2");
        let output = typed(&format!("{fixed} {flags}"), "");
        let all = text(&output.stdout);
        assert!(output.status.success(), "{flags}: {all}");
        serde_json::from_str::<Value>(&all).expect("JSON")
    };
    let wanted = run("");
    for flags in [
        "--dump-code 0x80000000 --dump-code 0x80000400",
        "--engine interp --dump-code 0x80000100",
        "--engine jit --jit-region-threshold 1 --dump-code 0x80000400 --perf-map",
        "--engine jit --code-cache 1M --perf-map",
    ] {
        let found = run(flags);
        for key in ["state_hash", "instructions", "verdict"] {
            assert_eq!(found[key], wanted[key], "{flags}: {key}");
        }
        if let Some(path) = found["perf_map"].as_str() {
            std::fs::remove_file(path).expect("there is a map");
        }
    }
}

#[test]
fn a_map_for_perf_names_native_code_by_the_guests_symbols() {
    let all = bench("--engine jit --perf-map");
    let path = PathBuf::from(all["perf_map"].as_str().expect("a path"));
    let map = std::fs::read_to_string(&path).expect("a map");
    std::fs::remove_file(&path).expect("it is ours");
    let mut names = HashSet::new();
    for line in map.lines() {
        let mut words = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(words.next().expect(line), 16).expect(line);
        let (at, bytes) = (number(), number());
        assert!(at > 0x1000 && (16..1 << 18).contains(&bytes), "{line}");
        names.insert(words.next().expect(line));
    }
    assert_eq!(names.is_empty(), !COMPILES);
    if COMPILES {
        let has = |start: &str| names.iter().any(|name| name.starts_with(start));
        for start in [
            "[template] demo::bench::chase+0x38",
            "[region] demo::bench::chase",
            "[block] demo::bench::float",
        ] {
            assert!(has(start), "{start} in {names:?}");
        }
    }
}

/// The page shows what its commands print: each is run, and the guest's side of it compared, which
/// is the same on every host. With BLESS=1 the page is written anew.
#[test]
fn the_page_about_a_hot_loop_shows_what_its_commands_print() {
    if !COMPILES {
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/life-of-a-hot-loop.md");
    let before = std::fs::read_to_string(&page).expect("the page");
    let bless = std::env::var_os("BLESS").is_some();
    let mut after = String::new();
    let (mut commands, mut lines) = (0, before.lines().peekable());
    while let Some(line) = lines.next() {
        after += &format!("{line}\n");
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut shown = Vec::new();
        while let Some(line) = lines.next_if(|line| *line != "```") {
            shown.push(line);
        }
        let printed = shell(command);
        after += &printed;
        commands += 1;
        for line in shown {
            // Of a table, the guest's column and the beginning of the next.
            let table = line.starts_with("0x802") && line.get(12..13) != Some(" ");
            let guest = line.get(..40).unwrap_or(line).trim_end();
            if table && !bless {
                assert!(printed.contains(guest), "{guest} in {command}: {printed}");
            }
        }
        assert!(printed.contains("0x80201d6"), "{command}: {printed}");
    }
    assert!(commands >= 5, "{commands} commands");
    if bless {
        std::fs::write(&page, after).expect("the page can be written");
    }
}

/// What a command line of the page prints.
fn shell(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_vm"));
    let folder = program.parent().expect("a folder");
    let path = std::env::var("PATH").expect("a path");
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("COLUMNS", "100")
        .output()
        .expect("there is a shell");
    let said = text(&output.stdout);
    assert!(
        output.status.success(),
        "{command}: {}",
        text(&output.stderr)
    );
    said
}
