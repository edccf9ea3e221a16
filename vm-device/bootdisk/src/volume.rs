//! A partition with a file system that can be read, as those who search see it.

use std::cell::RefCell;

use crate::Fault;
use crate::fs::{FileSystem, Node, NodeKind};
use crate::read::Window;

/// The largest configuration file.
// LIMIT: menus of a hundred entries have some 100 KiB; as tokens they take a hundred times that.
const TEXT_LIMIT: u64 = 256 << 10;
// LIMIT: a folder of kernels or entries has some dozens.
const MAX_NAMES: usize = 2048;
// LIMIT: more complaints than this are not read by anybody.
const MAX_NOTES: usize = 16;

/// A partition of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the table; 0 if a file system has the whole disk.
    pub number: u32,
    /// Its first byte on the disk.
    pub start: u64,
    /// Its size.
    pub bytes: u64,
    /// What its type is called.
    pub type_name: Option<&'static str>,
    /// Whether it is an EFI system partition.
    pub esp: bool,
    /// What `root=PARTUUID=` calls it.
    pub uuid: Option<String>,
    /// Its name in the table.
    pub name: String,
}

/// A file on a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the volumes, see [`crate::BootDisk`].
    pub(crate) volume: usize,
    /// The number of the partition; 0 if there are none.
    pub partition: u32,
    /// The path on it.
    pub path: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.partition {
            0 => f.write_str(&self.path),
            number => write!(f, "partition {number}, {}", self.path),
        }
    }
}

/// What was in the way of a search.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Vec<String>>);

impl Notes {
    pub fn add(&self, note: String) {
        let mut notes = self.0.borrow_mut();
        if notes.len() < MAX_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// A partition with a file system that can be read.
pub(crate) struct Volume {
    pub index: usize,
    pub partition: Partition,
    pub fs: Box<dyn FileSystem>,
    pub notes: Notes,
    window: Window,
}

impl Volume {
    pub fn new(
        index: usize,
        partition: Partition,
        fs: Box<dyn FileSystem>,
        window: Window,
    ) -> Self {
        Self {
            index,
            partition,
            fs,
            notes: Notes::default(),
            window,
        }
    }

    pub fn place(&self, path: &str) -> Place {
        Place {
            volume: self.index,
            partition: self.partition.number,
            path: format!("/{}", path.trim_start_matches('/')),
        }
    }

    /// What a path leads to; whatever is in the way, apart from absence, is noted.
    fn find(&self, path: &str, wanted: NodeKind) -> Option<Node> {
        let node = self.noted(path, self.fs.find(path))?;
        (node.kind == wanted).then_some(node)
    }

    fn noted<T>(&self, path: &str, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Fault::Absent) => None,
            Err(fault) => {
                self.notes.add(format!("{}: {fault}", self.place(path)));
                None
            }
        }
    }

    pub fn is_file(&self, path: &str) -> bool {
        self.find(path, NodeKind::File).is_some()
    }

    pub fn is_folder(&self, path: &str) -> bool {
        self.find(path, NodeKind::Folder).is_some()
    }

    /// Whether there is a file that is not empty.
    pub fn has_bytes(&self, path: &str) -> bool {
        self.find(path, NodeKind::File)
            .is_some_and(|node| node.bytes > 0)
    }

    /// A configuration file; bytes that are no text become marks of replacement.
    pub fn text(&self, path: &str) -> Option<String> {
        let node = self.find(path, NodeKind::File)?;
        let read = if node.bytes > TEXT_LIMIT {
            Err(Fault::TooLarge {
                bytes: node.bytes,
                limit: TEXT_LIMIT,
            })
        } else {
            self.fs.read(&node, 0, TEXT_LIMIT)
        };
        let bytes = self.noted(path, read)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a folder, in order; none if there is no such folder.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Some(node) = self.find(path, NodeKind::Folder) else {
            return Vec::new();
        };
        let mut names = self.noted(path, self.fs.list(&node)).unwrap_or_default();
        names.sort();
        names.truncate(MAX_NAMES);
        names
    }

    /// The first bytes of a file.
    pub fn head(&self, path: &str, bytes: u64) -> Result<Vec<u8>, Fault> {
        self.part(path, 0, bytes)
    }

    /// Some bytes of a file; less if it ends before.
    pub fn part(&self, path: &str, from: u64, bytes: u64) -> Result<Vec<u8>, Fault> {
        let node = self.fs.find(path)?;
        if node.kind != NodeKind::File {
            return Err(Fault::Absent);
        }
        self.fs.read(&node, from, bytes)
    }

    /// The size of a file.
    pub fn size(&self, path: &str) -> Result<u64, Fault> {
        let node = self.fs.find(path)?;
        match node.kind {
            NodeKind::File => Ok(node.bytes),
            NodeKind::Folder | NodeKind::Other => Err(Fault::Absent),
        }
    }

    /// A whole file of at most `limit` bytes.
    pub fn file(&self, path: &str, limit: u64) -> Result<Vec<u8>, Fault> {
        let bytes = self.size(path)?;
        if bytes > limit || bytes > self.window.bytes() {
            return Err(Fault::TooLarge { bytes, limit });
        }
        // Wanted in full, so it is not counted against the search.
        self.window.allow(bytes.saturating_mul(2));
        self.head(path, bytes)
    }
}
