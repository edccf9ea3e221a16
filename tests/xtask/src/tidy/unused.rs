//! Dependencies that nothing uses.

use super::scan::find_word;
use super::tree::{Finding, Tree};

/// A crate's sources mention each of its dependencies.
pub fn unused_dependencies(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &tree.crates {
        let mine = |path: &str| tree.crate_of(path).is_some_and(|m| m.path == manifest.path);
        let sources: Vec<_> = tree.sources().filter(|file| mine(&file.path)).collect();
        for dependency in &manifest.dependencies {
            let word = dependency.name.replace('-', "_");
            if sources
                .iter()
                .any(|file| find_word(&file.scan.code, &word).is_some())
            {
                continue;
            }
            findings.push(Finding {
                path: manifest.path.clone(),
                line: dependency.line,
                rule: "unused-dependency",
                fact: format!("no source of the crate mentions {word}"),
                help: "remove the line",
            });
        }
    }
    findings
}

/// Every version that the workspace states is asked for by some crate.
pub fn unused_versions(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file("Cargo.toml") else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut inside = false;
    for (line, text) in root.lines() {
        if text.starts_with('[') {
            inside = text.trim() == "[workspace.dependencies]";
            continue;
        }
        let name = match text.split_once('=') {
            Some((name, _)) if inside && !text.starts_with('#') => name.trim(),
            _ => continue,
        };
        let mut dependencies = tree
            .crates
            .iter()
            .flat_map(|manifest| &manifest.dependencies);
        if !dependencies.any(|dependency| dependency.name == name) {
            findings.push(Finding {
                path: root.path.clone(),
                line,
                rule: "unused-version",
                fact: format!("no crate depends on {name}"),
                help: "remove the line",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{unused_dependencies, unused_versions};

    #[test]
    fn a_crate_mentions_what_it_asks_for() {
        let manifest = (
            "a/Cargo.toml",
            "[dependencies]\nvm-core = \"1\"\n[dev-dependencies]\nx=1\n",
        );
        let uses = ("a/src/lib.rs", "use vm_core::A;\n");
        check(unused_dependencies, &[manifest, uses], &["a/Cargo.toml:4"]);
        let test = ("a/tests/t.rs", "x::f();\n");
        check(unused_dependencies, &[manifest, uses, test], &[]);
        let comment = ("a/src/lib.rs", "// vm_core\nmy_vm_core();\nx::f();\n");
        check(
            unused_dependencies,
            &[manifest, comment],
            &["a/Cargo.toml:2"],
        );
        let elsewhere = [
            ("b/Cargo.toml", ""),
            ("b/src/lib.rs", "use vm_core; use x;"),
        ];
        check(
            unused_dependencies,
            &[&[manifest, uses, test], &elsewhere[..]].concat(),
            &[],
        );
    }

    #[test]
    fn versions_nobody_asks_for() {
        let root = "[workspace]\nx = 1\n[workspace.dependencies]\n# c\na = \"1\"\nb = \"2\"\n";
        let files = [
            ("Cargo.toml", root),
            ("m/Cargo.toml", "[dependencies]\na.workspace = true\n"),
        ];
        check(unused_versions, &files, &["Cargo.toml:6"]);
    }
}
