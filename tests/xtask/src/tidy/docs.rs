//! Prose where it has to be: family READMEs, module docs, invariants; and no logic in files
//! that are an index.

use super::scan::find_word;
use super::tree::{File, Finding, Tree};

/// Folders of several crates.
const FAMILIES: &[&str] = &["vm-frontend", "vm-engine", "vm-device", "tests"];

/// A family folder has a README that states its rule.
pub fn family_readme(tree: &Tree) -> Vec<Finding> {
    let lacking = FAMILIES.iter().filter(|family| {
        let is_there = tree.files.iter().any(|file| file.folder() == **family);
        let readme = tree.file(&format!("{family}/README.md"));
        is_there && readme.is_none_or(|file| file.text.trim().is_empty())
    });
    lacking
        .map(|family| Finding {
            path: format!("{family}/README.md"),
            line: 1,
            rule: "family-readme",
            fact: "the family has no README".to_owned(),
            help: "say in a paragraph what its members have in common and which rule they keep",
        })
        .collect()
}

/// A source begins with a module doc.
pub fn module_doc(tree: &Tree) -> Vec<Finding> {
    let lacking = tree.sources().filter(|file| {
        let first = file.text.lines().find(|line| !line.trim().is_empty());
        let doc = first.and_then(|line| line.strip_prefix("//!"));
        doc.is_none_or(|doc| doc.trim().is_empty())
    });
    lacking
        .map(|file| Finding {
            path: file.path.clone(),
            line: 1,
            rule: "module-doc",
            fact: "the file does not begin with //!".to_owned(),
            help: "say in a sentence what it is",
        })
        .collect()
}

/// A library's first file states what always holds.
pub fn invariants(tree: &Tree) -> Vec<Finding> {
    let libraries = tree
        .sources()
        .filter(|file| file.path.ends_with("src/lib.rs"));
    let lacking = libraries.filter(|file| {
        !file
            .text
            .lines()
            .any(|line| line.starts_with("//! **Invariant**"))
    });
    lacking
        .map(|file| Finding {
            path: file.path.clone(),
            line: 1,
            rule: "invariants",
            fact: "the crate's doc states no **Invariant**".to_owned(),
            help: "end the paragraph with what every caller may rely on",
        })
        .collect()
}

/// `lib.rs` and `mod.rs` hold modules, re-exports and prose.
pub fn index_files(tree: &Tree) -> Vec<Finding> {
    let is_index = |file: &&File| file.path.ends_with("/lib.rs") || file.path.ends_with("/mod.rs");
    let mut findings = Vec::new();
    for file in tree.sources().filter(is_index) {
        let logic = file
            .scan
            .program_lines()
            .find(|(_, code)| find_word(code, "fn").is_some());
        if let Some((line, _)) = logic {
            findings.push(Finding {
                path: file.path.clone(),
                line,
                rule: "index-file",
                fact: "a function in a file that is an index".to_owned(),
                help: "give it a file with a name of its own",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{family_readme, index_files, invariants, module_doc};

    #[test]
    fn families() {
        let member = ("vm-device/bus/Cargo.toml", "");
        check(family_readme, &[member], &["vm-device/README.md:1"]);
        check(
            family_readme,
            &[member, ("vm-device/README.md", "\n")],
            &["vm-device/README.md:1"],
        );
        check(
            family_readme,
            &[member, ("vm-device/README.md", "Chips.")],
            &[],
        );
        check(family_readme, &[("vm-core/Cargo.toml", "")], &[]);
    }

    #[test]
    fn module_docs() {
        let good = [("a.rs", "//! A.\n"), ("b.rs", "\n//! B.\n")];
        check(module_doc, &good, &[]);
        let bad = [
            ("a.rs", ""),
            ("b.rs", "// B.\n//! C.\n"),
            ("c.rs", "//!\n"),
            ("d.rs", "x"),
        ];
        check(module_doc, &bad, &["a.rs:1", "b.rs:1", "c.rs:1", "d.rs:1"]);
    }

    #[test]
    fn invariant_lines() {
        check(
            invariants,
            &[("a/src/lib.rs", "//! A.\n//! **Invariant**: b.\n")],
            &[],
        );
        check(
            invariants,
            &[("a/src/lib.rs", "//! A.\n"), ("a/src/b.rs", "")],
            &["a/src/lib.rs:1"],
        );
    }

    #[test]
    fn logic_in_an_index() {
        check(
            index_files,
            &[("a/src/lib.rs", "mod a;\npub use a::b; // fn\n")],
            &[],
        );
        check(
            index_files,
            &[("a/src/b/mod.rs", "mod a;\nfn f() {}\n")],
            &["a/src/b/mod.rs:2"],
        );
        check(index_files, &[("a/src/b.rs", "fn f() {}\n")], &[]);
    }
}
