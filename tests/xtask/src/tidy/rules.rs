//! The table of rules, and the task that runs them.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::tree::{Finding, Tree};
use super::{arrows, dead, docs, effects, host, names, size, text, unfinished, unsafety, unused};
use crate::workspace;

/// One rule.
pub struct Rule {
    /// What it wants, in a sentence.
    pub doc: &'static str,
    /// Looks for what breaks it.
    pub check: fn(&Tree) -> Vec<Finding>,
}

/// Every rule. Three more of the architecture (each row has a case, each device a fuzz target,
/// each machine a boot) are checked by the test crates that know rows, devices and machines.
#[rustfmt::skip] // one rule a line
pub const RULES: &[Rule] = &[
    Rule { check: arrows::arrows,              doc: "a crate depends only on what its folder may depend on" },
    Rule { check: arrows::names_by_path,       doc: "a crate is called by its path" },
    Rule { check: size::lines,                 doc: "a source has at most 500 lines outside tables" },
    Rule { check: size::columns,               doc: "a line has at most 100 columns outside tables" },
    Rule { check: size::bytes,                 doc: "a tracked file has at most a mebibyte" },
    Rule { check: dead::dead_files,            doc: "every source is reached by a mod line" },
    Rule { check: unused::unused_dependencies, doc: "every dependency is used" },
    Rule { check: unused::unused_versions,     doc: "every version in the root manifest is asked for" },
    Rule { check: host::host_arch,             doc: "only few folders know the host's processor, and say why" },
    Rule { check: host::host_os,               doc: "code for one operating system stands under sys/" },
    Rule { check: effects::effects,            doc: "threads, clocks and files belong to runtime, CLI and tests" },
    Rule { check: unsafety::unsafety,          doc: "unsafe code says why it is needed" },
    Rule { check: docs::family_readme,         doc: "each family folder has a README" },
    Rule { check: docs::module_doc,            doc: "each source begins with a module doc" },
    Rule { check: docs::invariants,            doc: "each library states its invariants" },
    Rule { check: docs::index_files,           doc: "lib.rs and mod.rs hold no logic" },
    Rule { check: unfinished::ignored_tests,   doc: "no test is ignored" },
    Rule { check: unfinished::todo_macros,     doc: "no macro stands for code to come" },
    Rule { check: unfinished::notes,           doc: "a note for later names its issue" },
    Rule { check: names::empty_names,          doc: "no name is Manager, Util or get_something" },
    Rule { check: text::machine_paths,         doc: "no text names a path of one machine" },
    Rule { check: text::registry_hosts,        doc: "no text names a package host" },
];

/// `cargo xtask tidy [--list]`
pub fn main(words: &[String]) -> Result<ExitCode> {
    match words {
        [] => {}
        [list] if list == "--list" => {
            for rule in RULES {
                println!("{}", rule.doc);
            }
            return Ok(ExitCode::SUCCESS);
        }
        _ => bail!("tidy has no options but --list"),
    }
    let tree = Tree::read(&workspace::root()?)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| (rule.check)(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let (files, rules, count) = (tree.files.len(), RULES.len(), findings.len());
    println!("tidy: {files} files, {rules} rules, {count} findings");
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
