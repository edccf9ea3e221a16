//! What no text of the repository names: one machine's paths, or a package host.

use super::tree::{Finding, Tree};

/// Folders that exist only on somebody's machine. Written in parts, or they would be found here.
const PRIVATE_FOLDERS: &[&str] = &["home", "root", "work", "Users"];

/// Hosts of package archives, in parts for the same reason. Which one to use is the machine's
/// configuration, never ours.
#[rustfmt::skip] // one host a line
const HOSTS: &[(&str, &str)] = &[
    ("deb",       "debian.org"),
    ("ftp",       "debian.org"),
    ("security",  "debian.org"),
    ("snapshot",  "debian.org"),
    ("archive",   "ubuntu.com"),
    ("ports",     "ubuntu.com"),
    ("static",    "crates.io"),
    ("index",     "crates.io"),
    ("proxy",     "golang.org"),
    ("registry",  "npmjs.org"),
    ("files",     "pythonhosted.org"),
];

/// No absolute path of one machine.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let needles: Vec<_> = PRIVATE_FOLDERS
        .iter()
        .map(|name| format!("/{name}/"))
        .collect();
    find_in_text(tree, &needles, |path, line, needle| Finding {
        path,
        line,
        rule: "machine-path",
        fact: format!("names a folder below {needle}"),
        help: "derive the path, or take it from the environment",
    })
}

/// No host of a package archive.
pub fn registry_hosts(tree: &Tree) -> Vec<Finding> {
    let needles: Vec<_> = HOSTS
        .iter()
        .map(|(name, domain)| format!("{name}.{domain}"))
        .collect();
    find_in_text(tree, &needles, |path, line, needle| Finding {
        path,
        line,
        rule: "registry-host",
        fact: format!("names the host {needle}"),
        help: "the machine's own configuration says where packages come from",
    })
}

fn find_in_text(
    tree: &Tree,
    needles: &[String],
    finding: impl Fn(String, usize, &str) -> Finding,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Cargo itself writes its index into the lock file.
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (line, text) in file.lines() {
            for needle in needles.iter().filter(|needle| stands_alone(text, needle)) {
                findings.push(finding(file.path.clone(), line, needle));
            }
        }
    }
    findings
}

/// Whether `needle` begins a path or a host name: nothing of a longer one stands before it.
fn stands_alone(text: &str, needle: &str) -> bool {
    text.match_indices(needle).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{machine_paths, registry_hosts};

    #[test]
    fn paths_of_a_machine() {
        let bad = format!("a\ncd {}me/me/vm\n", "/ho");
        check(machine_paths, &[("a.sh", &bad)], &["a.sh:2"]);
        let fine = format!(
            "{0}/b docs{0}/ $HOME{0}/c /{1}\n",
            ".".to_owned() + "/wo" + "rk",
            "home"
        );
        check(machine_paths, &[("a.md", &fine)], &[]);
    }

    #[test]
    fn hosts_of_archives() {
        let host = ["deb", "debian", "org"].join(".");
        check(
            registry_hosts,
            &[("a.md", &format!("\nhttps://{host}/debian\n"))],
            &["a.md:2"],
        );
        check(
            registry_hosts,
            &[("a.md", "www.debian.org and crates.io\n")],
            &[],
        );
        check(registry_hosts, &[("Cargo.lock", &host)], &[]);
    }
}
