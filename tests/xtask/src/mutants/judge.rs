//! The tests that have to notice, cheapest first.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::copy::Copy;

/// LIMIT: a wrong branch may loop; no judge takes a tenth of this on a right tree.
const PATIENCE: Duration = Duration::from_secs(180);

/// One test program.
pub struct Judge {
    /// The package.
    package: &'static str,
    /// Which of the package's test programs.
    target: &'static [&'static str],
    /// Only tests whose name has this in it.
    filter: Option<&'static str>,
    /// The package's folder.
    folder: &'static str,
}

const EDGES: Judge = Judge {
    package: "vm-ir",
    target: &["--lib"],
    filter: Some("edges"),
    folder: "vm-ir",
};
const RISCV64: Judge = cases(&["--test", "riscv64"]);
const ARM64: Judge = cases(&["--test", "arm64"]);
const X86_64: Judge = cases(&["--test", "x86_64"]);
const RANDOM_RISCV64: Judge = random(&["--test", "riscv64"]);
const RANDOM_ARM64: Judge = random(&["--test", "arm64"]);
const RANDOM_X86_64: Judge = random(&["--test", "x86_64"]);

const fn random(target: &'static [&'static str]) -> Judge {
    Judge {
        package: "tests-differ",
        target,
        filter: None,
        folder: "tests/differ",
    }
}

const fn cases(target: &'static [&'static str]) -> Judge {
    Judge {
        package: "tests-isa",
        target,
        filter: None,
        folder: "tests/isa",
    }
}

/// Who judges a change of the file, in order.
pub fn judges(file: &str) -> &'static [&'static Judge] {
    match file {
        _ if file.starts_with("vm-ir/src/ops") => {
            &[&EDGES, &RISCV64, &ARM64, &X86_64, &RANDOM_RISCV64]
        }
        _ if file.contains("arm64") => &[&ARM64, &RANDOM_ARM64],
        _ if file.contains("x86_64") => &[&X86_64, &RANDOM_X86_64],
        _ => &[&RISCV64, &RANDOM_RISCV64],
    }
}

/// What a judge says of a tree.
#[derive(PartialEq, Eq)]
pub enum Verdict {
    /// The tests pass.
    Passed,
    /// This test fails, or the program dies.
    Caught(String),
}

impl Judge {
    /// The words after `cargo test` that run it.
    pub fn words(&self) -> String {
        let target = self.target.join(" ");
        let filter = self
            .filter
            .map(|word| format!(" {word}"))
            .unwrap_or_default();
        format!("-p {} {target}{filter}", self.package)
    }

    /// Builds the test program from the copy and runs it.
    pub fn ask(&self, copy: &Copy) -> Result<Verdict> {
        let program = self.build(copy)?;
        let heard = copy.target.join("heard");
        let mut run = Command::new(program);
        run.args(self.filter)
            .current_dir(copy.tree.join(self.folder));
        run.env("VM_DIFFER_INSNS", "200000").stdin(Stdio::null());
        run.stdout(File::create(&heard)?).stderr(Stdio::null());
        let mut run = run.spawn().context("starting a test program")?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = run.try_wait()? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                run.kill()?;
                run.wait()?;
                return Ok(Verdict::Caught("it never ends".to_owned()));
            }
            sleep(Duration::from_millis(20));
        };
        if status.success() {
            return Ok(Verdict::Passed);
        }
        let heard = fs::read(heard)?;
        let heard = String::from_utf8_lossy(&heard);
        let failed = |line: &str| {
            Some(
                line.strip_prefix("test ")?
                    .strip_suffix(" ... FAILED")?
                    .to_owned(),
            )
        };
        let name = heard.lines().find_map(failed);
        Ok(Verdict::Caught(name.unwrap_or_else(|| status.to_string())))
    }

    fn build(&self, copy: &Copy) -> Result<PathBuf> {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["test", "--no-run", "-p", self.package])
            .args(self.target);
        cargo
            .current_dir(&copy.tree)
            .env("CARGO_TARGET_DIR", &copy.target);
        cargo
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never");
        let out = cargo.output().context("starting cargo")?;
        let said = String::from_utf8_lossy(&out.stderr);
        if !out.status.success() {
            bail!("{} does not build:\n{said}", self.words());
        }
        let made = said.lines().find_map(|line| {
            let line = line.trim_start().strip_prefix("Executable ")?;
            Some(line.rsplit_once('(')?.1.strip_suffix(')')?.to_owned())
        });
        Ok(copy.tree.join(made.context("cargo names no test program")?))
    }
}
