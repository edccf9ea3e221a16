//! Runs a program under an outside emulator of user mode.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::{Program, elf};

/// What the program writes under this emulator, which is called with these arguments.
pub fn run(program: &Program, emulator: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("a folder for the program")?;
    let file = folder.path().join("program");
    fs::write(&file, elf::write(program)).context("the program")?;
    fs::set_permissions(&file, Permissions::from_mode(0o755)).context("the program's rights")?;
    let done = Command::new(emulator)
        .args(args)
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{}", emulator.display()))?;
    if !done.status.success() {
        let error = String::from_utf8_lossy(&done.stderr);
        bail!("the judge ended with {}: {error}", done.status);
    }
    let (has, wants) = (done.stdout.len(), program.output.1);
    ensure!(has == wants, "the judge wrote {has} bytes, not {wants}");
    Ok(done.stdout)
}
