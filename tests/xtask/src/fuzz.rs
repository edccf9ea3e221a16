//! The fuzz targets under libFuzzer, and how much of their code they reach.
//!
//! What is found is kept beside the build's other products, so that a later run goes on where
//! this one ended; `--keep` puts a small part of it into the committed corpora.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Inputs without an end given.
const RUNS: &str = "1000000";
/// The longest input without another limit given: long ones are slow and seldom show more.
const LONGEST: &str = "512";
/// The most inputs of one committed corpus, and the most bytes of all of them.
// LIMIT: every run of the tests goes through all of them, and the tree stays small.
const KEPT: usize = 160;
const KEPT_BYTES: u64 = 64 << 10;

/// What is to be done.
#[derive(Default)]
struct Task {
    targets: Vec<String>,
    runs: Option<String>,
    longest: Option<String>,
    coverage: bool,
    keep: bool,
    fast: bool,
}

/// `cargo xtask fuzz [TARGET...] [--runs N] [--max-len BYTES] [--coverage] [--keep] [--fast]`
///
/// With `--fast` the fuzzer does not follow comparisons: some targets do twice as much then.
pub fn main(words: &[String]) -> Result<ExitCode> {
    let mut task = Task::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--runs" => task.runs = words.next().cloned(),
            "--max-len" => task.longest = words.next().cloned(),
            "--coverage" => task.coverage = true,
            "--keep" => task.keep = true,
            "--fast" => task.fast = true,
            flag if flag.starts_with('-') => bail!("there is no flag {flag}"),
            target => task.targets.push(target.to_owned()),
        }
    }
    let root = workspace::root()?;
    let fuzz = root.join("tests/fuzz");
    if task.targets.is_empty() {
        let names = fs::read_dir(fuzz.join("corpus"))?.flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        task.targets = names.collect::<BTreeSet<_>>().into_iter().collect();
    }
    for target in &task.targets {
        let committed = fuzz.join("corpus").join(target);
        if !committed.is_dir() {
            bail!(
                "no target is called {target:?}: {} is missing",
                committed.display()
            );
        }
        let found = found(&root).join(target);
        fs::create_dir_all(&found)?;
        if !task.coverage || task.runs.is_some() {
            run(&root, target, &task, &found, &committed)?;
        }
        if task.keep {
            keep(&root, target, &task, &found, &committed)?;
        }
        if task.coverage {
            coverage(&root, target, &[&found, &committed])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where inputs are kept between runs.
fn found(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| root.join("target"))
        .join("fuzz-corpus")
}

fn libfuzzer(root: &Path, target: &str, task: &Task) -> Command {
    let mut command = Command::new("cargo");
    command.args([
        "fuzz",
        "run",
        "--fuzz-dir",
        "tests/fuzz/libfuzzer",
        "-s",
        "none",
    ]);
    if task.fast {
        command.arg("--no-trace-compares");
    }
    command.arg("any");
    command.current_dir(root).env("VM_FUZZ_TARGET", target);
    command
}

fn run(root: &Path, target: &str, task: &Task, found: &Path, committed: &Path) -> Result<()> {
    let runs = task.runs.as_deref().unwrap_or(RUNS);
    println!("fuzz: {target}: {runs} inputs");
    let mut command = libfuzzer(root, target, task);
    command.arg(found).arg(committed).arg("--");
    command.arg(format!("-runs={runs}"));
    let longest = task.longest.as_deref().unwrap_or(LONGEST);
    command.arg(format!("-max_len={longest}"));
    // An input that takes longer, or more memory, is a finding too.
    command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    succeed(
        command,
        "cargo fuzz (`cargo install cargo-fuzz` if there is none)",
    )
}

/// Puts inputs into the committed corpus: the fewest that together reach everything, as far as
/// there is room.
fn keep(root: &Path, target: &str, task: &Task, found: &Path, committed: &Path) -> Result<()> {
    let all = found.with_extension("all");
    let _ = fs::remove_dir_all(&all);
    fs::create_dir_all(&all)?;
    let mut command = libfuzzer(root, target, task);
    command.arg(&all).arg(found).arg(committed);
    command.args(["--", "-set_cover_merge=1", "-max_len=1024"]);
    succeed(command, "cargo fuzz")?;
    let size = |entry: &fs::DirEntry| entry.metadata().map_or(0, |metadata| metadata.len());
    let mut files: Vec<_> = fs::read_dir(&all)?.flatten().collect();
    // Evenly over the sizes: small ones show one thing each, large ones how things go together.
    files.sort_by_key(|entry| (size(entry), entry.file_name()));
    let step = files.len().div_ceil(KEPT).max(1);
    fs::remove_dir_all(committed)?;
    fs::create_dir_all(committed)?;
    let mut left = KEPT_BYTES;
    for entry in files.iter().step_by(step) {
        left = left.saturating_sub(size(entry));
        if left > 0 {
            fs::copy(entry.path(), committed.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Prints how many of the lines that a target is about its inputs reach.
fn coverage(root: &Path, target: &str, folders: &[&Path]) -> Result<()> {
    let products = found(root).with_file_name("fuzz-coverage");
    let cargo = |words: &[&str]| {
        let mut command = Command::new("cargo");
        command
            .args(words)
            .args(["--quiet", "-p", "tests-fuzz", "--example", "replay"]);
        command
            .args(["--profile", "dev", "--target-dir"])
            .arg(&products)
            .current_dir(root);
        command.env("RUSTFLAGS", "-C instrument-coverage");
        command.env("LLVM_PROFILE_FILE", products.join("run.profraw"));
        command
    };
    succeed(cargo(&["build"]), "cargo build")?;
    let mut replay = cargo(&["run"]);
    replay.arg("--").arg(target).args(folders);
    let said = replay.output().context("starting cargo")?;
    if !said.status.success() {
        bail!("{target}: {}", String::from_utf8_lossy(&said.stderr));
    }
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut lines = said.lines();
    let inputs = lines.next().unwrap_or_default();
    let tools = tools()?;
    let profile = products.join("run.profdata");
    let mut merge = Command::new(tools.join("llvm-profdata"));
    merge
        .args(["merge", "-sparse"])
        .arg(products.join("run.profraw"))
        .arg("-o")
        .arg(&profile);
    succeed(
        merge,
        "llvm-profdata (`rustup component add llvm-tools` if there is none)",
    )?;
    let mut report = Command::new(tools.join("llvm-cov"));
    report
        .arg("report")
        .arg(products.join("debug/examples/replay"));
    report
        .arg("-instr-profile")
        .arg(&profile)
        .arg("-ignore-filename-regex=tests");
    report.args(lines.map(OsString::from)).current_dir(root);
    let report = report.output().context("starting llvm-cov")?;
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    println!("fuzz: {target}: {inputs}");
    print!("{}", reached(&report));
    Ok(())
}

/// The files and lines of a report, without its other columns.
fn reached(report: &str) -> String {
    let mut out = String::new();
    for row in report.lines() {
        let words: Vec<&str> = row.split_whitespace().collect();
        // Name; regions, missed, per cent; functions, missed, per cent; lines, missed, per cent.
        if let [name, _, _, _, _, _, _, lines, missed, share, ..] = words[..]
            && lines.parse::<u64>().is_ok()
        {
            out.push_str(&format!(
                "  {share:>8} of {lines:>5} lines, {missed:>5} missed  {name}\n"
            ));
        }
    }
    out
}

/// Where the toolchain keeps its LLVM programs.
fn tools() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output();
    let output = output.context("starting rustc")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Path::new(&folder).with_file_name("bin"))
}

fn succeed(mut command: Command, what: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {what}"))?;
    if !status.success() {
        bail!("{what} has failed: {status}");
    }
    Ok(())
}
