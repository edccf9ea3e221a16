//! Test files that are wrong, and the page of the book about their keys.

use std::fmt::Write as _;
use std::path::Path;

use super::keys::{Key, Kind, SETUP, TEST, VERBS};
use super::load::load;
use crate::codes::{self, Code};
use crate::report::Report;

/// Loads a text as a test file of the name `f.boot.toml`.
fn loaded(text: &[u8]) -> Result<usize, Report> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.boot.toml");
    std::fs::write(&path, text).expect("a file");
    load(&path).map(|suite| suite.cases.len())
}

/// The place of a complaint behind the name of the file: line and column.
fn place(report: &Report) -> Option<(usize, usize)> {
    let place = report.place.as_deref()?;
    let (_, numbers) = place.split_once("f.boot.toml:")?;
    let (line, column) = numbers.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// What is not as wanted in the complaint about a text; nothing if all is.
fn check(text: &str, code: Code, at: (usize, usize), words: &str) -> Option<String> {
    let report = match loaded(text.as_bytes()) {
        Ok(_) => return Some(format!("not refused:\n{text}")),
        Err(report) => report,
    };
    let said = report.text(false);
    let good = report.code == code
        && place(&report) == Some(at)
        && said.contains(words)
        && !report.help.is_empty();
    (!good).then(|| format!("wanted {code} at {at:?} with {words:?}:\n{text}\n{said}"))
}

#[test]
#[rustfmt::skip] // A table: one wrong file a line.
fn each_mistake_is_named_with_its_place() {
    let test = |rest: &str| format!("[[test]]\nname = \"a\"\n{rest}\n");
    let steps = |steps: &str| test(&format!("steps = [{steps}]"));
    let typed = format!("{{ send = '{}' }}", "x".repeat(4000));
    let faults: Vec<String> = [
        (steps(&typed), codes::TEST_STEP, (3, 12), "3500 bytes"),
        ("[[test]\n".to_owned(), codes::TEST_SYNTAX, (1, 8), "not TOML"),
        ("x = ".to_owned(), codes::TEST_SYNTAX, (1, 5), "not TOML"),
        (test("name = \"b\""), codes::TEST_SYNTAX, (3, 1), "duplicate key"),
        (String::new(), codes::NO_TESTS, (1, 1), "[[test]]"),
        ("[suit]\n".to_owned(), codes::TEST_KEY, (1, 2), "did you mean `suite`?"),
        ("[suite]\nkernl = \"x\"\n".to_owned(), codes::TEST_KEY, (2, 1), "did you mean `kernel`?"),
        ("[suite]\nmatrix = {}\n".to_owned(), codes::TEST_LATER, (2, 1), "not possible yet"),
        ("[suite]\nmemory = 512\n".to_owned(), codes::TEST_VALUE, (2, 10), "a size as \"512M\""),
        ("[suite]\nmemory = \"512\"\n".to_owned(), codes::TEST_VALUE, (2, 10), "512M for MiB"),
        ("[suite]\ntimeout = \"60\"\n".to_owned(), codes::TEST_VALUE, (2, 11), "60s"),
        ("[suite]\ncpus = -1\n".to_owned(), codes::TEST_VALUE, (2, 8), "the number -1"),
        ("[suite]\ntime = \"never\"\n".to_owned(), codes::TEST_VALUE, (2, 8), "\"virtual\", \"host\""),
        ("[suite]\nkernel = \"$NOBODY_HAS_SET_THIS\"\n".to_owned(), codes::TEST_VARIABLE, (2, 10), "NOBODY_HAS_SET_THIS"),
        ("[suite]\nkernel = \"\"\n".to_owned(), codes::TEST_VALUE, (2, 10), "empty"),
        ("[suite]\nforbid = [\"\"]\n".to_owned(), codes::TEST_VALUE, (2, 11), "everywhere"),
        ("[suite]\nforbid = [{ regex = \"(\" }]\n".to_owned(), codes::TEST_PATTERN, (2, 11), "unclosed group"),
        ("[suite]\ndrive = [{ empty = \"1B\" }]\n".to_owned(), codes::TEST_VALUE, (2, 10), "512 bytes"),
        ("[suite]\ndrive = \"x\"\n".to_owned(), codes::TEST_VALUE, (2, 9), "a list of files"),
        ("[[test]]\nsteps = []\n".to_owned(), codes::TEST_NAME, (1, 1), "has no name"),
        (test(""), codes::TEST_STEP, (1, 1), "has no steps"),
        (steps(""), codes::TEST_STEP, (1, 1), "it has 0"),
        (steps("{ wait = 'x' }") + &steps("{ wait = 'x' }"), codes::TEST_NAME, (5, 8), "two tests"),
        (test("cpus = 9\nsteps = [{ wait = 'x' }]"), codes::CPUS, (3, 1), "1 to 8"),
        (test("memory = \"64T\"\nsteps = [{ wait = 'x' }]"), codes::MEMORY, (3, 1), "not possible"),
        (test("machine = \"toaster\"\nsteps = [{ wait = 'x' }]"), codes::NO_MACHINE, (3, 1), "toaster"),
        (test("fork = false"), codes::TEST_LATER, (3, 1), "boots its own"),
        (test("serve = 'x'\nnet = 'none'"), codes::TEST_VALUE, (4, 1), "there is none"),
        (test("net = 'tap'"), codes::TEST_VALUE, (3, 7), "there are user and none"),
        (test("net = { loss = '2%' }"), codes::TEST_VALUE, (3, 7), "a text"),
        (test("serve = ''"), codes::TEST_VALUE, (3, 9), "empty"),
        (steps("{ wait = '{serve}' }"), codes::TEST_VARIABLE, (3, 19), "`serve`"),
        (steps("'wait'"), codes::TEST_STEP, (3, 10), "a step is a table"),
        (steps("{ wiat = 'x' }"), codes::TEST_STEP, (3, 12), "did you mean `wait`?"),
        (steps("{ timeout = '1s' }"), codes::TEST_STEP, (3, 10), "nothing that can be done"),
        (steps("{ wait = 'x', send = 'y' }"), codes::TEST_STEP, (3, 10), "`wait` and `send`"),
        (steps("{ wait = 'x', enter = true }"), codes::TEST_KEY, (3, 24), "a `wait` step has no key `enter`"),
        (steps("{ wait = '' }"), codes::TEST_VALUE, (3, 19), "everywhere"),
        (steps("{ wait = '[', regex = true }"), codes::TEST_PATTERN, (3, 19), "unclosed character class"),
        (steps("{ wait = '{sum}' }"), codes::TEST_VARIABLE, (3, 19), "no step before this one saves `sum`"),
        (steps("{ run = '' }"), codes::TEST_STEP, (3, 12), "a command is one line"),
        (steps("{ run = \"a\\nb\" }"), codes::TEST_STEP, (3, 12), "a command is one line"),
        (steps("{ run = 'x', status = 256 }"), codes::TEST_VALUE, (3, 32), "0 to 255"),
        (steps("{ run = 'x', save = '1x' }"), codes::TEST_VARIABLE, (3, 30), "name of a variable"),
        (steps("{ reset = 'soft' }"), codes::TEST_VALUE, (3, 20), "\"hard\""),
        (steps("{ expect_end = 'power-off' }"), codes::TEST_VALUE, (3, 25), "did you mean \"poweroff\"?"),
        (steps("{ expect_end = 'hang' }, { wait = 'x' }"), codes::TEST_STEP, (3, 35), "the last step"),
    ]
    .iter()
    .filter_map(|(text, code, at, words)| check(text, *code, *at, words))
    .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n----\n"));
    let report = loaded(b"[suite]\nmachine = \"\xff\"\n").expect_err("no text");
    assert_eq!((report.code, place(&report)), (codes::TEST_SYNTAX, Some((2, 12))));
    let long = "#".repeat((1 << 20) + 1);
    assert_eq!(loaded(long.as_bytes()).expect_err("long").code, codes::TOO_LARGE);
}

/// A right file with everything in it.
const RIGHT: &str = r#"# A comment.
[suite]
kernel = "$VM_IMAGES/riscv64/kernel"
initrd = "initrd.gz"
append = "console=ttyS0"
firmware = "builtin"
machine = "virt"
memory = "256M"
cpus = 4
drive = ["disk.img", "other.img,ro", { empty = "16M" }]
terminal = "serial"
net = "user,dns=127.0.0.1"
serve = "files"
time = "virtual"
seed = 0x10
timeout = "60s"
watchdog = "30s"
limit-insns = 1_000_000
forbid = ["BUG:", { regex = '^WARNING' }]

[[test]]
name = "everything"
steps = [
  { wait = "login:" }, { send = "root" },
  { wait = '# $', regex = true, timeout = "500ms" },
  { send = "x", enter = false },
  { run = "uname -m", expect = "riscv64", save = "machine" },
  { run = "echo {machine}", expect = "^{machine}$", regex = true },
  { run = "exit 3", status = 3 },
  { run = "true", status = "any", timeout = "5s" },
  { expect = "login" },
  { reset = "hard" },
  { expect_end = "poweroff", timeout = "1m" },
]

[[test]]
name = "another"
cpus = 1
steps = [{ wait = "x" }, { expect_end = 42 }]
"#;

/// A generator of chance of its own, so that a seed is a file for ever.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}

/// The right file with something wrong in it.
fn mutated(seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = RIGHT.as_bytes().to_vec();
    for _ in 0..=chance.below(2) {
        let at = chance.below(bytes.len());
        match chance.below(7) {
            0 => {
                let end = (at + 1 + chance.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            1 => {
                let odd = b"\"'[]{}=,.#\n\\$\0\xff\xc3";
                bytes.insert(at, odd[chance.below(odd.len())]);
            }
            2 => bytes[at] = chance.below(256) as u8,
            3 => bytes.truncate(at),
            kind => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<&str> = text.split('\n').collect();
                let (a, b) = (chance.below(lines.len()), chance.below(lines.len()));
                match kind {
                    4 => lines.insert(a, lines[b]),
                    5 => lines.swap(a, b),
                    _ => drop(lines.remove(a)),
                }
                bytes = lines.join("\n").into_bytes();
            }
        }
    }
    bytes
}

#[test]
fn malformed_files_are_refused_with_file_line_and_column() {
    assert_eq!(loaded(RIGHT.as_bytes()).expect("a right file"), 2);
    let (mut refused, mut kinds) = (0, std::collections::BTreeSet::new());
    for seed in 0..600 {
        let bytes = mutated(seed);
        let Err(report) = loaded(&bytes) else {
            continue;
        };
        let said = report.text(false);
        let text = String::from_utf8_lossy(&bytes);
        let (line, column) = place(&report).unwrap_or_else(|| panic!("seed {seed}: {said}"));
        let lines: Vec<&str> = text.split('\n').collect();
        let good = (1..=lines.len()).contains(&line)
            && (1..=lines[line - 1].chars().count() + 1).contains(&column);
        assert!(
            good,
            "seed {seed}: {line}:{column} is not in the file\n{said}"
        );
        assert!(
            !report.message.is_empty() && !report.help.is_empty(),
            "seed {seed}: {said}"
        );
        kinds.insert(report.code.number);
        refused += 1;
    }
    assert!(refused >= 200, "only {refused} files were refused");
    assert!(kinds.len() >= 5, "only the codes {kinds:?}");
}

#[test]
fn the_page_of_keys_is_that_of_the_tables() {
    let mut page = String::from(
        "# Keys of test files\n\n\
         Made from the tables in `vm-cli/src/testing/keys.rs`; \
         [Testing guests](../testing-guests.md) explains how they work together.\n",
    );
    let mut table = |title: &str, keys: &mut dyn Iterator<Item = &Key>| {
        let _ = write!(
            page,
            "\n## {title}\n\n| key | takes | meaning |\n|---|---|---|\n"
        );
        for key in keys {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                key.name,
                key.kind.words(),
                key.doc
            );
        }
    };
    let possible = |key: &&Key| key.kind != Kind::Later;
    table("In `[[test]]`", &mut TEST.iter());
    table(
        "In `[suite]` for all tests, in `[[test]]` for one",
        &mut SETUP.iter().filter(possible),
    );
    for (verb, more) in VERBS {
        let title = format!("A step `{}`", verb.name);
        table(&title, &mut std::iter::once(verb).chain(more.iter()));
    }
    table(
        "Not possible yet",
        &mut SETUP.iter().filter(|key| !possible(key)),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generated/test-file-keys.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).expect("the page");
    assert!(
        written == page,
        "docs/generated/test-file-keys.md is not what the tables say: test with BLESS=1"
    );
}
