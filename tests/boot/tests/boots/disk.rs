//! A disk that is booted by what is on it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tests_boot::Guest;
use tests_xtask::images::{need, tool};
use vm_runtime::{DiskAccess, OnReset, Outcome};

const PROMPT: &str = "~ # ";
const GRUB: &str = "set default=0\nmenuentry 'Test' {\n\
    search --no-floppy --label --set=root system\n\
    linux /boot/vmlinux root=LABEL=system panic=-1 vmtest=shell modules=1 mark=first\n\
    initrd /boot/initrd.img\n}\n";

/// Runs a program of e2fsprogs or util-linux that must succeed; `None` where it is lacking.
fn make(name: &str, arguments: &[&str], input: &str) -> Option<()> {
    let mut command = tool(name)?;
    let started = command.args(arguments).stdin(Stdio::piped()).spawn();
    let mut child = started.expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends").success(), "{name}");
    Some(())
}

/// A folder with `disk.img`: a GPT with one ext4 that has kernel, RAM disk and GRUB's menu.
fn disk() -> Option<TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.display().to_string();
    fs::create_dir_all(path("root/boot/grub")).expect("folders");
    fs::copy(need("riscv64/kernel")?, path("root/boot/vmlinux")).expect("the kernel");
    let initrd = need("riscv64/initrd-ready.cpio.gz")?;
    fs::copy(initrd, path("root/boot/initrd.img")).expect("the RAM disk");
    fs::write(path("root/boot/grub/grub.cfg"), GRUB).expect("the menu");
    let disk = path("disk.img");
    fs::File::create(&disk)
        .and_then(|file| file.set_len(80 << 20))
        .expect("a disk");
    make(
        "sfdisk",
        &["-q", &text(&disk)],
        "label: gpt\nstart=2048, size=159744, type=L\n",
    )?;
    let tree = text(&path("root"));
    let offset = "offset=1048576";
    let arguments = [
        "-q", "-F", "-t", "ext4", "-L", "system", "-E", offset, "-d", &tree,
    ];
    let all: Vec<&str> = arguments
        .into_iter()
        .chain([text(&disk).leak(), "78M"])
        .collect();
    make("mke2fs", &all, "")?;
    Some(folder)
}

#[test]
fn a_disk_boots_by_its_menu_and_by_the_menu_that_the_guest_wrote() {
    let Some(folder) = disk() else { return };
    let disk = folder.path().join("disk.img");
    let before = fs::read(&disk).expect("the disk");
    // What is written to a throw-away copy is there for the restart, and not in the file.
    for access in [DiskAccess::Ephemeral, DiskAccess::Keep] {
        boot_and_change(&disk, access);
        let same = fs::read(&disk).expect("the disk") == before;
        assert_eq!(same, access == DiskAccess::Ephemeral);
    }
}

fn boot_and_change(disk: &Path, access: DiskAccess) {
    let change = "mount -t ext4 /dev/vda1 /mnt && \
        sed -i s/mark=first/mark=second/ /mnt/boot/grub/grub.cfg; umount /mnt; reboot -f\n";
    let guest = Guest::from_disk(disk, "console=ttyS0", access);
    let guest = guest.seed(3).on_reset(OnReset::Restart);
    let guest = guest.send(PROMPT, change).send("Restarting system", "");
    let guest = guest.send(PROMPT, "echo again; poweroff -f\n");
    let boot = guest.run().ends(Outcome::PowerOff).says(&[
        "root=LABEL=system panic=-1 vmtest=shell modules=1 mark=first console=ttyS0",
        PROMPT,
        "Restarting system",
        "mark=second",
        "again",
        "Power down",
    ]);
    assert_eq!(boot.ending.resets, 1);
}
