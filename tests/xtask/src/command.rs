//! The table of tasks, and how one is chosen from the command line.

use std::process::ExitCode;

use anyhow::Result;

use crate::{bench, ci, coverage, demo, fuzz, images, mutants, tidy};

/// One task of `cargo xtask`.
pub struct Command {
    /// The word on the command line.
    pub name: &'static str,
    /// One line for `cargo xtask help`.
    pub help: &'static str,
    /// Runs the task with the words after its name.
    pub run: fn(&[String]) -> Result<ExitCode>,
}

/// Every task, in the order in which `help` prints them.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        help: "all that has to hold before merging: lints, rules, images, tests (--list)",
        run: ci::main,
    },
    Command {
        name: "tidy",
        help: "check the rules of the architecture (--list)",
        run: tidy::main,
    },
    Command {
        name: "images",
        help: "make guest kernels, initramfs images and oracles from Debian packages (--list)",
        run: images::main,
    },
    Command {
        name: "demo",
        help: "build the freestanding guests, or see that they are up to date (--check)",
        run: demo::main,
    },
    Command {
        name: "bench",
        help: "speed: native, QEMU and vm in one run, as a Markdown table",
        run: bench::main,
    },
    Command {
        name: "mutants",
        help: "alter one row at a time and see that the tests notice (--only A..B, --minutes N)",
        run: mutants::main,
    },
    Command {
        name: "fuzz",
        help: "fuzz targets under libFuzzer ([TARGET...] --runs N, --coverage, --keep, --fast)",
        run: fuzz::main,
    },
    Command {
        name: "coverage",
        help: "rows and case lines of every guest ISA and extension",
        run: coverage::main,
    },
];

/// Runs the task that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        print_help();
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_help();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        println!("xtask: no task is called {name:?}; `cargo xtask help` lists them");
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(code) => code,
        Err(error) => {
            println!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_help() {
    println!("cargo xtask TASK [ARGUMENTS]\n");
    for command in COMMANDS {
        println!("  {:<8} {}", command.name, command.help);
    }
}

#[cfg(test)]
mod tests {
    use super::COMMANDS;

    #[test]
    fn names_are_unique_and_helped() {
        let mut names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
        assert!(COMMANDS.iter().all(|command| !command.help.is_empty()));
    }
}
