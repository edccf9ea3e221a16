//! Disks as their user meets them: who uses one, what a full host does, what is kept.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tests_xtask::images::need;

use crate::vm::{hear, output_in, vm};

fn folder_with_disk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("disk.img"), [7; 8192]).expect("a disk");
    folder
}

/// A program that goes on until it is dropped.
struct Running(Child);

impl Running {
    /// The demo, which waits for somebody who types.
    fn demo(folder: &Path, line: &str) -> Self {
        let mut child = vm(line)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut out = child.stdout.take().expect("a pipe");
        let mut said = Vec::new();
        hear(&mut out, &mut said, "vm> ");
        assert!(
            said.ends_with(b"vm> "),
            "{}",
            String::from_utf8_lossy(&said)
        );
        // The pipe stays, or the demo would have nowhere to print.
        child.stdout = Some(out);
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error[VM0031]: "), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let folder = folder_with_disk();
    let first = Running::demo(folder.path(), "run --drive disk.img");
    let who = format!(
        "vm pid {} (`vm run --drive disk.img`, started ",
        first.0.id()
    );
    for line in [
        "run --drive disk.img",
        "run --drive disk.img,ro",
        "run --drive disk.img --ephemeral",
    ] {
        let output = output_in(folder.path(), line);
        let help = format!("kill {}", first.0.id());
        is_refused(&output, &[&who, &help, "--> disk.img: ", ",ephemeral"]);
    }
    drop(first);
    let alone = "run --drive disk.img --time virtual --limit-insns 1000";
    let output = output_in(folder.path(), alone);
    assert_eq!(output.status.code(), Some(124));
}

#[test]
fn readers_and_throw_away_copies_share_a_disk() {
    let folder = folder_with_disk();
    let first = Running::demo(folder.path(), "run --ephemeral --drive disk.img");
    for (line, want) in [
        ("run --drive disk.img,ro", 124),
        ("run --read-only --drive disk.img", 124),
        ("run --drive disk.img,ephemeral", 124),
        ("run --drive disk.img", 2),
    ] {
        let line = format!("{line} --time virtual --limit-insns 1000");
        let output = output_in(folder.path(), &line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(want), "{line}\n{said}");
    }
    drop(first);
}

#[test]
fn another_program_is_named_too() {
    let folder = folder_with_disk();
    // It says when it has the lock.
    let mut other = Command::new("flock")
        .args(["disk.img", "sh", "-c", "echo locked; read line"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .expect("flock starts");
    let mut out = other.0.stdout.take().expect("a pipe");
    out.read_exact(&mut [0; 7]).expect("a word");
    let line = "run --drive disk.img";
    let output = output_in(folder.path(), line);
    is_refused(&output, &["in use by another program, pid ", "disk.img"]);
    drop(other);
}

#[test]
fn a_state_is_not_saved_beside_a_throw_away_disk() {
    let folder = folder_with_disk();
    let line = "run --ephemeral --drive disk.img --save state";
    let output = output_in(folder.path(), line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error[VM0037]: "), "{said}");
    assert!(!folder.path().join("state").exists());
}

const DISK_BYTES: u64 = 8 << 20;
const LIMIT_BYTES: u64 = 256 << 10;

/// Boots the stock kernel, which writes to a disk all it has: first some blocks, then a file
/// system. The file may not grow beyond a limit, as on a full host.
fn blk(folder: &Path, limit_bytes: u64, flags: &str) -> Option<Output> {
    let kernel = need("riscv64/kernel")?;
    let initrd = need("riscv64/initrd-ready.cpio.gz")?;
    let disk = fs::File::create(folder.join("disk.img")).expect("a disk");
    disk.set_len(DISK_BYTES).expect("a size");
    let line = format!("run --time virtual --limit-insns 9000000000 -m 256M {flags}");
    // Blocks of bash are 1024 bytes.
    let shell = format!("ulimit -f {}; exec \"$0\" \"$@\"", limit_bytes / 1024);
    let mut command = Command::new("bash");
    command.args(["-c", &shell, env!("CARGO_BIN_EXE_vm")]);
    command
        .args(line.split_whitespace())
        .args(["--append", "console=ttyS0 panic=-1 vmtest=blk", "-k"])
        .arg(kernel)
        .arg("-i")
        .arg(initrd)
        .current_dir(folder)
        .stdin(Stdio::null());
    Some(command.output().expect("a shell"))
}

#[test]
fn a_full_host_is_the_guests_error_and_the_users_and_keeps_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first 131072 bytes that the guest writes, at 12288, fit and are read back past its
    // cache; a file system does not fit.
    let Some(output) = blk(folder.path(), LIMIT_BYTES, "--drive disk.img") else {
        return;
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert_eq!(output.status.code(), Some(75), "{out}\n{err}");
    assert!(out.contains("VM-BLK raw ok"), "{out}");
    assert!(out.contains("I/O error, dev vda"), "{out}");
    assert!(out.contains("reboot: Power down"), "{out}");
    assert_eq!(err.matches("error[VM0034]: ").count(), 1, "{err}");
    assert!(err.contains("--> disk.img: File too large"), "{err}");
    // Native code does not fit either, so everything is interpreted.
    let told = err.contains("warning: no native code, all is interpreted: ");
    assert_eq!(told, vm_runtime::COMPILES, "{err}");
    // What did not fit is nowhere.
    let disk = fs::read(folder.path().join("disk.img")).expect("the disk");
    assert!(disk[LIMIT_BYTES as usize..].iter().all(|byte| *byte == 0));
    assert!(disk[..LIMIT_BYTES as usize].iter().any(|byte| *byte != 0));
}

#[test]
fn a_throw_away_copy_is_written_and_the_file_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = "--drive disk.img --ephemeral";
    let Some(output) = blk(folder.path(), 1 << 30, flags) else {
        return;
    };
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{out}");
    for word in ["VM-BLK raw ok", "VM-BLK ext4 ok"] {
        assert!(out.contains(word), "{out}");
    }
    let disk = fs::read(folder.path().join("disk.img")).expect("the disk");
    assert!(disk.len() as u64 == DISK_BYTES && disk.iter().all(|byte| *byte == 0));
}

#[test]
fn a_pipe_that_is_given_as_a_disk_does_not_stop_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.expect("mkfifo starts").success());
    for (line, code, word) in [
        ("run --drive pipe", "VM0032", "--> pipe: "),
        ("run pipe", "VM0032", "--> pipe: "),
        ("run --drive /dev/null", "VM0032", "--> /dev/null: "),
        ("run --drive .", "VM0013", "--> .: "),
        ("run --drive empty", "VM0030", "no bytes"),
        ("run --drive cow,format=qcow2", "VM0064", "qemu-img convert"),
    ] {
        fs::write(folder.path().join("empty"), "").expect("a file");
        fs::File::create(folder.path().join("cow"))
            .and_then(|mut file| file.write_all(b"QFI\xfb\0\0\0\x03"))
            .expect("a file");
        let output = output_in(folder.path(), line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}\n{said}");
        assert!(
            said.starts_with(&format!("error[{code}]: ")),
            "{line}\n{said}"
        );
        assert!(said.contains(word), "{line}\n{said}");
    }
}
