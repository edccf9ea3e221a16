//! The Boot Loader Specification (UAPI.1): entries of type 1, which are text files, and of type
//! 2, which are unified kernel images.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Found, compare_versions, key_value, resolve};
use crate::entry::MAX_ENTRIES;
use crate::volume::Volume;
use crate::{Body, Entry, Method, arch, uki};

/// Where `loader.conf` and the entries stand, and what paths in them may begin at.
const FOLDERS: [&str; 2] = ["/loader", "/boot/loader"];
/// Where unified kernels stand.
const UNIFIED: [&str; 3] = ["/EFI/Linux", "/boot/EFI/Linux", "/boot/efi/EFI/Linux"];

/// An entry with what it is sorted by.
struct Sorted {
    entry: Entry,
    sort_key: String,
    machine: String,
    version: String,
    /// How often it may still be tried; zero puts it last.
    tries_left: Option<u32>,
}

/// The entries of a partition.
pub(super) fn find(volume: &Volume, _all: &[Volume]) -> Option<Found> {
    let (mut ones, mut twos) = (Vec::new(), Vec::new());
    let mut wanted = None;
    for folder in FOLDERS {
        if let Some(text) = volume.text(&format!("{folder}/loader.conf")) {
            wanted = wanted.or_else(|| default_of(&text));
        }
        let entries = format!("{folder}/entries");
        for name in volume.names(&entries) {
            if ones.len() < MAX_ENTRIES
                && name.to_ascii_lowercase().ends_with(".conf")
                && let Some(text) = volume.text(&format!("{entries}/{name}"))
            {
                ones.extend(type_1(volume, &entries, &name, &text));
            }
        }
    }
    for folder in UNIFIED {
        for name in volume.names(folder) {
            if twos.len() < MAX_ENTRIES && name.to_ascii_lowercase().ends_with(".efi") {
                twos.extend(type_2(volume, &format!("{folder}/{name}"), &name));
            }
        }
    }
    ones.sort_by(order);
    twos.sort_by(order);
    let entries: Vec<Entry> = ones
        .into_iter()
        .chain(twos)
        .map(|sorted| sorted.entry)
        .collect();
    if entries.is_empty() {
        return None;
    }
    let default = wanted.and_then(|pattern| entries.iter().position(|e| matches(&pattern, &e.id)));
    Some(Found {
        entries,
        default: default.unwrap_or(0),
    })
}

/// What `loader.conf` prefers: a pattern of file names.
fn default_of(text: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(key_value);
    let (_, value) = lines.find(|(key, _)| *key == "default")?;
    (!value.starts_with('@')).then(|| value.to_owned())
}

/// Whether a name fits a pattern with `*` and `?`; the ending may be left out.
fn matches(pattern: &str, name: &str) -> bool {
    let stem = name.strip_suffix(".conf").or(name.strip_suffix(".efi"));
    glob(pattern.as_bytes(), name.as_bytes())
        || stem.is_some_and(|stem| glob(pattern.as_bytes(), stem.as_bytes()))
}

/// One star is remembered at a time, so the work is at most the product of both lengths.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == b'*')
}

/// The specification's order, the entry that is preferred first.
fn order(a: &Sorted, b: &Sorted) -> Ordering {
    let bad = |sorted: &Sorted| sorted.tries_left == Some(0);
    let by_key = match (a.sort_key.is_empty(), b.sort_key.is_empty()) {
        (false, false) => a
            .sort_key
            .cmp(&b.sort_key)
            .then_with(|| a.machine.cmp(&b.machine))
            .then_with(|| compare_versions(&b.version, &a.version)),
        // Those with a key come first.
        (left, right) => left.cmp(&right),
    };
    bad(a)
        .cmp(&bad(b))
        .then(by_key)
        .then_with(|| compare_versions(&b.entry.id, &a.entry.id))
}

/// A file name without its counters `+LEFT-DONE`, and the tries that are left.
fn counters(name: &str) -> (String, Option<u32>) {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let Some((base, counts)) = stem.rsplit_once('+') else {
        return (name.to_owned(), None);
    };
    let left = counts.split('-').next().unwrap_or_default();
    let numbers = counts
        .split('-')
        .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match left.parse() {
        Ok(left) if numbers => (format!("{base}.{ending}"), Some(left)),
        _ => (name.to_owned(), None),
    }
}

