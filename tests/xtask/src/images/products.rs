//! The table of images, and how each is made from unpacked packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::apt;
use super::build::Trees;
use super::initrd;

/// A Debian package that images are made from.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// `name` (this host's architecture) or `name:architecture`.
    pub name: &'static str,
    /// When not empty, `name` is a meta package, and the package is its dependency that begins
    /// so.
    pub stands_for: &'static str,
    /// Patterns of the members to unpack.
    pub members: &'static [&'static str],
}

/// One image.
pub struct Product {
    /// Its path below the image folder.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Counts up when the way it is made changes.
    pub recipe: u32,
    /// Our own files that go into it.
    pub inputs: &'static [&'static str],
    /// The packages it is made from.
    pub packages: &'static [&'static Package],
    /// A program that has to be on the machine to make it.
    pub tool: Option<&'static str>,
    make: fn(&Trees, &Path) -> Result<()>,
}

impl Product {
    /// Makes the image as file `out`.
    pub fn make(&self, trees: &Trees, out: &Path) -> Result<()> {
        (self.make)(trees, out)
    }
}

static KERNEL: Package = Package {
    name: "linux-image-riscv64:riscv64",
    stands_for: "linux-image-",
    members: &["./boot/vmlinux-*", "./usr/lib/modules/*.ko.xz"],
};
static BUSYBOX: Package = Package {
    name: "busybox-static:riscv64",
    stands_for: "",
    members: &["./usr/bin/busybox"],
};
static HOST_BUSYBOX: Package = Package {
    name: "busybox-static",
    stands_for: "",
    members: &["./usr/bin/busybox"],
};
static OPENSBI: Package = Package {
    name: "opensbi",
    stands_for: "",
    members: &["./usr/lib/riscv64-linux-gnu/opensbi/generic/*.bin"],
};
static QEMU_USER: Package = Package {
    name: "qemu-user",
    stands_for: "",
    members: &["./usr/bin/qemu-riscv64", "./usr/bin/qemu-aarch64"],
};

/// Every image there is. The package's System.map is a note that the real one is elsewhere, so
/// it is not among them.
pub const PRODUCTS: &[Product] = &[
    Product {
        name: "riscv64/kernel",
        doc: "the stock Debian 13 riscv64 kernel, a flat Image",
        recipe: 1,
        inputs: &[],
        packages: &[&KERNEL],
        tool: None,
        make: |trees, out| {
            let kernel = only_file(&trees.of(&KERNEL).join("boot"))?;
            // "RISC-V boot image header": the magic stands at offset 56.
            let bytes = fs::read(&kernel)?;
            if bytes.get(56..60) != Some(b"RSC\x05") {
                bail!("{} is not a flat RISC-V Image", kernel.display());
            }
            Ok(fs::write(out, bytes)?)
        },
    },
    Product {
        name: "riscv64/initrd-ready.cpio.gz",
        doc: "busybox initramfs that reports VM-READY, then does what vmtest= says",
        recipe: 1,
        inputs: &[initrd::INIT],
        packages: &[&KERNEL, &BUSYBOX, &HOST_BUSYBOX],
        tool: None,
        make: |trees, out| make_initrd(trees, out, &[]),
    },
    Product {
        name: "riscv64/opensbi.bin",
        doc: "Debian's OpenSBI, generic platform, fw_dynamic (the caller says where to go next)",
        recipe: 1,
        inputs: &[],
        packages: &[&OPENSBI],
        tool: None,
        make: |trees, out| make_opensbi(trees, out, "fw_dynamic.bin"),
    },
    Product {
        name: "riscv64/opensbi-jump.bin",
        doc: "Debian's OpenSBI, generic platform, fw_jump (goes on at a fixed address)",
        recipe: 1,
        inputs: &[],
        packages: &[&OPENSBI],
        tool: None,
        make: |trees, out| make_opensbi(trees, out, "fw_jump.bin"),
    },
    Product {
        name: "qemu/qemu-riscv64",
        doc: "QEMU 10 user emulator for riscv64 programs, static: the outside judge",
        recipe: 1,
        inputs: &[],
        packages: &[&QEMU_USER],
        tool: None,
        make: |trees, out| make_qemu_user(trees, out, "qemu-riscv64"),
    },
    Product {
        name: "qemu/qemu-aarch64",
        doc: "QEMU 10 user emulator for aarch64 programs, static: the outside judge",
        recipe: 1,
        inputs: &[],
        packages: &[&QEMU_USER],
        tool: None,
        make: |trees, out| make_qemu_user(trees, out, "qemu-aarch64"),
    },
];

fn make_initrd(trees: &Trees, out: &Path, extra: &[(&str, Vec<u8>)]) -> Result<()> {
    let busybox = trees.of(&BUSYBOX).join("usr/bin/busybox");
    let host_busybox = trees.of(&HOST_BUSYBOX).join("usr/bin/busybox");
    let bytes = initrd::build(&busybox, &trees.of(&KERNEL), &host_busybox, extra)?;
    Ok(fs::write(out, bytes)?)
}

fn make_opensbi(trees: &Trees, out: &Path, name: &str) -> Result<()> {
    let folder = trees
        .of(&OPENSBI)
        .join("usr/lib/riscv64-linux-gnu/opensbi/generic");
    copy(&folder.join(name), out)
}

/// The copy is run once, so that a binary that this host cannot run is never called made.
fn make_qemu_user(trees: &Trees, out: &Path, name: &str) -> Result<()> {
    copy(&trees.of(&QEMU_USER).join("usr/bin").join(name), out)?;
    let text = apt::run(Command::new(out).arg("--version"))?;
    if !text.starts_with(&format!("{name} version 10.")) {
        let line = text.lines().next().unwrap_or_default();
        bail!("{name} says it is {line:?}, not version 10");
    }
    Ok(())
}

/// Copies content and permission bits.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let paths: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    match paths.as_slice() {
        [path] => Ok(path.clone()),
        _ => bail!("{} holds {} files, not one", folder.display(), paths.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::PRODUCTS;

    #[test]
    fn rows_are_complete() {
        for (index, product) in PRODUCTS.iter().enumerate() {
            assert!(
                product.name.contains('/'),
                "{} is in no folder",
                product.name
            );
            assert!(
                !product.doc.is_empty() && !product.packages.is_empty(),
                "{}",
                product.name
            );
            assert!(
                PRODUCTS[..index]
                    .iter()
                    .all(|other| other.name != product.name)
            );
        }
    }
}
