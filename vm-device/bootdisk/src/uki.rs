//! Unified kernel images: EFI programs with a kernel in a section (UAPI.5).

use std::ops::Range;

use vm_device_boot::Arch;

use crate::arch;
use crate::bytes::{array, u16_at, u32_at};
use crate::volume::Volume;
use crate::{Fault, Loaded};

// LIMIT: the headers of a program with a hundred sections.
const HEAD_BYTES: u64 = 16 << 10;
// LIMIT: command lines and release files have a few hundred bytes.
const TEXT_BYTES: u64 = 64 << 10;
// LIMIT: profiles and device trees make some dozens.
const MAX_SECTIONS: u16 = 128;

/// What an image says of itself.
pub(crate) struct About {
    pub arch: Option<Arch>,
    pub options: String,
    pub release: String,
    pub kernel_version: String,
}

/// A section: its name and its bytes in the file.
type Section = (String, Range<u64>);

/// What an image says of itself; `None` if it holds no kernel.
pub(crate) fn about(volume: &Volume, path: &str) -> Result<Option<About>, Fault> {
    let head = volume.head(path, HEAD_BYTES)?;
    let sections = sections(&head);
    if find(&sections, ".linux").is_none() {
        return Ok(None);
    }
    let text = |name: &str| -> Result<String, Fault> {
        let Some(range) = find(&sections, name) else {
            return Ok(String::new());
        };
        let bytes = (range.end - range.start).min(TEXT_BYTES);
        let bytes = volume.part(path, range.start, bytes)?;
        Ok(printed(&bytes))
    };
    Ok(Some(About {
        arch: arch::of_head(&head),
        options: text(".cmdline")?,
        release: text(".osrel")?,
        kernel_version: text(".uname")?,
    }))
}

/// The parts of a unified kernel image; `None` if it holds no kernel.
#[must_use]
pub fn take_apart(file: &[u8]) -> Option<Loaded> {
    let sections = sections(file);
    let part = |name: &str| {
        let range = find(&sections, name)?;
        let end = range.end.min(file.len() as u64);
        file.get(range.start as usize..end as usize)
    };
    let kernel = part(".linux")?.to_vec();
    let disks: Vec<&[u8]> = [".ucode", ".initrd"].into_iter().filter_map(part).collect();
    Some(Loaded {
        kernel,
        initrd: joined(&disks),
        options: part(".cmdline").map(printed).unwrap_or_default(),
    })
}

/// RAM disks behind one another, each at a multiple of four bytes; `None` if there are none.
pub(crate) fn joined(disks: &[impl AsRef<[u8]>]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for disk in disks {
        all.resize(all.len().next_multiple_of(4), 0);
        all.extend_from_slice(disk.as_ref());
    }
    (!disks.is_empty()).then_some(all)
}

fn sections(head: &[u8]) -> Vec<Section> {
    let pe = u32_at(head, 0x3c) as usize;
    if !head.starts_with(b"MZ") || array(head, pe) != Some(*b"PE\0\0") {
        return Vec::new();
    }
    let count = u16_at(head, pe + 6).min(MAX_SECTIONS);
    let table = pe + 24 + usize::from(u16_at(head, pe + 20));
    let section = |index: u16| {
        let at = table + usize::from(index) * 40;
        let raw: [u8; 40] = array(head, at)?;
        let name = raw[..8].split(|byte| *byte == 0).next().unwrap_or_default();
        // The file's part is filled up; the size in memory is the content's.
        let bytes = u32_at(&raw, 8).min(u32_at(&raw, 16));
        let start = u64::from(u32_at(&raw, 20));
        Some((
            String::from_utf8_lossy(name).into_owned(),
            start..start + u64::from(bytes),
        ))
    };
    (0..count).filter_map(section).collect()
}

fn find(sections: &[Section], name: &str) -> Option<Range<u64>> {
    let found = sections.iter().find(|(other, _)| other == name);
    found.map(|(_, range)| range.clone())
}

fn printed(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim().to_owned()
}
