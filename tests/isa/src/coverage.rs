//! Which case files there are, and what they cover.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{Guest, case};

/// The case files of a guest, by name.
#[must_use]
pub fn files(guest: &Guest) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(guest.folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "case"))
        .collect();
    files.sort();
    files
}

/// The rows that the guest's case files name; `row` gives the name of an encoding's row.
#[must_use]
pub fn covered(guest: &Guest, row: fn(&[u8]) -> Option<&'static str>) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for file in files(guest) {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
        let cases = case::parse(&text).unwrap_or_else(|e| panic!("{file:?}: {e:?}"));
        let encodings = cases.iter().flat_map(|case| &case.encodings);
        names.extend(encodings.filter_map(|digits| row(&guest.bytes(digits)?)));
    }
    names
}
