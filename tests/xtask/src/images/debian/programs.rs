//! An initial RAM disk with programs to measure: a compiler and an interpreter of Debian's, what
//! they are linked with, and what they are given to do.
//!
//! They come without a disk, so that a run begins with them and not with the modules of a file
//! system. The archive follows that of busybox unpacked: the kernel takes several in a row, and
//! unpacking is not what is measured.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::tar;
use super::tree::{Kind, Tree};
use crate::images::build::Trees;
use crate::images::cpio::Archive;
use crate::images::products::{BUSYBOX, HOST_BUSYBOX, KERNEL, PROGRAMS};
use crate::images::{apt, initrd, unit};

/// The packages that are asked for.
pub const PACKAGES: &[&str] = &["gcc-14", "python3.13-minimal"];

/// What the init script calls in the guest.
const RUN: &str = include_str!("../../../../guests/bench/programs/run.sh");

/// What the interpreter runs.
const LOOP: &str = include_str!("../../../../guests/bench/programs/loop.py");

/// Everything that the image is made from beside packages.
pub const PROGRAM_INPUTS: &[&str] = &[
    RUN,
    LOOP,
    unit::HEAD,
    unit::PART,
    initrd::INIT,
    include_str!("programs.rs"),
    include_str!("../unit.rs"),
];

/// Folders that are taken with all that is in them, and beginnings of the names of files.
const WANTED: &[&str] = &[
    "usr/bin/python3.13",
    "usr/bin/riscv64-linux-gnu-as",
    "usr/bin/riscv64-linux-gnu-gcc-14",
    "usr/lib/ld-linux-",
    "usr/lib/python3.13/",
    "usr/lib/riscv64-linux-gnu/ld-linux-",
    "usr/lib/riscv64-linux-gnu/libbfd-",
    "usr/lib/riscv64-linux-gnu/libc.so.",
    "usr/lib/riscv64-linux-gnu/libexpat.so.",
    "usr/lib/riscv64-linux-gnu/libgmp.so.",
    "usr/lib/riscv64-linux-gnu/libisl.so.",
    "usr/lib/riscv64-linux-gnu/libm.so.",
    "usr/lib/riscv64-linux-gnu/libmpc.so.",
    "usr/lib/riscv64-linux-gnu/libmpfr.so.",
    "usr/lib/riscv64-linux-gnu/libopcodes-",
    "usr/lib/riscv64-linux-gnu/libsframe.so.",
    "usr/lib/riscv64-linux-gnu/libz.so.",
    "usr/lib/riscv64-linux-gnu/libzstd.so.",
    "usr/libexec/gcc/riscv64-linux-gnu/14/cc1",
];

/// Names by which programs call each other, and where they lead.
const LINKS: &[(&str, &str)] = &[
    (
        "lib/ld-linux-riscv64-lp64d.so.1",
        "../usr/lib/riscv64-linux-gnu/ld-linux-riscv64-lp64d.so.1",
    ),
    ("usr/bin/as", "riscv64-linux-gnu-as"),
    ("usr/bin/gcc", "riscv64-linux-gnu-gcc-14"),
    ("usr/bin/python3", "python3.13"),
];

/// Makes the image.
pub fn programs(trees: &Trees, out: &Path) -> Result<()> {
    let mut tree = Tree::default();
    for file in trees.packed(&PROGRAMS) {
        apt::with_files(file, |archive| tar::read(archive, &mut tree))?;
    }
    let busybox = |package| trees.of(package).join("usr/bin/busybox");
    let given = [
        ("bench/run.sh", RUN.into()),
        ("bench/loop.py", LOOP.into()),
        ("bench/unit.c", unit::text().into_bytes()),
    ];
    let mut image = initrd::build(
        &initrd::busybox(&given),
        &busybox(&BUSYBOX),
        &trees.of(&KERNEL),
        &busybox(&HOST_BUSYBOX),
    )?;
    // Each archive begins at a multiple of four bytes.
    image.resize(image.len().next_multiple_of(4), 0);
    image.extend(packed(&tree)?);
    Ok(fs::write(out, image)?)
}

fn packed(tree: &Tree) -> Result<Vec<u8>> {
    let wanted = |name: &str| WANTED.iter().any(|start| name.starts_with(start));
    let mut folders = BTreeSet::new();
    for (name, _) in tree.nodes().filter(|(name, _)| wanted(name)) {
        folders.extend(name.match_indices('/').map(|(at, _)| &name[..at]));
    }
    let lacking = WANTED
        .iter()
        .find(|start| !tree.nodes().any(|(name, _)| name.starts_with(**start)));
    if let Some(start) = lacking {
        bail!("no package has {start}...");
    }
    let mut archive = Archive::default();
    for (name, node) in tree.nodes() {
        match &node.kind {
            Kind::Folder if folders.contains(name) => archive.directory(name),
            Kind::File(data) if wanted(name) => archive.file(name, node.mode, data),
            Kind::Link(target) if wanted(name) => archive.symlink(name, target),
            _ => {}
        }
    }
    for (name, target) in LINKS {
        let folder = Path::new(name).parent().context("a link is in a folder")?;
        let there = folder.join(target);
        archive.symlink(name, target);
        let file = there.to_str().context("a name is UTF-8")?;
        let file = file.strip_prefix("lib/../").unwrap_or(file);
        if !tree.has(file) {
            bail!("no package has {file}");
        }
    }
    Ok(archive.finish())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{LINKS, WANTED, packed};

    fn complete() -> Tree {
        let mut tree = Tree::default();
        for start in WANTED {
            let name = format!("{start}x");
            tree.file(&name, 0o755, start.as_bytes()).expect("new");
        }
        let targets = LINKS.iter().map(|(_, target)| *target);
        for target in targets {
            let name = match target.strip_prefix("../") {
                Some(name) => name.to_owned(),
                None => format!("usr/bin/{target}"),
            };
            tree.file(&name, 0o755, "").expect("new");
        }
        tree.file("usr/share/doc/x", 0o644, "unwanted")
            .expect("new");
        tree
    }

    #[test]
    fn only_what_is_wanted_goes_in_with_its_folders() {
        let bytes = packed(&complete()).expect("complete");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let at = |name: &str| text.find(&format!("{name}\0"));
        for start in WANTED {
            assert!(at(&format!("{start}x")).is_some(), "{start}");
        }
        let folder = at("usr/libexec/gcc").expect("a folder");
        assert!(folder < at("usr/libexec/gcc/riscv64-linux-gnu/14/cc1x").expect("a file"));
        assert!(at("usr/bin/gcc").is_some());
        assert!(!text.contains("usr/share"), "{text}");
    }

    #[test]
    fn what_is_lacking_is_named() {
        let mut tree = complete();
        tree.keep(|name| !name.starts_with("usr/lib/python3.13"));
        let error = packed(&tree).expect_err("lacking");
        assert!(error.to_string().contains("usr/lib/python3.13"), "{error}");
        let mut tree = complete();
        tree.keep(|name| name != "usr/bin/python3.13");
        let error = packed(&tree).expect_err("a link leads nowhere");
        assert!(error.to_string().contains("usr/bin/python3.13"), "{error}");
    }
}
