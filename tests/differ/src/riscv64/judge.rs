//! The judge: QEMU's user emulator runs the image as a program.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::Builder;

use super::program::{BASE, BYTES, ENTRY};

/// What the image wrote; or how it ended, if not well.
pub fn run(qemu: &Path, image: &[u8]) -> Result<Result<Vec<u8>, String>> {
    let mut program = Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempfile()
        .context("making a program for the judge")?;
    program
        .write_all(&elf(image))
        .context("writing the judge's program")?;
    let output = Command::new(qemu)
        .args(["-cpu", "max"])
        .arg(program.path())
        .output()
        .context("running the judge")?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok(Err(format!("{}: {said}", output.status)))
}

/// The image as a static executable: System V ABI, chapters 4 and 5.
fn elf(image: &[u8]) -> Vec<u8> {
    /// Where the image begins in the file: pages of file and memory must agree.
    const AT: u64 = 0x1000;
    let mut file = Vec::with_capacity(AT as usize + image.len());
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2u16, 243] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes());
    for word in [ENTRY, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    // Compressed instructions, floating-point registers of 64 bits.
    file.extend(5u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // One segment that is read, written and executed.
    for half in [1u32, 7] {
        file.extend(half.to_le_bytes());
    }
    for word in [AT, BASE, BASE, image.len() as u64, BYTES, AT] {
        file.extend(word.to_le_bytes());
    }
    file.resize(AT as usize, 0);
    file.extend(image);
    file
}
