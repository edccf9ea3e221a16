//! `vm run IMAGE` with the stock kernel on a disk without a partition table.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use tests_xtask::images::{need, tool};

use crate::vm::{hear, start, vm};

const MENU: &str = "default second\nlabel first\nmenu label The first\nlinux /boot/vmlinux\n\
    append vmtest=panic\nlabel second\nmenu label The second\nlinux /boot/vmlinux\n\
    initrd /boot/initrd\nappend root=/dev/vda panic=-1 vmtest=off\n";

/// A folder with `disk.img`, if there is a kernel and something that makes file systems.
fn folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("root/boot/extlinux")).expect("folders");
    fs::copy(need("riscv64/kernel")?, path("root/boot/vmlinux")).expect("the kernel");
    let initrd = need("riscv64/initrd-ready.cpio.gz")?;
    fs::copy(initrd, path("root/boot/initrd")).expect("the RAM disk");
    fs::write(path("root/boot/extlinux/extlinux.conf"), MENU).expect("the menu");
    let mut command = tool("mke2fs")?;
    command.args(["-q", "-t", "ext4", "-d"]).arg(path("root"));
    let made = command.arg(path("disk.img")).arg("64M").output();
    let made = made.expect("it starts");
    assert!(made.status.success(), "{made:?}");
    Some(folder)
}

/// Runs a command line, types when the shell asks, and gives exit code, output and messages.
fn boot(folder: &Path, line: &str, typed: &str) -> (Option<i32>, String, String) {
    let mut child = start(vm(line).current_dir(folder));
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut err = child.stderr.take().expect("a pipe");
    let messages = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = err.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut out = child.stdout.take().expect("a pipe");
    let mut said = Vec::new();
    hear(&mut out, &mut said, "~ # ");
    // A guest that has ended reads nothing.
    let _ = keyboard.write_all(typed.as_bytes());
    out.read_to_end(&mut said).expect("the rest");
    let code = child.wait().expect("it ends").code();
    let messages = messages.join().expect("the messages");
    (code, String::from_utf8_lossy(&said).into_owned(), messages)
}

#[test]
fn a_disk_image_boots_to_a_shell_and_powers_off() {
    let Some(folder) = folder() else { return };
    let line = "run disk.img --time virtual --limit-insns 10000000000 --append vmtest=shell";
    let (code, said, messages) = boot(folder.path(), line, "echo $((6*7))-typed; poweroff -f\n");
    assert_eq!(code, Some(0), "{said}\n{messages}");
    assert!(said.contains("42-typed"), "{said}");
    assert!(
        said.contains("vmtest=off vmtest=shell console=ttyS0"),
        "{said}"
    );
    for line in [
        "  image   disk.img: raw, 64 MiB, no partitions: ext4 -> riscv64\n",
        "  boot    The second  (entry 2 of 3; extlinux.conf: /boot/extlinux/extlinux.conf)\n",
        "  kernel  /boot/vmlinux, ",
        "console=ttyS0 added",
        "  machine virt, 1 CPU, 1 GiB, engine ",
    ] {
        assert!(messages.contains(line), "{line:?} is not in\n{messages}");
    }
}

#[test]
fn the_menu_is_printed_chosen_from_and_told_to_programs() {
    let Some(folder) = folder() else { return };
    let (code, said, _) = boot(folder.path(), "run disk.img --boot list", "");
    assert_eq!(code, Some(0));
    let rows: Vec<&str> = said.lines().collect();
    assert!(
        rows[1].starts_with("1 ") && rows[1].contains("The first"),
        "{said}"
    );
    assert!(
        rows[2].starts_with("2* ") && rows[2].contains("The second"),
        "{said}"
    );
    let (code, said, _) = boot(folder.path(), "run disk.img --boot list --json", "");
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(
        (&json["default"], &json["entries"][0]["arch"]),
        (&2.into(), &"riscv64".into())
    );

    let (code, _, messages) = boot(folder.path(), "run disk.img --boot nothing", "");
    assert_eq!(code, Some(2), "{messages}");
    assert!(messages.starts_with("error[VM0063]"), "{messages}");
    let line = "run disk.img --json --boot second --time virtual --limit-insns 10000000000";
    let (code, said, messages) = boot(folder.path(), line, "");
    assert_eq!(code, Some(0), "{messages}");
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(json["boot"]["entry"]["title"], "The second");
    assert_eq!(
        json["boot"]["options"],
        "root=/dev/vda panic=-1 vmtest=off console=ttyS0"
    );
    assert!(
        messages.contains("VM-OFF") && !messages.contains("  image "),
        "{messages}"
    );
}

#[test]
fn an_image_may_be_a_kernel() {
    let Some(kernel) = need("riscv64/kernel") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(kernel, folder.path().join("kernel.img")).expect("the kernel");
    let line = "run kernel.img --time virtual --limit-insns 200000000 --append earlycon=sbi";
    let (_, said, messages) = boot(folder.path(), line, "");
    assert!(said.contains("Linux version"), "{said}\n{messages}");
    assert!(messages.contains("kernel.img is a kernel"), "{messages}");
}
