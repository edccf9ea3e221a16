//! Things left undone: ignored tests, `todo!`, notes without an issue.

use super::scan::find_word;
use super::tree::{Finding, Tree};

/// No test is ignored.
pub fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    words_in_code(tree, &["#[ignore"], |path, line, _| Finding {
        path,
        line,
        rule: "ignored-test",
        fact: "an ignored test".to_owned(),
        help: "make it run, or delete it; what a machine lacks is a visible SKIP",
    })
}

/// No macro stands for code to come.
pub fn todo_macros(tree: &Tree) -> Vec<Finding> {
    words_in_code(tree, &["todo!", "unimplemented!"], |path, line, word| {
        Finding {
            path,
            line,
            rule: "todo-macro",
            fact: format!("{word} stands where code should"),
            help: "write it, or answer with an error the caller can handle",
        }
    })
}

fn words_in_code(
    tree: &Tree,
    words: &[&str],
    finding: impl Fn(String, usize, &str) -> Finding,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        for (line, code) in file.scan.code_lines() {
            for word in words.iter().filter(|word| find_word(code, word).is_some()) {
                findings.push(finding(file.path.clone(), line, word));
            }
        }
    }
    findings
}

/// A note for later names its issue, as in `TODO(#12)`; other such words are not used.
pub fn notes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        for (line, comment) in file.scan.comment_lines() {
            let bare_todo = find_word(comment, "TODO").is_some_and(|at| {
                !comment[at + 4..]
                    .trim_start_matches(['(', ' '])
                    .starts_with('#')
            });
            let other = ["FIXME", "XXX", "HACK"]
                .iter()
                .any(|w| find_word(comment, w).is_some());
            if bare_todo || other {
                findings.push(Finding {
                    path: file.path.clone(),
                    line,
                    rule: "note",
                    fact: "a note for later without an issue".to_owned(),
                    help: "write TODO(#number), or say in plain words what is not done",
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{ignored_tests, notes, todo_macros};

    #[test]
    fn ignored() {
        check(
            ignored_tests,
            &[("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n")],
            &["a.rs:2"],
        );
        check(
            ignored_tests,
            &[("a.rs", "// #[ignore]\nlet ignore = 1;\n")],
            &[],
        );
    }

    #[test]
    fn macros() {
        let text = "fn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\nlet a = todo;\n";
        check(todo_macros, &[("a.rs", text)], &["a.rs:1", "a.rs:2"]);
        check(todo_macros, &[("a.rs", "// todo!()\n\"todo!()\";\n")], &[]);
    }

    #[test]
    fn notes_name_an_issue() {
        let text = "// TODO: a\n// TODO(#3): b\n// TODO #4\n// FIXME(#3)\nlet TODO = 1;\n";
        check(notes, &[("a.rs", text)], &["a.rs:1", "a.rs:4"]);
    }
}
