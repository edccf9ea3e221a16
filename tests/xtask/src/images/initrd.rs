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

/// What an initial RAM disk is made of, beside busybox.
pub struct Contents<'a> {
    /// The script that the kernel starts.
    pub init: &'a str,
    /// Empty folders.
    pub folders: &'a [&'a str],
    /// Commands that the script calls.
    pub applets: &'a [&'a str],
    /// Kernel modules; those that they need come with them.
    pub modules: &'a [&'a str],
    /// Files, all executable: name and content.
    pub extra: &'a [(&'a str, Vec<u8>)],
}

/// The initial RAM disk that reports to tests.
pub fn busybox<'a>(extra: &'a [(&'a str, Vec<u8>)]) -> Contents<'a> {
    Contents {
        init: INIT,
        folders: FOLDERS,
        applets: APPLETS,
        modules: MODULES,
        extra,
    }
}

const FOLDERS: &[&str] = &[
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
];

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

/// The initial RAM disk, packed.
pub fn build(
    contents: &Contents,
    busybox: &Path,
    kernel_tree: &Path,
    host_busybox: &Path,
) -> Result<Vec<u8>> {
    let unxz = |file: &Path| decompress(host_busybox, file);
    let folder = kernel_tree.join("usr/lib/modules");
    let modules = modules::in_load_order(&folder, contents.modules, unxz)?;
    let busybox = fs::read(busybox).with_context(|| format!("reading {}", busybox.display()))?;
    gzip(&archive(contents, &busybox, &modules))
}

fn archive(contents: &Contents, busybox: &[u8], modules: &[Module]) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in contents.folders {
        archive.directory(folder);
    }
    // The kernel opens the console before the init script has mounted /dev.
    archive.device("dev/console", 0o600, 5, 1);
    archive.file("bin/busybox", 0o755, busybox);
    for applet in contents.applets {
        archive.symlink(&format!("bin/{applet}"), "busybox");
    }
    for (index, module) in modules.iter().enumerate() {
        archive.file(
            &format!("lib/modules/{index:02}-{}.ko", module.name),
            0o644,
            &module.data,
        );
    }
    for (name, data) in contents.extra {
        archive.file(name, 0o755, data);
    }
    archive.file("init", 0o755, contents.init.as_bytes());
    archive.finish()
}

/// The host's own static busybox from the same packages reads `.xz`, so no tool has to be
/// installed for it.
pub fn decompress(host_busybox: &Path, file: &Path) -> Result<Vec<u8>> {
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

    use super::{APPLETS, INIT, Module, archive, busybox, gzip};

    #[test]
    fn same_content_same_bytes() {
        let modules = [Module {
            name: "m".to_owned(),
            data: vec![1],
        }];
        let extra = [("bench/run.sh", vec![2])];
        let plain_archive = || archive(&busybox(&extra), b"box", &modules);
        let make = || gzip(&plain_archive()).expect("gzip");
        let bytes = make();
        assert_eq!(bytes, make());
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let mut plain = Vec::new();
        GzDecoder::new(&bytes[..])
            .read_to_end(&mut plain)
            .expect("whole");
        assert_eq!(plain, plain_archive());
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