fn type_1(volume: &Volume, folder: &str, name: &str, text: &str) -> Option<Sorted> {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in text.lines().filter_map(key_value) {
        fields.entry(key).or_default().push(value);
    }
    let first = |key: &str| fields.get(key).and_then(|values| values.first().copied());
    let many = |key: &str| fields.get(key).cloned().unwrap_or_default();
    let (id, tries_left) = counters(name);
    let path = |path: &str| volume.place(&resolve(volume, folder, path));
    let mut notes = Vec::new();
    let body = match (first("linux"), first("uki").or(first("efi"))) {
        (Some(linux), _) => Body::Files {
            kernel: path(linux),
            // Some files have them in one line, behind each other.
            initrds: many("initrd")
                .iter()
                .flat_map(|line| line.split_whitespace())
                .map(path)
                .collect(),
        },
        (None, Some(program)) => Body::Unified(path(program)),
        (None, None) => {
            volume.notes.add(format!(
                "{}: names no kernel",
                volume.place(&format!("{folder}/{name}"))
            ));
            return None;
        }
    };
    if first("devicetree").is_some() || first("devicetree-overlay").is_some() {
        notes.push("its device tree is left out: the machine has one of its own".to_owned());
    }
    if tries_left == Some(0) {
        notes.push("it has failed too often: its counter is at zero".to_owned());
    }
    let options = expand(volume, &many("options").join(" "));
    let version = first("version").unwrap_or_default();
    let title = first("title").unwrap_or(&id);
    let entry = Entry {
        title: title.to_owned(),
        version: version.to_owned(),
        id: id.clone(),
        method: Method::LoaderEntry,
        config: volume.place(&format!("{folder}/{name}")),
        body,
        options,
        arch: first("architecture").and_then(arch::named),
        problem: None,
        notes,
    };
    Some(Sorted {
        entry,
        sort_key: first("sort-key").unwrap_or_default().to_owned(),
        machine: first("machine-id").unwrap_or_default().to_owned(),
        version: version.to_owned(),
        tries_left,
    })
}

/// Fedora's entries may speak of variables of GRUB's environment, as `$kernelopts`.
fn expand(volume: &Volume, options: &str) -> String {
    if !options.contains('$') {
        return options.to_owned();
    }
    let environment = super::grub::environment(volume);
    let words = options
        .split_whitespace()
        .filter_map(|word| match word.strip_prefix('$') {
            Some(name) => environment.get(name).cloned(),
            None => Some(word.to_owned()),
        });
    words.collect::<Vec<_>>().join(" ")
}

fn type_2(volume: &Volume, path: &str, name: &str) -> Option<Sorted> {
    let place = volume.place(path);
    let about = match uki::about(volume, path) {
        Ok(about) => about?,
        Err(fault) => {
            volume.notes.add(format!("{place}: {fault}"));
            return None;
        }
    };
    let (id, tries_left) = counters(name);
    let release = |key: &str| release_field(&about.release, key);
    let version = release("VERSION_ID")
        .or(release("BUILD_ID"))
        .unwrap_or_default();
    let version = if about.kernel_version.is_empty() {
        version
    } else {
        about.kernel_version
    };
    Some(Sorted {
        entry: Entry {
            title: release("PRETTY_NAME")
                .or(release("NAME"))
                .unwrap_or_else(|| id.clone()),
            version: version.clone(),
            id,
            method: Method::Unified,
            config: place.clone(),
            body: Body::Unified(place),
            options: about.options,
            arch: about.arch,
            problem: None,
            notes: Vec::new(),
        },
        sort_key: release("IMAGE_ID").or(release("ID")).unwrap_or_default(),
        machine: String::new(),
        version,
        tries_left,
    })
}

/// A field of an `os-release` file.
fn release_field(text: &str, key: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_counters() {
        for (pattern, name, fits) in [
            ("debian-*", "debian-6.12.conf", true),
            ("debian-6.12", "debian-6.12.conf", true),
            ("*6.1?.efi", "a-6.12.efi", true),
            ("fedora*", "debian.conf", false),
            ("", "debian.conf", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa.conf", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
        for (name, stem, left) in [
            ("a+3-0.conf", "a.conf", Some(3)),
            ("a+0-3.efi", "a.efi", Some(0)),
            ("a+2.conf", "a.conf", Some(2)),
            ("6.12+deb13-riscv64.conf", "6.12+deb13-riscv64.conf", None),
            ("a.conf", "a.conf", None),
        ] {
            assert_eq!(counters(name), (stem.to_owned(), left), "{name}");
        }
    }
}
