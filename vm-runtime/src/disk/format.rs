//! What a disk's file is, by its first bytes.
//!
//! A raw disk is what its guest makes of it, so a guest could write the header of another format:
//! what looks like one is refused rather than believed, unless the user has said that it is raw.

use crate::DiskFormat;

/// Names of formats, and what their files begin with.
const MAGICS: &[(&str, usize, &[u8])] = &[
    ("qcow2", 0, b"QFI\xfb"),
    ("VMDK", 0, b"KDMV"),
    ("VMDK", 0, b"# Disk DescriptorFile"),
    ("VHDX", 0, b"vhdxfile"),
    ("VHD", 0, b"conectix"),
    ("VDI", 64, b"\x7f\x10\xda\xbe"),
    ("gzip", 0, b"\x1f\x8b\x08"),
    ("xz", 0, b"\xfd7zXZ\0"),
    ("zstd", 0, b"\x28\xb5\x2f\xfd"),
    ("bzip2", 0, b"BZh"),
];

/// The format that a file has if it is not taken as raw.
pub fn other(said: DiskFormat, head: &[u8]) -> Option<&'static str> {
    if said == DiskFormat::Raw {
        return None;
    }
    let begins = |at: &usize, magic: &[u8]| head.get(*at..).is_some_and(|h| h.starts_with(magic));
    let found = MAGICS.iter().find(|(_, at, magic)| begins(at, magic));
    found.map(|(name, ..)| *name)
}
