//! Kernel modules for the initramfs: the wanted ones and what they depend on, in load order.
//!
//! The package has no dependency index (a machine makes it when it installs the kernel), so
//! the order comes from the modules themselves: their `.modinfo` section holds `depends=a,b`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A module, decompressed.
pub struct Module {
    /// Its name without a suffix.
    pub name: String,
    /// Its ELF file.
    pub data: Vec<u8>,
}

/// Loads `wanted` and what they need from the `.ko` files below `folder`, dependencies first.
///
/// `decompress` reads one module file.
pub fn in_load_order(
    folder: &Path,
    wanted: &[&str],
    decompress: impl Fn(&Path) -> Result<Vec<u8>>,
) -> Result<Vec<Module>> {
    let files = files(folder)?;
    let mut order: Vec<Module> = Vec::new();
    for name in wanted {
        visit(name, &files, &decompress, &mut Vec::new(), &mut order)?;
    }
    Ok(order)
}

fn visit(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    decompress: &impl Fn(&Path) -> Result<Vec<u8>>,
    path: &mut Vec<String>,
    order: &mut Vec<Module>,
) -> Result<()> {
    let name = name.replace('-', "_");
    if order.iter().any(|module| module.name == name) {
        return Ok(());
    }
    if path.contains(&name) {
        bail!(
            "kernel modules depend on each other in a circle: {}",
            path.join(" ")
        );
    }
    let file = files.get(&name);
    let file = file.with_context(|| format!("the kernel package has no module {name}"))?;
    let data = decompress(file).with_context(|| format!("reading {}", file.display()))?;
    path.push(name);
    for needed in dependencies(&data) {
        visit(&needed, files, decompress, path, order)?;
    }
    let name = path
        .pop()
        .context("the path holds the name that was pushed")?;
    order.push(Module { name, data });
    Ok(())
}

/// All module files below `folder`, by the names of their modules.
pub fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    Ok(files)
}

/// Module files by name; the kernel treats `-` and `_` in names alike.
fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if let Some(name) = path.file_name().and_then(OsStr::to_str)
            && let Some((stem, _)) = name.split_once(".ko")
        {
            files.insert(stem.replace('-', "_"), path);
        }
    }
    Ok(())
}

/// The names after `depends=` in the module's `.modinfo`, a list of NUL-ended strings.
fn dependencies(data: &[u8]) -> Vec<String> {
    let strings = data.split(|byte| *byte == 0);
    let list = strings
        .filter_map(|string| string.strip_prefix(b"depends="))
        .next();
    let list = String::from_utf8_lossy(list.unwrap_or_default()).into_owned();
    list.split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{dependencies, in_load_order};

    #[test]
    fn depends_line() {
        assert_eq!(
            dependencies(b"\x7fELF\0license=GPL\0depends=a,b-c\0x"),
            ["a", "b-c"]
        );
        assert!(dependencies(b"\x7fELF\0depends=\0name=x\0").is_empty());
        assert!(dependencies(b"\x7fELF\0softdepends=a\0").is_empty());
    }

    fn check(files: &[(&str, &str)], wanted: &[&str], want: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, depends) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            fs::write(path, format!("ELF\0depends={depends}\0")).expect("write");
        }
        let got = in_load_order(folder.path(), wanted, |path| Ok(fs::read(path)?));
        match (got, want) {
            (Ok(got), Ok(want)) => {
                let got: Vec<_> = got.iter().map(|module| module.name.as_str()).collect();
                assert_eq!(got, want);
            }
            (got, Err(want)) => {
                let error = got.err().expect("an error");
                assert!(format!("{error:#}").contains(want), "{error:#}");
            }
            (Err(error), Ok(_)) => panic!("{error:#}"),
        }
    }

    #[test]
    fn dependencies_come_first_and_once() {
        let files = [
            ("fs/ext4.ko.xz", "jbd2,crc16"),
            ("fs/jbd2.ko.xz", "crc16"),
            ("lib/crc16.ko.xz", ""),
        ];
        check(&files, &["ext4", "jbd2"], Ok(&["crc16", "jbd2", "ext4"]));
        check(
            &[("a/virtio-rng.ko", "")],
            &["virtio_rng"],
            Ok(&["virtio_rng"]),
        );
        check(&files[..2], &["ext4"], Err("no module crc16"));
        check(&[("a.ko", "b"), ("b.ko", "a")], &["a"], Err("circle"));
    }
}
