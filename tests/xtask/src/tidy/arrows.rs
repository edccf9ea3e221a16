//! Dependency arrows between folders, and crate names by path.

use super::manifest::{Dependency, Manifest};
use super::tree::{Finding, Tree};

/// For each folder the folders it may depend on, as in ARCHITECTURE.md. `vm-core` holds the
/// words that all share. A family that lists itself has members that build on each other.
#[rustfmt::skip] // one folder a line
const ARROWS: &[(&str, &[&str])] = &[
    ("vm-core",     &[]),
    ("vm-ir",       &["vm-core", "vm-mem"]),
    ("vm-mem",      &["vm-core"]),
    ("vm-frontend", &["vm-core", "vm-ir", "vm-mem"]),
    ("vm-engine",   &["vm-core", "vm-ir", "vm-mem", "vm-engine"]),
    ("vm-accel",    &["vm-core", "vm-mem"]),
    ("vm-device",   &["vm-core", "vm-mem", "vm-device"]),
    ("vm-runtime",  &["vm-core", "vm-ir", "vm-mem", "vm-frontend", "vm-engine", "vm-accel",
                      "vm-device"]),
    ("vm-cli",      &["vm-core", "vm-runtime"]),
];

/// A crate depends only on what its folder may depend on.
pub fn arrows(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &tree.crates {
        for dependency in &manifest.dependencies {
            if let Some(fact) = forbidden(manifest, dependency, &tree.crates) {
                findings.push(Finding {
                    path: manifest.path.clone(),
                    line: dependency.line,
                    rule: "arrows",
                    fact,
                    help: "move the code, or hand it in through a trait of a folder both may use",
                });
            }
        }
    }
    findings
}

fn forbidden(from: &Manifest, to: &Dependency, crates: &[Manifest]) -> Option<String> {
    let folder = first(&from.folder);
    if folder == "tests" {
        return None;
    }
    if to.name == "anyhow" && folder != "vm-cli" {
        return Some(format!(
            "{} uses anyhow; libraries have an error enum",
            from.folder
        ));
    }
    let target = crates
        .iter()
        .find(|other| other.name.as_ref().is_some_and(|n| n.0 == to.name))?;
    // Tests of a crate may share the test programs' helpers.
    if to.dev && first(&target.folder) == "tests" {
        return None;
    }
    let allowed = ARROWS.iter().find(|(name, _)| *name == folder);
    let Some((_, allowed)) = allowed else {
        return Some(format!("{folder} is not one of the ten folders"));
    };
    let target = first(&target.folder);
    (!allowed.contains(&target)).then(|| format!("{folder} must not depend on {}", to.name))
}

/// The crate in `vm-device/bus` is called `vm-device-bus`. Guests are programs of their own,
/// outside the workspace.
pub fn names_by_path(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_guest = |manifest: &&Manifest| manifest.folder.starts_with("tests/guests/");
    for manifest in tree.crates.iter().filter(|manifest| !is_guest(manifest)) {
        let Some((name, line)) = &manifest.name else {
            continue;
        };
        let want = manifest.folder.replace('/', "-");
        if *name != want {
            findings.push(Finding {
                path: manifest.path.clone(),
                line: *line,
                rule: "name-by-path",
                fact: format!("the crate is called {name}"),
                help: "call it by its path, with - for /",
            });
        }
    }
    findings
}

fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{arrows, names_by_path};

    /// A crate in `folder` whose dependencies begin on line 4.
    fn check_arrow(folder: &str, section: &str, dependency: &str, want: bool) {
        let name = folder.replace('/', "-");
        let text = format!("[package]\nname = \"{name}\"\n[{section}]\n{dependency} = \"1\"\n");
        let path = format!("{folder}/Cargo.toml");
        let others = [
            "vm-core",
            "vm-engine/interp",
            "vm-frontend/arm64",
            "vm-device/bus",
        ];
        let others = others.map(|folder| {
            let text = format!("[package]\nname = \"{}\"\n", folder.replace('/', "-"));
            (format!("{folder}/Cargo.toml"), text)
        });
        let mut files = vec![(path.as_str(), text.as_str())];
        files.extend(
            others
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        );
        let line = format!("{path}:4");
        check(
            arrows,
            &files,
            if want {
                &[]
            } else {
                std::slice::from_ref(&line)
            }
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice(),
        );
    }

    #[test]
    fn only_as_in_the_table() {
        check_arrow("vm-ir", "dependencies", "vm-core", true);
        check_arrow("vm-ir", "dependencies", "thiserror", true);
        check_arrow("vm-ir", "dependencies", "anyhow", false);
        check_arrow("vm-mem", "dependencies", "vm-engine-interp", false);
        check_arrow("vm-engine/jit", "dependencies", "vm-engine-interp", true);
        check_arrow("vm-engine/jit", "dependencies", "vm-frontend-arm64", false);
        check_arrow(
            "vm-engine/jit",
            "dev-dependencies",
            "vm-frontend-arm64",
            false,
        );
        check_arrow(
            "vm-frontend/x86_64",
            "dependencies",
            "vm-frontend-arm64",
            false,
        );
        check_arrow(
            "vm-device/chip",
            "build-dependencies",
            "vm-engine-interp",
            false,
        );
        check_arrow("vm-runtime", "dependencies", "vm-device-bus", true);
        check_arrow("vm-cli", "dependencies", "vm-device-bus", false);
        check_arrow("vm-cli", "dependencies", "anyhow", true);
        check_arrow("tests/isa", "dependencies", "vm-frontend-arm64", true);
        check_arrow("vm-extra", "dependencies", "vm-core", false);
    }

    #[test]
    fn a_name_that_is_not_the_path() {
        let good = (
            "vm-device/bus/Cargo.toml",
            "[package]\nname = \"vm-device-bus\"\n",
        );
        let bad = (
            "vm-device/pci/Cargo.toml",
            "[package]\n\nname = \"vm-pci\"\n",
        );
        let guest = (
            "tests/guests/demo/Cargo.toml",
            "[package]\nname = \"demo\"\n",
        );
        check(
            names_by_path,
            &[good, bad, guest],
            &["vm-device/pci/Cargo.toml:3"],
        );
    }
}
