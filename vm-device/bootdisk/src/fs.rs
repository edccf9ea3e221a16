//! File systems, for reading only: ext2, ext3, ext4, and FAT.

mod ext;
mod fat;

use crate::Fault;
use crate::read::Window;

/// A file or folder that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where the file system keeps it.
    pub id: u64,
    /// Its size.
    pub bytes: u64,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    File,
    Folder,
    /// Devices, sockets and the like.
    Other,
}

/// A file system that was recognised and whose head is sound.
pub(crate) trait FileSystem {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The identifier that `root=UUID=` speaks of.
    fn uuid(&self) -> String;
    /// Its label.
    fn label(&self) -> String;
    /// What a path leads to; links are followed.
    fn find(&self, path: &str) -> Result<Node, Fault>;
    /// The names in a folder.
    fn list(&self, folder: &Node) -> Result<Vec<String>, Fault>;
    /// Some bytes of a file; less if it ends before.
    fn read(&self, file: &Node, from: u64, bytes: u64) -> Result<Vec<u8>, Fault>;
    /// What a reader should know about its state.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// A file system by its name.
type Opener = fn(&Window) -> Result<Box<dyn FileSystem>, Fault>;

/// The file system that begins here, by name, and what opens it.
pub(crate) fn recognise(window: &Window) -> Option<(&'static str, Opener)> {
    if ext::is_ext(window) {
        return Some(("ext", |window| {
            Ok(Box::new(ext::Ext::open(window.clone())?))
        }));
    }
    if fat::is_fat(window) {
        return Some(("FAT", |window| {
            Ok(Box::new(fat::Fat::open(window.clone())?))
        }));
    }
    None
}

/// Names of what else may stand in a partition, so that people hear what it is.
#[rustfmt::skip] // A table: where, what, name.
const OTHERS: &[(u64, &[u8], &str)] = &[
    (0x1_0040, b"_BHRfS_M",         "btrfs"),
    (0,        b"XFSB",             "XFS"),
    (0,        b"LUKS\xba\xbe",     "an encrypted LUKS volume"),
    (0x218,    b"LVM2 001",         "an LVM volume"),
    (0,        b"hsqs",             "squashfs"),
    (0x400,    b"\x10\x20\xf5\xf2", "F2FS"),
    (3,        b"NTFS    ",         "NTFS"),
    (3,        b"EXFAT   ",         "exFAT"),
    (0xff6,    b"SWAPSPACE2",       "swap space"),
    (0x8001,   b"CD001",            "ISO 9660"),
    (0x400,    b"\xe2\xe1\xf5\xe0", "EROFS"),
];

/// What is there if it is no file system that is read here.
pub(crate) fn other(window: &Window) -> &'static str {
    /// Every file system and table has something in its first bytes.
    const BEGINNING: u64 = 68 << 10;
    let found = OTHERS.iter().find(|(at, magic, _)| {
        let bytes = window.take(*at, magic.len());
        bytes.is_ok_and(|bytes| bytes == *magic)
    });
    if let Some((_, _, name)) = found {
        return name;
    }
    let beginning = window.take(0, window.bytes().min(BEGINNING) as usize);
    match beginning {
        Ok(bytes) if bytes.is_empty() => "it is empty",
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => "it begins with zeros only",
        _ => "nothing that is known",
    }
}

/// The components of a path, without empty ones.
pub(crate) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}
