//! Programs of this host's architecture from unpacked packages, run with the libraries of their
//! own release: the host may be an older one, or have no such program.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// A command for the program at `path` below the first of `trees`; libraries of all of them are
/// found, and the program sees its own name.
pub fn command(trees: &[PathBuf], path: &str, name: &str) -> Result<Command> {
    let [tree, ..] = trees else {
        bail!("{path} is in no tree");
    };
    let mut folders = OsString::new();
    for tree in trees {
        folders.push(library_folder(&tree.join("usr/lib"))?);
        folders.push(":");
    }
    let usr = tree.join("usr");
    let own = library_folder(&usr.join("lib"))?;
    let mut command = Command::new(loader(&[usr.join("lib64"), usr.join("lib"), own])?);
    command
        .arg("--library-path")
        .arg(folders)
        .arg("--argv0")
        .arg(name)
        .arg(tree.join(path));
    Ok(command)
}

/// The folder of one architecture's libraries: the one with the C library in it.
pub fn library_folder(lib: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(lib)? {
        let folder = entry?.path();
        if folder.join("libc.so.6").exists() {
            return Ok(folder);
        }
    }
    bail!("there is no C library below {}", lib.display())
}

/// The program that loads others.
pub fn loader(folders: &[PathBuf]) -> Result<PathBuf> {
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("ld-linux") && path.exists() {
                return Ok(path);
            }
        }
    }
    bail!("the C library's package has no loader")
}
