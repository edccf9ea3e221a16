//! Names that say nothing.

use super::scan::find_word;
use super::tree::{Finding, Tree};

/// Words that tell only that the author found no better one.
const WORDS: &[&str] = &["Manager", "Util", "Utils", "Common", "Base", "Misc"];

/// No type, file or function has an empty name.
pub fn empty_names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let stem = file
            .path
            .rsplit('/')
            .find(|part| *part != "mod.rs")
            .unwrap_or_default();
        let stem = stem.trim_end_matches(".rs");
        if WORDS.iter().any(|word| word.eq_ignore_ascii_case(stem)) {
            findings.push(finding(&file.path, 1, stem));
        }
        for (line, code) in file.scan.code_lines() {
            if let Some(name) = defined(code).filter(|name| says_nothing(name)) {
                findings.push(finding(&file.path, line, name));
            }
        }
    }
    findings
}

fn finding(path: &str, line: usize, name: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        rule: "empty-name",
        fact: format!("the name {name} says nothing"),
        help: "call it by what it is; a reader is named as the thing it reads, without get_",
    }
}

/// The name that a line of code defines.
fn defined(code: &str) -> Option<&str> {
    let keywords = ["struct", "enum", "trait", "type", "fn", "mod"];
    let at = keywords
        .iter()
        .find_map(|word| Some(find_word(code, word)? + word.len()))?;
    let name = code[at..].strip_prefix(' ')?;
    let end = name
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(name.len());
    Some(&name[..end])
}

fn says_nothing(name: &str) -> bool {
    // The word alone, or as the last word of a longer name.
    name.starts_with("get_") || WORDS.iter().any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::empty_names;

    #[test]
    fn names() {
        let text = "struct CacheManager;\nfn get_x() {}\nenum Common {}\nstruct Baseline;\n\
                    fn budget_() {}\n// struct Util;\n";
        check(
            empty_names,
            &[("a.rs", text)],
            &["a.rs:1", "a.rs:2", "a.rs:3"],
        );
        check(
            empty_names,
            &[("a/util.rs", ""), ("b/misc/mod.rs", "")],
            &["a/util.rs:1", "b/misc/mod.rs:1"],
        );
        check(empty_names, &[("a/database.rs", "fn baseline() {}\n")], &[]);
    }
}
