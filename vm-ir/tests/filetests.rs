//! Runs the files in `filetests`; its README says how they are written.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::reference::{self, Outcome, Outside, Stop};
use vm_ir::sample::{self, HELPERS, World};
use vm_ir::text::{parse, print};
use vm_ir::verify::verify;
use vm_ir::{Block, Layout, MemArg, Type, float};

/// Where blocks are entered.
const ENTRY: u64 = 0x1000;

/// What a file does with its blocks.
#[derive(Clone, Copy)]
enum Test {
    Verify,
    Passes(Passes),
}

/// One block of a file.
struct Case<'a> {
    title: &'a str,
    input: String,
    runs: Vec<&'a str>,
    expected: String,
}

fn test(header: &str) -> Test {
    let names = header
        .strip_prefix("; test:")
        .expect("a file begins with `; test:`");
    if names.trim() == "verify" {
        return Test::Verify;
    }
    let passes = names
        .split_whitespace()
        .map(|name| Passes::named(name).unwrap_or_else(|| panic!("there is no pass {name}")));
    Test::Passes(passes.fold(Passes::NONE, |all, pass| all | pass))
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut expecting = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix(";; ") {
            expecting = false;
            cases.push(Case {
                title,
                input: String::new(),
                runs: Vec::new(),
                expected: String::new(),
            });
        } else if let Some(case) = cases.last_mut() {
            if line == "; expect:" {
                expecting = true;
            } else if let Some(run) = line.strip_prefix("; run:") {
                case.runs.push(run);
            } else {
                let part = if expecting {
                    &mut case.expected
                } else {
                    &mut case.input
                };
                *part += line;
                *part += "\n";
            }
        }
    }
    cases
}

/// A number, or an offset from the block's entry.
fn number(text: &str) -> u64 {
    let digits = text.trim_start_matches(['-', '+']);
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    let value = value.unwrap_or_else(|_| panic!("`{text}` is no number"));
    match text.chars().next() {
        Some('-') => value.wrapping_neg(),
        Some('+') => ENTRY.wrapping_add(value),
        _ => value,
    }
}

fn slot(layout: &Layout, name: &str) -> usize {
    let found = layout.slots.iter().position(|slot| slot.name == name);
    found.unwrap_or_else(|| panic!("there is no slot {name}"))
}

/// The address in `[address]`.
fn place(name: &str) -> Option<u64> {
    Some(number(name.strip_prefix('[')?.strip_suffix(']')?))
}

fn start(layout: &Layout, given: &str) -> (Vec<u64>, World) {
    let mut slots = vec![0; layout.slots.len()];
    let mut world = World::new(0);
    for given in given.split_whitespace() {
        let (name, value) = given.split_once('=').expect("a name and a value");
        match (place(name), name) {
            (Some(addr), _) => {
                let value = number(value);
                let stored = world.store(addr, Type::I64, MemArg::plain(0), value);
                assert_eq!(stored, Ok(()));
            }
            (None, "holes") => world.holes = number(value),
            (None, _) => slots[slot(layout, name)] = number(value),
        }
    }
    (slots, world)
}

/// Runs a block as the line says; what is not as it says.
fn run(block: &Block, layout: &Layout, line: &str) -> String {
    let (given, wanted) = line.split_once("=>").expect("`=>` stands in a run line");
    let (mut slots, mut world) = start(layout, given);
    let outcome = reference::run(block, layout, float::RISCV, ENTRY, &mut slots, &mut world);
    let mut wrong = String::new();
    let mut trapped = false;
    assert!(!wanted.trim().is_empty(), "`{line}` wants nothing");
    for wanted in wanted.split_whitespace() {
        let (name, value) = wanted.split_once('=').unwrap_or((wanted, "1"));
        let found = match name {
            "pc" => outcome.pc,
            "insns" => u64::from(outcome.insns),
            "changed" => u64::from(outcome.stop == Stop::Changed),
            "trap" | "value" => {
                trapped = true;
                trap(&outcome, name == "trap")
            }
            name => match place(name) {
                Some(addr) => {
                    world.holes = 0;
                    let found = world.load(addr, Type::I64, MemArg::plain(0));
                    found.expect("a world without holes does not trap")
                }
                None => slots[slot(layout, name)],
            },
        };
        if found != number(value) {
            let _ = write!(wrong, " {name}={found:#x}");
        }
    }
    if let (Stop::Trap(trap), false) = (outcome.stop, trapped) {
        let _ = write!(wrong, " trap={} value={:#x}", trap.cause, trap.value);
    }
    wrong
}

