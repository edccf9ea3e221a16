//! The files that the rules look at, and what a rule has to say.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::manifest::Manifest;
use super::scan::{self, Scan};
use crate::images::run;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the root of the workspace.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The name of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub fact: String,
    /// What to do about it.
    pub help: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            fact,
            help,
        } = self;
        write!(f, "{path}:{line}: {rule}: {fact}; {help}")
    }
}

/// One file of the repository.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its text; empty for a binary file.
    pub text: String,
    /// For Rust sources: the text split into code and comments.
    pub scan: Scan,
}

impl File {
    fn new(path: String, content: &[u8]) -> Self {
        let bytes = content.len() as u64;
        let text = match std::str::from_utf8(content) {
            Ok(text) if !text.contains('\0') => text.to_owned(),
            _ => String::new(),
        };
        let scan = if path.ends_with(".rs") {
            scan::scan(&text)
        } else {
            Scan::default()
        };
        Self {
            path,
            bytes,
            text,
            scan,
        }
    }

    /// Lines of the text, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The first part of the path.
    pub fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether the whole file is test code: it has no part in the program.
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| {
            matches!(
                part,
                "tests" | "benches" | "examples" | "fuzz" | "tests.rs" | "build.rs"
            )
        })
    }
}

/// All files of the repository that are tracked or about to be.
#[derive(Default)]
pub struct Tree {
    /// The files, by path.
    pub files: Vec<File>,
    /// The manifests of the crates, the workspace's own not among them.
    pub crates: Vec<Manifest>,
}

impl Tree {
    /// Reads what git knows below `root`, new files that are not ignored included.
    pub fn read(root: &Path) -> Result<Self> {
        let mut git = Command::new("git");
        git.arg("-C").arg(root);
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listing = run(&mut git)?;
        let mut files = Vec::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // A tracked file may have been deleted without git being told yet.
            if let Ok(content) = fs::read(root.join(path)) {
                files.push((path.to_owned(), content));
            }
        }
        Ok(Self::new(files))
    }

    fn new(mut files: Vec<(String, Vec<u8>)>) -> Self {
        files.sort();
        files.dedup();
        let files: Vec<_> = files
            .into_iter()
            .map(|(path, content)| File::new(path, &content))
            .collect();
        let manifests = files
            .iter()
            .filter(|file| file.path.ends_with("/Cargo.toml"));
        let crates = manifests
            .map(|file| Manifest::parse(&file.path, &file.text))
            .collect();
        Self { files, crates }
    }

    /// A tree for a rule's test.
    #[cfg(test)]
    pub fn sample(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_owned());
        Self::new(files.iter().map(owned).collect())
    }

    /// The Rust sources.
    pub fn sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The crate that `path` belongs to: the one in the deepest folder above it.
    pub fn crate_of(&self, path: &str) -> Option<&Manifest> {
        let inside = |manifest: &&Manifest| {
            path.strip_prefix(&manifest.folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.crates
            .iter()
            .filter(inside)
            .max_by_key(|manifest| manifest.folder.len())
    }
}

/// Shows `rule` a tree of these files and compares the findings, each as `path:line`.
#[cfg(test)]
#[track_caller]
pub fn check(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], want: &[&str]) {
    let mut findings = rule(&Tree::sample(files));
    findings.sort();
    let got: Vec<_> = findings
        .iter()
        .map(|f| format!("{}:{}", f.path, f.line))
        .collect();
    assert_eq!(got, want, "{findings:#?}");
}
