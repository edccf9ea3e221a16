//! The images boot under another emulator, so a boot that fails under `vm` is not their fault.

use std::process::Command;

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
        .stdin(std::process::Stdio::null())
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
