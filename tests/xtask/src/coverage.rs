//! Rows and case lines of every guest ISA and extension.
//!
//! The numbers are printed by an example of `tests-isa`, so that this program need not be built
//! from all frontends.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// The task; it has no arguments.
pub fn main(arguments: &[String]) -> Result<ExitCode> {
    if !arguments.is_empty() {
        bail!("this task has no arguments");
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "-p", "tests-isa", "--example", "coverage"]);
    let status = cargo
        .current_dir(workspace::root()?)
        .status()
        .context("starting cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
