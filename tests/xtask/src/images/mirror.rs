//! Finds the Debian mirror that this machine already uses.
//!
//! No mirror is named in our sources: the machine's owner chose one, and a machine may be able to
//! reach no other. Both forms of apt's source lists are read: one-line `.list` files and deb822
//! `.sources` files (the manual page sources.list, section 5).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Suites of the Debian archive itself; third parties use other names or lack the component
/// `main`.
const DEBIAN_SUITES: &[&str] = &[
    "oldstable",
    "stable",
    "testing",
    "unstable",
    "sid",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
];

/// One enabled entry for binary packages in apt's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The first address of the entry.
    pub uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    /// The key ring file the entry is checked with, if it names one by path.
    pub signed_by: Option<PathBuf>,
}

impl Source {
    fn is_debian_archive(&self) -> bool {
        self.suites
            .iter()
            .any(|suite| DEBIAN_SUITES.contains(&suite.as_str()))
            && self.components.iter().any(|component| component == "main")
    }

    /// Entries checked with Debian's own key ring come before others.
    fn has_debian_keyring(&self) -> bool {
        let ring = self.signed_by.as_deref().and_then(Path::file_stem);
        ring.is_some_and(|stem| stem.to_string_lossy().starts_with("debian-archive"))
    }
}

/// The machine's Debian archive, from its apt configuration in `etc_apt`.
pub fn from_apt(etc_apt: &Path) -> Result<Source> {
    let mut files = vec![etc_apt.join("sources.list")];
    if let Ok(folder) = fs::read_dir(etc_apt.join("sources.list.d")) {
        files.extend(folder.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut sources = Vec::new();
    for file in &files {
        let Ok(text) = fs::read_to_string(file) else {
            continue;
        };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(text.lines().filter_map(parse_line)),
            Some("sources") => sources.extend(parse_deb822(&text)),
            _ => {}
        }
    }
    choose(sources).with_context(|| {
        let place = etc_apt.display();
        format!("no Debian archive in the apt configuration in {place}; give one with --mirror URL")
    })
}

fn choose(sources: Vec<Source>) -> Option<Source> {
    let mut debian: Vec<_> = sources
        .into_iter()
        .filter(Source::is_debian_archive)
        .collect();
    debian.sort_by_key(|source| !source.has_debian_keyring());
    debian.into_iter().next()
}

/// A mirror that the user named.
pub fn named(uri: &str) -> Result<Source> {
    if !uri.contains(":/") || uri.chars().any(char::is_whitespace) {
        bail!("{uri:?} is not the address of a mirror");
    }
    Ok(Source {
        uri: uri.to_owned(),
        ..Source::default()
    })
}

/// `deb [option=value ...] URI SUITE COMPONENT...`
fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    rest = rest.trim_start();
    let mut signed_by = None;
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        let ring = options
            .split_whitespace()
            .find_map(|o| o.strip_prefix("signed-by="));
        signed_by = ring.and_then(keyring);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uri: words.next()?,
        suites: vec![words.next()?],
        components: words.collect(),
        signed_by,
    })
}

