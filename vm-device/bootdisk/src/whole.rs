//! What a whole file is that somebody calls an image.

use crate::arch;
use crate::read::ReadAt;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A kernel or another program: ELF, Image, bzImage or PE.
    Program,
    /// Compressed: a kernel or a whole disk.
    Compressed(&'static str),
    /// A disk in a format that is known by name only.
    Format(&'static str),
    /// An ISO 9660 image.
    Iso,
    /// Everything else: a raw disk, if anything.
    Raw,
}

/// Formats of disks and compressions: where, what, which.
#[rustfmt::skip] // A table.
const MAGIC: &[(u64, &[u8], FileKind)] = &[
    (0,      b"QFI\xfb",                  FileKind::Format("qcow2")),
    (0,      b"KDMV",                     FileKind::Format("vmdk")),
    (0,      b"# Disk DescriptorFile",    FileKind::Format("vmdk")),
    (0,      b"vhdxfile",                 FileKind::Format("vhdx")),
    (0,      b"conectix",                 FileKind::Format("vpc")),
    (0x40,   b"\x7f\x10\xda\xbe",         FileKind::Format("vdi")),
    (0,      b"\x1f\x8b",                 FileKind::Compressed("gzip")),
    (0,      b"\xfd7zXZ\0",               FileKind::Compressed("xz")),
    (0,      b"\x28\xb5\x2f\xfd",         FileKind::Compressed("zstd")),
    (0,      b"BZh",                      FileKind::Compressed("bzip2")),
    (0,      b"\x04\x22\x4d\x18",         FileKind::Compressed("lz4")),
    (0,      b"PK\x03\x04",               FileKind::Compressed("zip")),
];

/// What a file is, by its first bytes.
///
/// An answer is only for a file that was given without a format; the caller decides what a
/// writable disk is.
#[must_use]
pub fn look(file: &dyn ReadAt) -> FileKind {
    let bytes = file.bytes();
    let mut head = vec![0; bytes.min(4096) as usize];
    if file.read_at(0, &mut head).is_err() {
        return FileKind::Raw;
    }
    for (at, magic, kind) in MAGIC {
        let part = head.get(*at as usize..).unwrap_or_default();
        if part.starts_with(magic) {
            return *kind;
        }
    }
    if arch::of_head(&head).is_some() || head.starts_with(b"\x7fELF") {
        return FileKind::Program;
    }
    let mut volume = [0; 5];
    if bytes > 0x8006 && file.read_at(0x8001, &mut volume).is_ok() && &volume == b"CD001" {
        return FileKind::Iso;
    }
    FileKind::Raw
}
