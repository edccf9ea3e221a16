//! `unsafe` stands only in files that say why.

use super::scan::find_word;
use super::tree::{Finding, Tree};

/// A file with `unsafe` has a `// UNSAFETY:` comment.
pub fn unsafety(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let first = file
            .scan
            .code_lines()
            .find(|(_, code)| find_word(code, "unsafe").is_some());
        if let Some((line, _)) = first
            && !file.scan.comments.contains("UNSAFETY:")
        {
            findings.push(Finding {
                path: file.path.clone(),
                line,
                rule: "unsafety",
                fact: "unsafe without // UNSAFETY:".to_owned(),
                help: "say above the module why safe code cannot do it",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::unsafety;

    #[test]
    fn a_reason_in_the_file() {
        check(unsafety, &[("a.rs", "\nunsafe fn f() {}\n")], &["a.rs:2"]);
        check(
            unsafety,
            &[("a.rs", "// UNSAFETY: why\nunsafe fn f() {}\n")],
            &[],
        );
        check(
            unsafety,
            &[("a.rs", "f(\"UNSAFETY:\"); unsafe {}\n")],
            &["a.rs:1"],
        );
        check(
            unsafety,
            &[("a.rs", "#![deny(unsafe_code)] // unsafe\n")],
            &[],
        );
    }
}
