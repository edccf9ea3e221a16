//! Boot entries: what the configuration on a disk says could be started.

mod bls;
mod extlinux;
mod grub;
mod links;
mod version;

pub(crate) use self::version::compare as compare_versions;

use crate::Entry;
use crate::volume::Volume;

/// The entries that one kind of configuration on one partition gives.
pub(crate) struct Found {
    /// In the order of their menu.
    pub entries: Vec<Entry>,
    /// Which of them the configuration would choose.
    pub default: usize,
}

/// Everything that is found, the kind that is believed first in front.
pub(crate) fn all(volumes: &[Volume]) -> Vec<Found> {
    let each = |find: fn(&Volume, &[Volume]) -> Option<Found>| {
        volumes
            .iter()
            .filter_map(move |volume| find(volume, volumes))
    };
    let mut found: Vec<Found> = each(bls::find).collect();
    found.extend(each(extlinux::find));
    found.extend(each(grub::find));
    found.extend(each(links::find));
    found
}

/// A path that a configuration file names, as one that exists if there is any: as it stands,
/// behind `/boot`, or in the folder of the file.
fn resolve(volume: &Volume, folder: &str, path: &str) -> String {
    let path = path.trim();
    let candidates = if path.starts_with('/') {
        vec![
            path.to_owned(),
            format!("/boot{path}"),
            format!("{folder}{path}"),
        ]
    } else {
        vec![format!("{folder}/{path}"), format!("/{path}")]
    };
    let found = candidates
        .iter()
        .find(|candidate| volume.is_file(candidate));
    found.or(candidates.first()).cloned().unwrap_or_default()
}

/// A line's first word and the rest of it.
fn key_value(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    Some((key, value.trim()))
}
