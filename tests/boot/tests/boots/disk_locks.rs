//! A disk is never written by `vm` and by QEMU at once, whoever comes first.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::NamedTempFile;
use tests_boot::{Guest, Machine};
use tests_xtask::images::need;
use vm_runtime::{DiskAccess, VmError};

fn disk() -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(1 << 20).expect("a size");
    file
}

/// QEMU with the disk, stopped before its first instruction; `None` where it has not been made.
fn qemu(disk: &Path, flags: &str) -> Option<Command> {
    let mut command = Command::new(need("qemu/system")?.join("qemu-system-riscv64"));
    let drive = format!("file={},format=raw,if=none,id=d{flags}", disk.display());
    command
        .args(["-M", "virt", "-m", "64", "-S", "-display", "none"])
        .args(["-serial", "none", "-monitor", "stdio", "-bios", "none"])
        .args(["-drive", &drive, "-device", "virtio-blk-device,drive=d"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(command)
}

/// A program that goes on until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ours(disk: &Path, access: DiskAccess) -> Result<Machine, VmError> {
    Guest::demo().disk(disk, access).try_machine()
}

#[test]
fn qemu_refuses_a_disk_that_is_written_here() {
    let disk = disk();
    let Some(mut command) = qemu(disk.path(), "") else {
        return;
    };
    let machine = ours(disk.path(), DiskAccess::Keep).expect("a machine");
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the emulator starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("lock"), "{said}");
    drop(machine);
    let emulator = qemu(disk.path(), "").and_then(|mut command| command.spawn().ok());
    let mut emulator = emulator.expect("the emulator starts");
    let mut keys = emulator.stdin.take().expect("a pipe");
    // One that has ended already is found out below.
    let _ = keys.write_all(b"quit\n");
    let output = emulator.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_disk_that_qemu_writes_is_refused_here_and_one_that_it_reads_is_shared() {
    use DiskAccess::{Ephemeral, Keep, ReadOnly};
    for (flags, free) in [("", &[][..]), (",readonly=on", &[Ephemeral, ReadOnly])] {
        let disk = disk();
        let Some(mut command) = qemu(disk.path(), flags) else {
            return;
        };
        let mut emulator = command.spawn().map(Running).expect("the emulator starts");
        // Its monitor's prompt comes when the machine is complete.
        let out = emulator.0.stdout.as_mut().expect("a pipe");
        let (mut said, mut byte) = (Vec::new(), [0]);
        while !said.ends_with(b"(qemu) ") && matches!(out.read(&mut byte), Ok(1)) {
            said.push(byte[0]);
        }
        for access in [Keep, ReadOnly, Ephemeral] {
            match ours(disk.path(), access) {
                Ok(_) => assert!(free.contains(&access), "{access:?} of {flags:?}"),
                Err(VmError::DiskInUse { holder, .. }) => {
                    assert!(!free.contains(&access), "{access:?} of {flags:?}");
                    let holder = holder.expect("a holder");
                    // Started through the loader of its own libraries.
                    assert_eq!(holder.pid, emulator.0.id());
                    assert!(!holder.is_vm(), "{holder}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
