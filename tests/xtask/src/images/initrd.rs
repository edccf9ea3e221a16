//! The busybox initramfs: what is in it, and its compressed form.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flate2::{Compression, GzBuilder};

use super::cpio::Archive;
use super::modules::{self, Module};

/// The init script of the busybox images.
pub const INIT: &str = include_str!("../../../guests/busybox/init");

/// Modules that the stock kernel does not have built in and the tests use. The checksum module
/// is named because ext4 asks for it by its function, which the kernel leaves to a tool.
const MODULES: &[&str] = &[
    "virtio_mmio",
    "virtio_blk",
    "virtio_net",
    "virtio-rng",
    "crc32c_generic",
    "ext4",
];

/// Commands that the init script and the benches call; busybox finds the rest by itself.
const APPLETS: &[&str] = &[
    "cat",
    "cp",
    "cttyhack",
    "cut",
    "date",
    "dd",
    "dmesg",
    "echo",
    "free",
    "grep",
    "head",
    "insmod",
    "ls",
    "lsmod",
    "mke2fs",
    "mount",
    "nproc",
    "poweroff",
    "ps",
    "reboot",
    "seq",
    "setsid",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "sync",
    "taskset",
    "tr",
    "umount",
    "uname",
    "wc",
    "xxd",
];

/// The initramfs with `extra` files (name, content), all executable, added.
pub fn build(
    busybox: &Path,
    kernel_tree: &Path,
    host_busybox: &Path,
    extra: &[(&str, Vec<u8>)],
) -> Result<Vec<u8>> {
    let unxz = |file: &Path| decompress(host_busybox, file);
    let modules = modules::in_load_order(&kernel_tree.join("usr/lib/modules"), MODULES, unxz)?;
    let busybox = fs::read(busybox).with_context(|| format!("reading {}", busybox.display()))?;
    gzip(&archive(&busybox, &modules, extra))
}

fn archive(busybox: &[u8], modules: &[Module], extra: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in [
        "bench",
        "bin",
        "dev",
        "etc",
        "lib",
        "lib/modules",
        "mnt",
        "proc",
        "sys",
        "tmp",
    ] {
        archive.directory(folder);
    }
    // The kernel opens the console before the init script has mounted /dev.
    archive.device("dev/console", 0o600, 5, 1);
    archive.file("bin/busybox", 0o755, busybox);
    for applet in APPLETS {
        archive.symlink(&format!("bin/{applet}"), "busybox");
    }
    for (index, module) in modules.iter().enumerate() {
        archive.file(
            &format!("lib/modules/{index:02}-{}.ko", module.name),
            0o644,
            &module.data,
        );
    }
    for (name, data) in extra {
        archive.file(name, 0o755, data);
    }
    archive.file("init", 0o755, INIT.as_bytes());
    archive.finish()
}

/// The host's own static busybox from the same packages reads `.xz`, so no tool has to be
/// installed for it.
fn decompress(host_busybox: &Path, file: &Path) -> Result<Vec<u8>> {
    let output = Command::new(host_busybox)
        .args(["xz", "-dc"])
        .arg(file)
        .output();
    let output = output.with_context(|| format!("starting {}", host_busybox.display()))?;
    if !output.status.success() {
        bail!(
            "busybox xz: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// gzip with an empty header: no name, no time, no operating system.
fn gzip(data: &[u8]) -> Result<Vec<u8>> {
    let builder = GzBuilder::new().mtime(0).operating_system(255);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::{APPLETS, INIT, Module, archive, gzip};

    #[test]
    fn same_content_same_bytes() {
        let modules = [Module {
            name: "m".to_owned(),
            data: vec![1],
        }];
        let make = || gzip(&archive(b"box", &modules, &[("bench/run.sh", vec![2])])).expect("gzip");
        let bytes = make();
        assert_eq!(bytes, make());
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let mut plain = Vec::new();
        GzDecoder::new(&bytes[..])
            .read_to_end(&mut plain)
            .expect("whole");
        assert_eq!(
            plain,
            archive(b"box", &modules, &[("bench/run.sh", vec![2])])
        );
    }

    #[test]
    fn the_init_script_calls_only_what_is_linked() {
        let commands = "cat cut dd head insmod mke2fs mount nproc poweroff reboot seq setsid sh \
                        sha256sum sort taskset tr umount uname wc xxd cp cttyhack";
        for command in commands.split_whitespace() {
            assert!(INIT.contains(command), "{command} is no longer used");
            assert!(APPLETS.contains(&command), "{command} is not linked");
        }
    }
}
