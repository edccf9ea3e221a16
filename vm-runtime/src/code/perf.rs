//! `/tmp/perf-PID.map`: where `perf` looks for the names of code that a program has generated.
//!
//! A line is an address and a length in hexadecimal, and a name (Linux, `tools/perf`,
//! `Documentation/jit-interface.txt`).
//! Lines are only added: whoever reads the file at the end does not learn when the code at an
//! address was made, and that it was another's later.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The most bytes of a map.
// LIMIT: some four million pieces; a guest that rewrites its code for ever must not fill the disk.
const MOST: usize = 256 << 20;

/// The map of one process.
#[derive(Debug)]
pub struct PerfMap {
    file: File,
    bytes: usize,
    path: PathBuf,
    failed: Option<io::Error>,
}

impl PerfMap {
    /// A map of this process, where `perf` looks for it.
    ///
    /// The folder belongs to everybody: what stands there is never written to, but replaced.
    pub fn create() -> Result<Self, (PathBuf, io::Error)> {
        let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
        Self::at(&path).map_err(|error| (path, error))
    }

    fn at(path: &Path) -> io::Result<Self> {
        match remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            // A process of the same number has left it.
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Self {
            file,
            bytes: 0,
            path: path.to_owned(),
            failed: None,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a piece of code; after a failure nothing more is written.
    pub(super) fn add(&mut self, (at, bytes): (u64, usize), name: &str) {
        if self.failed.is_some() {
            return;
        }
        let line = format!("{at:x} {bytes:x} {name}\n");
        self.bytes += line.len();
        self.failed = if self.bytes > MOST {
            Some(io::Error::other("it would have more than 256 MiB"))
        } else {
            // At once, so that the map is there however the run ends.
            self.file.write_all(line.as_bytes()).err()
        };
    }

    /// Why the map is not complete, if it is not.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_replaces_what_stands_there_and_does_not_write_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("map"), folder.path().join("other"));
        std::fs::write(&other, "mine").expect("a file");
        std::fs::hard_link(&other, &path).expect("a link");
        let mut map = PerfMap::at(&path).expect("a map");
        map.add((0x7000, 0x20), "[block] main+0x4");
        map.add((0x7020, 16), "[region] a b");
        assert!(map.take_failure().is_none());
        let written = std::fs::read_to_string(&path).expect("text");
        assert_eq!(written, "7000 20 [block] main+0x4\n7020 10 [region] a b\n");
        assert_eq!(std::fs::read_to_string(&other).expect("text"), "mine");
    }

    #[test]
    fn a_map_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map");
        let mut map = PerfMap::at(&path).expect("a map");
        map.bytes = MOST - 8;
        map.add((0, 1), "a");
        map.add((0, 1), "longer");
        map.add((0, 1), "b");
        let written = std::fs::read_to_string(&path).expect("text");
        assert_eq!(written, "0 1 a\n");
        let failure = map.take_failure().expect("it is full");
        assert!(failure.to_string().contains("256 MiB"), "{failure}");
    }

    #[test]
    fn a_place_that_can_not_be_had_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(PerfMap::at(&folder.path().join("a/b")).is_err());
        assert!(PerfMap::at(folder.path()).is_err(), "a folder stays");
    }
}
