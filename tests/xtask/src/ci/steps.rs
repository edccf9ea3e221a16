//! The table of steps.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::output::{Counts, run_shown};
use crate::workspace;

/// One step of the check.
struct Step {
    name: &'static str,
    doc: &'static str,
    commands: fn() -> Result<Vec<Command>>,
}

/// Every step, in order. A step that fails does not keep the later ones from running: one run
/// shows all that is wrong.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        doc: "the sources are formatted",
        commands: || Ok(vec![cargo(&["fmt", "--all", "--check"])]),
    },
    Step {
        name: "clippy",
        doc: "no lint fires",
        commands: || {
            let scope = ["--workspace", "--all-targets"];
            Ok(vec![cargo(&[
                "clippy", scope[0], scope[1], "--", "-D", "warnings",
            ])])
        },
    },
    Step {
        name: "tidy",
        doc: "the rules of the architecture hold",
        commands: || Ok(vec![xtask(&["tidy"])?]),
    },
    Step {
        name: "demo",
        doc: "the committed guests are the ones of their sources",
        commands: || Ok(vec![xtask(&["demo", "--check"])?]),
    },
    Step {
        name: "images",
        doc: "the guest material is at hand",
        commands: || Ok(vec![xtask(&["images"])?]),
    },
    Step {
        name: "build",
        doc: "every program builds as it is shipped",
        commands: || Ok(vec![cargo(&["build", "--workspace", "--release"])]),
    },
    Step {
        name: "hosts",
        doc: "what engines are made of builds for other hosts, and runs on two of them",
        commands: || Ok(super::hosts::commands()),
    },
    Step {
        name: "models",
        doc: "what CPUs share without locks is right in every order",
        commands: || {
            let packages = [
                "-p",
                "vm-mem",
                "-p",
                "vm-engine-cache",
                "-p",
                "vm-engine-interp",
            ];
            let mut models = cargo(&["test", "--release", "--no-fail-fast", "--test", "models"]);
            models.args(packages);
            Ok(vec![models])
        },
    },
    Step {
        name: "test",
        doc: "every test passes",
        // Plain `cargo test`: it is on every machine, and it does not swallow the SKIP lines.
        // Guests run in these tests, so they are built for speed; overflow checks are on.
        commands: || {
            Ok(vec![cargo(&[
                "test",
                "--workspace",
                "--release",
                "--no-fail-fast",
            ])])
        },
    },
];

/// `cargo xtask ci [STEP...] [--list]`
pub fn main(words: &[String]) -> Result<ExitCode> {
    if words.iter().any(|word| word == "--list") {
        for step in STEPS {
            println!("{:<8} {}", step.name, step.doc);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(words)?;
    let root = workspace::root()?;
    let mut report = Vec::new();
    let mut tests = Counts::default();
    for step in steps {
        println!("ci: {}: {}", step.name, step.doc);
        let start = Instant::now();
        let mut all_ok = true;
        for mut command in (step.commands)()? {
            let (ok, counts) = run_shown(command.current_dir(&root), &mut io::stdout())?;
            all_ok &= ok;
            tests.passed += counts.passed;
            tests.failed += counts.failed;
            tests.skipped += counts.skipped;
        }
        report.push((step.name, all_ok, start.elapsed().as_secs()));
    }
    println!();
    for (name, ok, seconds) in &report {
        println!(
            "ci: {name:<8} {:<6} {seconds} s",
            if *ok { "ok" } else { "FAILED" }
        );
    }
    println!(
        "ci: {} tests passed, {} failed, {} lines SKIP",
        tests.passed, tests.failed, tests.skipped
    );
    // Each step counts as one check beside the tests in it.
    let steps_ok = report.iter().filter(|(_, ok, _)| *ok).count() as u64;
    let steps_failed = report.len() as u64 - steps_ok;
    println!(
        "{} passed, {} failed",
        tests.passed + steps_ok,
        tests.failed + steps_failed
    );
    let failed = tests.failed + steps_failed > 0;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn chosen(words: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(word) = words
        .iter()
        .find(|word| STEPS.iter().all(|step| step.name != **word))
    {
        bail!("no step is called {word:?}; `cargo xtask ci --list` prints them");
    }
    let wanted = |step: &&Step| words.is_empty() || words.iter().any(|word| word == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

/// Cargo with these arguments.
pub(super) fn cargo(args: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// This program again, as its own process, so that its output is shown and its failure is seen
/// like those of the others.
fn xtask(args: &[&str]) -> Result<Command> {
    let mut command = Command::new(env::current_exe().context("finding this program")?);
    command.args(args);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::{STEPS, chosen};

    fn check(words: &str, want: Option<&[&str]>) {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        let got = chosen(&words).ok();
        let got: Option<Vec<_>> = got.map(|steps| steps.iter().map(|step| step.name).collect());
        assert_eq!(got.as_deref(), want, "{words:?}");
    }

    #[test]
    fn steps_by_name() {
        let all: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        check("", Some(&all));
        check("tidy fmt", Some(&["fmt", "tidy"]));
        check("tidy lint", None);
    }
}