fn trap(outcome: &Outcome, cause: bool) -> u64 {
    match outcome.stop {
        Stop::Trap(trap) if cause => u64::from(trap.cause),
        Stop::Trap(trap) => trap.value,
        Stop::Went | Stop::Changed => u64::MAX,
    }
}

/// What comes of a case, and the complaints about its runs.
fn result(test: Test, case: &Case, layout: &Layout) -> (String, String) {
    let mut block = match parse(&case.input, layout, HELPERS) {
        Ok(block) => block,
        Err(error) => panic!("{}: {error}", case.title),
    };
    let valid = verify(&block, layout, HELPERS);
    let mut wrong = String::new();
    let mut runs = |block: &Block, when: &str| {
        for line in &case.runs {
            let found = run(block, layout, line);
            if !found.is_empty() {
                let _ = writeln!(wrong, "{}: {when}:{line}: but{found}", case.title);
            }
        }
    };
    let passes = match (test, &valid) {
        (Test::Verify, Ok(())) => return ("; fine\n".to_owned(), wrong),
        (Test::Verify, Err(invalid)) => return (format!("; {invalid}\n"), wrong),
        (Test::Passes(_), Err(invalid)) => panic!("{}: {invalid}", case.title),
        (Test::Passes(passes), Ok(())) => passes,
    };
    runs(&block, "as written");
    optimise(&mut block, &mut Scratch::new(layout, HELPERS), passes);
    let shorter = print(&block, layout, HELPERS);
    if let Err(invalid) = verify(&block, layout, HELPERS) {
        panic!("{}: {invalid}\n{shorter}", case.title);
    }
    runs(&block, "after the passes");
    (shorter, wrong)
}

/// Checks one file; how many checks it made, and the complaints.
fn check(path: &Path, bless: bool) -> (usize, String) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    let (header, _) = text.split_once('\n').expect("the file has lines");
    let (test, layout) = (test(header), sample::layout());
    let (mut checks, mut wrong) = (0, String::new());
    let mut blessed = text[..text.find(";; ").unwrap_or(text.len())].to_owned();
    for case in cases(&text) {
        let (found, complaints) = result(test, &case, &layout);
        wrong += &complaints;
        checks += 1 + case.runs.len();
        let (title, input) = (case.title, case.input.trim());
        let _ = writeln!(blessed, ";; {title}\n{input}");
        for run in &case.runs {
            let _ = writeln!(blessed, "; run:{run}");
        }
        let _ = writeln!(blessed, "; expect:\n{found}");
        if case.expected.trim() != found.trim() && !bless {
            let expected = case.expected.trim();
            let _ = writeln!(wrong, "{title}: expected\n{expected}\nfound\n{found}");
        }
    }
    let blessed = format!("{}\n", blessed.trim_end());
    if bless && blessed != text {
        std::fs::write(path, blessed).expect("the file can be written");
    }
    (checks, wrong)
}

#[test]
fn files_are_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|name| name == "ir"))
        .collect();
    paths.sort();
    let bless = std::env::var_os("BLESS").is_some();
    let (mut checks, mut wrong) = (0, String::new());
    for path in paths {
        let (made, complaints) = check(&path, bless);
        checks += made;
        if !complaints.is_empty() {
            let _ = writeln!(wrong, "{}:\n{complaints}", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(checks >= 80, "only {checks} checks");
}