/// Stanzas of `Field: value` lines, separated by empty lines; an indented line continues a field.
fn parse_deb822(text: &str) -> Vec<Source> {
    let mut stanzas: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(stanza) = stanzas.last_mut() else {
            break;
        };
        if line.trim().is_empty() {
            stanzas.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            stanza.push((field.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    stanzas
        .iter()
        .filter_map(|stanza| stanza_source(stanza))
        .collect()
}

fn stanza_source(stanza: &[(String, String)]) -> Option<Source> {
    let field = |name: &str| {
        let value = stanza
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value);
        value
            .map_or("", String::as_str)
            .split_whitespace()
            .map(str::to_owned)
    };
    if field("enabled").next().is_some_and(|value| value == "no") {
        return None;
    }
    if !field("types").any(|kind| kind == "deb") {
        return None;
    }
    Some(Source {
        uri: field("uris").next()?,
        suites: field("suites").collect(),
        components: field("components").collect(),
        signed_by: field("signed-by").next().and_then(|ring| keyring(&ring)),
    })
}

/// `Signed-By` may also be a fingerprint or a whole key; only a file can be passed on.
fn keyring(value: &str) -> Option<PathBuf> {
    let first = value.split(',').next()?;
    first.starts_with('/').then(|| PathBuf::from(first))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Source, choose, from_apt, named, parse_deb822, parse_line};

    fn check_line(line: &str, want: Option<(&str, &str, &str, Option<&str>)>) {
        let want = want.map(|(uri, suite, components, ring)| Source {
            uri: uri.to_owned(),
            suites: vec![suite.to_owned()],
            components: components.split_whitespace().map(str::to_owned).collect(),
            signed_by: ring.map(PathBuf::from),
        });
        assert_eq!(parse_line(line), want, "{line}");
    }

    #[test]
    fn one_line_form() {
        check_line(
            "deb x:/d bookworm main",
            Some(("x:/d", "bookworm", "main", None)),
        );
        check_line(
            " deb\tx:/d sid main  contrib # c",
            Some(("x:/d", "sid", "main contrib", None)),
        );
        check_line(
            "deb [arch=amd64 signed-by=/k/r.gpg] x:/d sid main",
            Some(("x:/d", "sid", "main", Some("/k/r.gpg"))),
        );
        check_line(
            "deb [signed-by=ABCD] x:/d sid",
            Some(("x:/d", "sid", "", None)),
        );
        check_line("deb-src x:/d bookworm main", None);
        check_line("# deb x:/d bookworm main", None);
        check_line("deb x:/d", None);
        check_line("deb [arch=amd64 x:/d sid main", None);
        check_line("", None);
    }

    #[test]
    fn deb822_form() {
        let text = "# comment\nTypes: deb deb-src\nURIs: x:/a x:/b\nSuites: bookworm\n\
                    \x20bookworm-updates\nComponents: main\nSigned-By: /k/r.gpg\n\n\
                    Types: deb-src\nURIs: x:/c\n\n\
                    Types: deb\nEnabled: no\nURIs: x:/d\nSuites: sid\nComponents: main\n";
        let got = parse_deb822(text);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].uri, "x:/a");
        assert_eq!(got[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(got[0].signed_by, Some(PathBuf::from("/k/r.gpg")));
    }

    fn check_choice(lines: &[&str], want: Option<&str>) {
        let sources = lines.iter().filter_map(|line| parse_line(line)).collect();
        assert_eq!(
            choose(sources).map(|source| source.uri).as_deref(),
            want,
            "{lines:?}"
        );
    }

    #[test]
    fn the_archive_itself_is_chosen() {
        check_choice(
            &["deb x:/other tools-bookworm main", "deb x:/d bookworm main"],
            Some("x:/d"),
        );
        check_choice(&["deb x:/s bookworm-security main"], None);
        check_choice(&["deb x:/d bookworm contrib"], None);
        check_choice(
            &[
                "deb [signed-by=/k/other.gpg] x:/o trixie main",
                "deb [signed-by=/k/debian-archive-keyring.gpg] x:/d trixie main",
            ],
            Some("x:/d"),
        );
    }

    #[test]
    fn a_folder_of_both_forms_is_read() {
        let etc = tempfile::tempdir().expect("a temporary folder");
        let error = from_apt(etc.path()).expect_err("nothing is configured");
        assert!(error.to_string().contains("--mirror"), "{error}");
        let parts = etc.path().join("sources.list.d");
        std::fs::create_dir(&parts).expect("mkdir");
        let stanza = "Types: deb\nURIs: x:/d\nSuites: trixie\nComponents: main\n";
        std::fs::write(parts.join("debian.sources"), stanza).expect("write");
        assert_eq!(from_apt(etc.path()).expect("found").uri, "x:/d");
        std::fs::write(etc.path().join("sources.list"), "deb x:/l sid main\n").expect("write");
        assert_eq!(from_apt(etc.path()).expect("found").uri, "x:/l");
    }

    #[test]
    fn a_named_mirror_is_an_address() {
        assert!(named("x:/d").is_ok());
        assert!(named("debian").is_err());
        assert!(named("x:/d trixie").is_err());
    }
}
