//! Rust files that no `mod` line reaches.

use std::collections::BTreeSet;

use super::manifest::Manifest;
use super::scan::find_word;
use super::tree::{File, Finding, Tree};

/// Every `.rs` file is a target of its crate or is reached from one.
pub fn dead_files(tree: &Tree) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    for manifest in &tree.crates {
        for root in roots(tree, manifest) {
            reach(tree, &root, true, &mut reached);
        }
    }
    let dead = tree
        .sources()
        .filter(|file| !reached.contains(file.path.as_str()));
    dead.map(|file| Finding {
        path: file.path.clone(),
        line: 1,
        rule: "dead-file",
        fact: "no mod line leads here".to_owned(),
        help: "name it in its parent, or delete it",
    })
    .collect()
}

/// The files that cargo compiles by itself.
fn roots(tree: &Tree, manifest: &Manifest) -> Vec<String> {
    let inside = |file: &&File| {
        tree.crate_of(&file.path)
            .is_some_and(|owner| owner.path == manifest.path)
    };
    let is_root = |file: &&File| {
        let Some(rest) = file.path.strip_prefix(&manifest.folder) else {
            return false;
        };
        let rest = rest.trim_start_matches('/');
        let parts: Vec<_> = rest.split('/').collect();
        match parts.as_slice() {
            ["src", "lib.rs" | "main.rs"] | ["build.rs"] | ["src", "bin", _] => true,
            ["tests" | "benches" | "examples" | "fuzz_targets", _] => true,
            ["tests" | "benches" | "examples", _, "main.rs"] => true,
            _ => manifest.targets.iter().any(|target| target == rest),
        }
    };
    let files = tree.sources().filter(inside).filter(is_root);
    files.map(|file| file.path.clone()).collect()
}

fn reach<'a>(tree: &'a Tree, path: &str, is_root: bool, reached: &mut BTreeSet<&'a str>) {
    let Some(file) = tree.file(path) else { return };
    if !reached.insert(&file.path) {
        return;
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let children = if is_root || name == "mod.rs" {
        folder.to_owned()
    } else {
        format!("{folder}/{stem}")
    };
    for module in modules(file) {
        match module {
            Module::Named(name) => {
                reach(tree, &format!("{children}/{name}.rs"), false, reached);
                reach(tree, &format!("{children}/{name}/mod.rs"), false, reached);
            }
            Module::At(path) => reach(tree, &join(folder, &path), false, reached),
        }
    }
}

enum Module {
    Named(String),
    At(String),
}

/// The files that `file` names: `mod x;`, `#[path = "..."]`, `include!("...")`.
fn modules(file: &File) -> Vec<Module> {
    let mut found = Vec::new();
    for ((_, code), (_, raw)) in file.scan.code_lines().zip(file.lines()) {
        // `path` may stand in a `cfg_attr` that spans lines.
        for marker in ["path =", "include!"] {
            if find_word(code, marker).is_some()
                && let Some(at) = raw.find(marker)
                && let Some(path) = raw[at..].split('"').nth(1)
            {
                found.push(Module::At(path.to_owned()));
            }
        }
        let mut rest = code;
        while let Some(at) = find_word(rest, "mod") {
            rest = &rest[at + 3..];
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let after = rest
                .trim_start()
                .strip_prefix(name.as_str())
                .unwrap_or_default();
            if !name.is_empty() && after.trim_start().starts_with(';') {
                found.push(Module::Named(name));
            }
        }
    }
    found
}

/// Joins a relative path, taking `..` back.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::dead_files;

    #[test]
    fn what_no_mod_line_reaches() {
        let manifest = ("a/Cargo.toml", "[package]\nname = \"a\"\n");
        let lib = (
            "a/src/lib.rs",
            "mod b;\n// mod dead;\npub mod c; mod tests { fn x() {} }\n",
        );
        let b = ("a/src/b.rs", "#[cfg(test)]\nmod tests;\n");
        let b_tests = ("a/src/b/tests.rs", "");
        let c = ("a/src/c/mod.rs", "mod d;\n#[path = \"../e.rs\"]\nmod f;\n");
        let c_d = ("a/src/c/d.rs", "");
        let e = ("a/src/e.rs", "");
        let test = ("a/tests/t.rs", "");
        let live = [manifest, lib, b, b_tests, c, c_d, e, test];
        check(dead_files, &live, &[]);
        let dead = ("a/src/dead.rs", "mod d;");
        let stray = ("x.rs", "");
        check(
            dead_files,
            &[&live[..], &[dead, stray]].concat(),
            &["a/src/dead.rs:1", "x.rs:1"],
        );
        check(dead_files, &[manifest, lib, b, c, c_d, b_tests], &[]);
        let without_b: Vec<_> = live.into_iter().filter(|file| *file != b).collect();
        check(dead_files, &without_b, &["a/src/b/tests.rs:1"]);
    }

    #[test]
    fn targets_that_a_manifest_names() {
        let manifest = "[package]\nname = \"a\"\n[[bin]]\npath = \"src/vm.rs\"\n";
        check(
            dead_files,
            &[("a/Cargo.toml", manifest), ("a/src/vm.rs", "")],
            &[],
        );
        check(
            dead_files,
            &[("a/Cargo.toml", ""), ("a/src/vm.rs", "")],
            &["a/src/vm.rs:1"],
        );
    }
}
