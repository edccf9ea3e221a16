//! What may know the host: its processor and its operating system.

use super::scan::find_word;
use super::tree::{File, Finding, Tree};

/// Where code may ask which processor it is compiled for, and why.
#[rustfmt::skip] // one place a line
const HOST_ARCH_PLACES: &[&str] = &[
    "vm-accel/",         // hypervisor calls
    "vm-engine/jit/",    // host code is made
    "vm-engine/template/", // host code is made
    "vm-engine/cache/",  // host code is kept
    "vm-mem/src/sys/",   // instruction caches are told of new code
    "vm-engine/aot/",    // host code is made
    "vm-runtime/",       // the composition for this host
    "vm-engine/interp/src/native/", // host code is entered and left
    "vm-engine/interp/src/tests/", // machine code of handlers is read in a test
    "vm-ir/src/float/",  // whether the host's floating point may take the fast path
    "tests/",            // judges that run on the host processor
];

/// `cfg(target_arch)` stands only in those places, and says why.
pub fn host_arch(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let allowed = HOST_ARCH_PLACES
            .iter()
            .any(|place| file.path.starts_with(place));
        for (line, code) in file.scan.code_lines() {
            if find_word(code, "target_arch").is_none() {
                continue;
            }
            let fact = if !allowed {
                "asks for the host's processor"
            } else if !has_tag(file, line, "HOST-ARCH:") {
                "asks for the host's processor without // HOST-ARCH:"
            } else {
                continue;
            };
            findings.push(Finding {
                path: file.path.clone(),
                line,
                rule: "host-arch",
                fact: fact.to_owned(),
                help: "the guest is run-time data; only few folders know the host, and say why",
            });
        }
    }
    findings
}

/// Whether the comment on this line, or in the lines before it up to a blank one, has `tag`.
fn has_tag(file: &File, line: usize, tag: &str) -> bool {
    let texts: Vec<&str> = file.text.lines().collect();
    let comments: Vec<&str> = file.scan.comments.lines().collect();
    let upto = (0..line).rev().take_while(|at| {
        *at + 1 == line || texts.get(*at).is_some_and(|text| !text.trim().is_empty())
    });
    upto.filter_map(|at| comments.get(at))
        .any(|comment| comment.contains(tag))
}

/// Code for one operating system stands under `sys/`, chosen by one `mod` line.
pub fn host_os(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources().filter(|file| file.folder() != "tests") {
        if file.path.contains("/sys/") {
            continue;
        }
        let lines: Vec<_> = file.scan.code_lines().collect();
        for (index, (line, code)) in lines.iter().enumerate() {
            if !asks_for_os(code) || chooses_module(&lines[index..]) {
                continue;
            }
            findings.push(Finding {
                path: file.path.clone(),
                line: *line,
                rule: "host-os",
                fact: "asks for the host's operating system".to_owned(),
                help: "put it under sys/ and choose the file by one mod line",
            });
        }
    }
    findings
}

fn asks_for_os(code: &str) -> bool {
    let in_cfg = find_word(code, "cfg").or_else(|| find_word(code, "cfg_attr"));
    let Some(at) = in_cfg else { return false };
    let words = ["target_os", "target_family", "unix", "windows"];
    words
        .iter()
        .any(|word| find_word(&code[at..], word).is_some())
}

/// Whether the attribute on the first of these lines is on a `mod` line.
fn chooses_module(lines: &[(usize, &str)]) -> bool {
    let item = lines.iter().map(|(_, code)| code.trim());
    let mut item = item.map(|code| match code.strip_prefix("#[") {
        Some(attribute) => attribute
            .rsplit_once(']')
            .map_or("", |(_, rest)| rest.trim()),
        None => code,
    });
    let item = item.find(|code| !code.is_empty()).unwrap_or_default();
    let item = item.strip_prefix("pub").unwrap_or(item).trim_start();
    let item = item
        .strip_prefix("(crate)")
        .or(item.strip_prefix("(super)"))
        .unwrap_or(item);
    item.trim_start().starts_with("mod ") && item.ends_with(';')
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::{host_arch, host_os};

    #[test]
    fn processor() {
        let bare = "#[cfg(target_arch = \"x86_64\")]\nfn f() {}\n";
        let tagged = "// HOST-ARCH: why\n#[cfg(target_arch = \"x86_64\")]\nfn f() {}\n";
        check(host_arch, &[("vm-engine/jit/src/a.rs", tagged)], &[]);
        check(
            host_arch,
            &[("vm-engine/jit/src/a.rs", bare)],
            &["vm-engine/jit/src/a.rs:1"],
        );
        check(
            host_arch,
            &[("vm-mem/src/a.rs", tagged)],
            &["vm-mem/src/a.rs:2"],
        );
        check(
            host_arch,
            &[("vm-mem/src/a.rs", "// cfg(target_arch)\n")],
            &[],
        );
        let far = "// HOST-ARCH: why\n\nconst A: bool = cfg!(target_arch = \"x86\");\n";
        check(
            host_arch,
            &[("vm-accel/src/a.rs", far)],
            &["vm-accel/src/a.rs:3"],
        );
        let line = "const A: bool = cfg!(target_arch = \"x86\"); // HOST-ARCH: why\n";
        check(host_arch, &[("vm-accel/src/a.rs", line)], &[]);
    }

    #[test]
    fn operating_system() {
        let bare = "#[cfg(unix)]\nfn f() {}\n";
        check(
            host_os,
            &[("vm-mem/src/a.rs", bare)],
            &["vm-mem/src/a.rs:1"],
        );
        check(host_os, &[("vm-mem/src/sys/linux.rs", bare)], &[]);
        let chosen = "#[cfg(target_os = \"linux\")]\n#[path = \"sys/a.rs\"]\npub(crate) mod a;\n\
                      #[cfg(windows)] mod b;\n";
        check(host_os, &[("vm-mem/src/a.rs", chosen)], &[]);
        check(
            host_os,
            &[("vm-mem/src/a.rs", "if cfg!(windows) {}\n")],
            &["vm-mem/src/a.rs:1"],
        );
        check(host_os, &[("vm-mem/src/a.rs", "let windows = 1;\n")], &[]);
    }
}
