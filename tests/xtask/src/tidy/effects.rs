//! Threads, clocks and files: only where the architecture puts them.

use super::scan::find_word;
use super::tree::{Finding, Tree};

/// Folders whose code may use the host freely.
const PLACES: &[&str] = &["vm-runtime", "vm-cli", "tests"];

/// Members of `std` that reach the host.
#[rustfmt::skip] // one member a line
const MEMBERS: &[(&str, &str)] = &[
    ("thread",     "std::thread"),
    ("fs",         "std::fs"),
    ("Instant",    "std::time::Instant"),
    ("SystemTime", "std::time::SystemTime"),
];

/// Host threads, clocks and files are used in the runtime, the CLI and tests.
pub fn effects(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        // Memory is mapped in one, the hypervisor's device file opened in the other.
        let members = ["vm-mem/", "vm-accel/"];
        let in_sys = members.iter().any(|member| file.path.starts_with(member))
            && file.path.contains("/sys/");
        if PLACES.contains(&file.folder()) || file.is_test() || in_sys {
            continue;
        }
        // Braces of a `use` may span lines.
        let mut in_use = false;
        for (line, code) in file.scan.program_lines() {
            in_use |=
                find_word(code, "std::{").is_some() || find_word(code, "std::time::{").is_some();
            for (member, path) in MEMBERS {
                let named = find_word(code, path).is_some();
                if named || (in_use && find_word(code, member).is_some()) {
                    findings.push(Finding {
                        path: file.path.clone(),
                        line,
                        rule: "host-effects",
                        fact: format!("uses {path}"),
                        help: "be handed a Clock, a back end or a Background instead",
                    });
                }
            }
            in_use &= !code.contains(';');
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::effects;

    #[test]
    fn host_members() {
        let path = "vm-device/chip/src/a.rs";
        let bad = |line: usize| vec![format!("{path}:{line}")];
        let check_text = |text: &str, want: &[String]| {
            let want: Vec<_> = want.iter().map(String::as_str).collect();
            check(effects, &[(path, text)], &want);
        };
        check_text("use std::fs::File;\n", &bad(1));
        check_text("\nlet t = std::time::Instant::now();\n", &bad(2));
        check_text(
            "use std::time::{\n  Duration,\n  SystemTime,\n};\n",
            &bad(3),
        );
        check_text("use std::{fmt, thread};\n", &bad(1));
        check_text("use std::{fmt, mem};\nstruct Instant;\n", &[]);
        check_text(
            "// std::fs\nuse std::time::Duration;\nstd::thread_local!();\n",
            &[],
        );
        check_text("#[cfg(test)]\nmod tests {\n  use std::fs;\n}\n", &[]);
        check(effects, &[("vm-runtime/src/a.rs", "use std::fs;\n")], &[]);
        check(effects, &[("vm-ir/src/a/tests.rs", "use std::fs;\n")], &[]);
        check(
            effects,
            &[("vm-mem/src/sys/linux.rs", "use std::fs;\n")],
            &[],
        );
        check(
            effects,
            &[("vm-mem/src/ram.rs", "use std::fs;\n")],
            &["vm-mem/src/ram.rs:1"],
        );
    }
}
