//! Where the workspace is.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The root of the workspace: the nearest folder above the current one whose manifest says so.
pub fn root() -> Result<PathBuf> {
    let here = env::current_dir().context("finding the current folder")?;
    let is_root = |folder: &&std::path::Path| {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        text.lines().any(|line| line.trim() == "[workspace]")
    };
    let found = here.ancestors().find(is_root);
    let found = found.context("this is not inside the workspace; run it from the repository")?;
    Ok(found.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_root_holds_this_crate() {
        let root = super::root().expect("tests run in the crate's folder");
        assert!(root.join("tests/xtask/Cargo.toml").exists());
    }
}
