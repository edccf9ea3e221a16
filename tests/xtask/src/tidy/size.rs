//! Sizes: lines of a file, columns of a line, bytes of a tracked file.

use super::skip::skipped_lines;
use super::tree::{Finding, Tree};

/// LIMIT: one idea a file; what is longer is two ideas or a table.
const LINES: usize = 500;
/// LIMIT: what rustfmt keeps to, for the lines it leaves alone.
const COLUMNS: usize = 100;
/// LIMIT: larger things are made by `cargo xtask images`, not tracked.
const BYTES: u64 = 1 << 20;

/// A source has at most 500 lines outside tables.
pub fn lines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let count = skipped_lines(&file.scan)
            .iter()
            .filter(|skipped| !**skipped)
            .count();
        if count > LINES {
            findings.push(Finding {
                path: file.path.clone(),
                line: LINES + 1,
                rule: "file-lines",
                fact: format!("{count} lines, {LINES} are the limit"),
                help: "find the second idea and give it a file",
            });
        }
    }
    findings
}

/// A line has at most 100 columns outside tables.
pub fn columns(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let skipped = skipped_lines(&file.scan);
        for ((line, text), _) in file.lines().zip(skipped).filter(|(_, skipped)| !skipped) {
            let count = text.chars().count();
            if count > COLUMNS {
                findings.push(Finding {
                    path: file.path.clone(),
                    line,
                    rule: "line-columns",
                    fact: format!("{count} columns, {COLUMNS} are the limit"),
                    help: "break it, or mark a table with rustfmt::skip and say why",
                });
            }
        }
    }
    findings
}

/// A tracked file has at most a mebibyte.
pub fn bytes(tree: &Tree) -> Vec<Finding> {
    let big = tree.files.iter().filter(|file| file.bytes > BYTES);
    big.map(|file| Finding {
        path: file.path.clone(),
        line: 1,
        rule: "file-bytes",
        fact: format!("{} bytes, {BYTES} are the limit", file.bytes),
        help: "let a task make it outside the tree",
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{bytes, columns, lines};

    #[test]
    fn long_files() {
        let long = "a;\n".repeat(501);
        check(lines, &[("a.rs", &long)], &["a.rs:501"]);
        check(lines, &[("a.rs", &long[3..])], &[]);
        let table = format!(
            "#[rustfmt::skip]\nconst A: &[u8] = &[\n{}];\n",
            "1,\n".repeat(600)
        );
        check(lines, &[("a.rs", &table)], &[]);
    }

    #[test]
    fn long_lines() {
        let long = format!("// {}\n", "é".repeat(98));
        check(columns, &[("a.rs", &long)], &["a.rs:1"]);
        check(
            columns,
            &[("a.rs", &long.replacen('é', "", 1)), ("b.md", &long)],
            &[],
        );
        check(
            columns,
            &[(
                "a.rs",
                &format!("#[rustfmt::skip]\nconst A: u8 = {long}1;\n"),
            )],
            &[],
        );
    }

    #[test]
    fn large_files() {
        let large = "x".repeat((1 << 20) + 1);
        check(
            bytes,
            &[("a.bin", &large), ("b.bin", &large[1..])],
            &["a.bin:1"],
        );
    }
}
