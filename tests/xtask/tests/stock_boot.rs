//! The images boot under another emulator, so a boot that fails under `vm` is not their fault.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use tests_xtask::images::need;

/// Boots the stock kernel with `vmtest=TEST` and wants each of `wanted` as a whole line, in
/// order.
fn check(test: &str, devices: &[&str], wanted: &[&str]) {
    let (Some(qemu), Some(kernel), Some(initrd)) = (
        need("qemu/system"),
        need("riscv64/kernel"),
        need("riscv64/initrd-ready.cpio.gz"),
    ) else {
        return;
    };
    // LIMIT: seconds; a boot takes about three on a quiet machine.
    let mut command = Command::new("timeout");
    command.arg("240").arg(qemu.join("qemu-system-riscv64"));
    command.args(["-M", "virt", "-m", "512", "-nographic", "-no-reboot"]);
    command
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initrd);
    command
        .args(["-append", &format!("console=ttyS0 panic=-1 vmtest={test}")])
        .args(devices);
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("timeout starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{text}", output.status);
    assert!(!text.contains("VM-FAIL"), "{text}");
    let mut lines = text.lines().map(str::trim);
    for want in wanted {
        assert!(
            lines.any(|line| line == *want),
            "no {want:?} where it should be in\n{text}"
        );
    }
}

#[test]
fn two_processors_agree() {
    check(
        "smp",
        &["-smp", "2"],
        &["VM-READY", "VM-SMP cpus 2", "VM-SMP ok", "VM-OFF"],
    );
}

#[test]
fn a_disk_keeps_what_is_written() {
    let disk = tempfile::NamedTempFile::new().expect("a temporary file");
    disk.as_file().set_len(8 << 20).expect("eight mebibytes");
    let drive = format!("file={},format=raw,if=none,id=disk", disk.path().display());
    let devices = ["-drive", &drive, "-device", "virtio-blk-device,drive=disk"];
    let wanted = [
        "VM-READY",
        "VM-BLK sectors 16384",
        "VM-BLK raw ok",
        "VM-BLK ext4 ok",
        "VM-OFF",
    ];
    check("blk", &devices, &wanted);
}

#[test]
fn an_installed_debian_comes_to_its_login_prompt() {
    let (Some(qemu), Some(kernel), Some(initrd), Some(disk)) = (
        need("qemu/system"),
        need("riscv64/kernel"),
        need("riscv64/debian-initrd.cpio.gz"),
        need("riscv64/debian.img"),
    ) else {
        return;
    };
    let drive = format!(
        "file={},format=raw,if=none,id=disk,snapshot=on",
        disk.display()
    );
    // LIMIT: seconds; a boot takes about twenty on a quiet machine.
    let mut command = Command::new("timeout");
    command.arg("400").arg(qemu.join("qemu-system-riscv64"));
    command.args(["-M", "virt", "-m", "512", "-nographic", "-no-reboot"]);
    command
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initrd);
    command.args(["-append", "root=LABEL=root ro quiet console=ttyS0"]);
    command.args(["-drive", &drive, "-device", "virtio-blk-pci,drive=disk"]);
    let mut emulator = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("timeout starts");
    let mut out = emulator.stdout.take().expect("a pipe");
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"debian login: ") && matches!(out.read(&mut byte), Ok(1)) {
        said.push(byte[0]);
    }
    // Ctrl-A x ends the emulator; the other end may be gone already.
    if let Some(mut keys) = emulator.stdin.take() {
        let _ = keys.write_all(b"\x01x");
    }
    let _ = emulator.wait();
    let said = String::from_utf8_lossy(&said);
    assert!(said.ends_with("debian login: "), "{said}");
    assert!(!said.contains("Failed to start"), "{said}");
}
