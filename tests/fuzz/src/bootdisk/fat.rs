//! FAT12, FAT16 and FAT32 with one sector a cluster.

use super::disk::Disk;
use super::tree::{Node, Tree};

/// The clusters that each width needs, so that it is taken for what it is.
const CLUSTERS: [u32; 3] = [300, 4100, 65_600];
/// Sectors before the table.
const RESERVED: u32 = 1;
/// Entries of the root where it has a place of its own.
const ROOT: u32 = 64;

struct Fat {
    disk: Disk,
    width: usize,
    data: usize,
    next: u32,
}

/// A file system with these files; `width` is 0 to 2.
pub fn make(tree: &Tree, width: u32, options: u8) -> Disk {
    let width = width.min(2) as usize;
    let clusters = CLUSTERS[width];
    let table = [2 * clusters, 2 * clusters, 4 * clusters][width].div_ceil(512) + 1;
    let root = if width == 2 { 0 } else { ROOT };
    let data = RESERVED + table + root / 16;
    let mut fat = Fat {
        disk: Disk::default(),
        width,
        data: data as usize * 512,
        next: 2,
    };
    let content = fat.folder(tree, options & 1 != 0);
    let mut head = [0; 512];
    head[0] = 0xeb;
    for (at, value) in [(11, 512), (14, RESERVED as u16), (17, root as u16)] {
        head[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    (head[13], head[16]) = (1, 1);
    head[32..36].copy_from_slice(&(data + clusters).to_le_bytes());
    if width == 2 {
        head[36..40].copy_from_slice(&table.to_le_bytes());
        let first = fat.chain(&content);
        head[44..48].copy_from_slice(&first.to_le_bytes());
        head[0x52..0x57].copy_from_slice(b"FAT32");
        head[0x43..0x4a].copy_from_slice(b"\xcd\xab\x34\x12LAB");
    } else {
        head[22..24].copy_from_slice(&(table as u16).to_le_bytes());
        head[0x36..0x39].copy_from_slice(b"FAT");
        head[0x27..0x2e].copy_from_slice(b"\xcd\xab\x34\x12LAB");
        let room = content.len().min(ROOT as usize * 32);
        fat.disk
            .put((RESERVED + table) as usize * 512, &content[..room]);
    }
    head[510..].copy_from_slice(&[0x55, 0xaa]);
    fat.disk.put(0, &head);
    fat.disk.bytes = u64::from(data + clusters) * 512;
    fat.disk
}

impl Fat {
    /// Puts content into clusters; the first of them.
    fn chain(&mut self, content: &[u8]) -> u32 {
        let first = self.next;
        let mut parts = content.chunks(512).peekable();
        while let Some(part) = parts.next() {
            let cluster = self.next;
            self.disk
                .put(self.data + (cluster as usize - 2) * 512, part);
            self.next += 1;
            self.link(
                cluster,
                if parts.peek().is_some() {
                    cluster + 1
                } else {
                    0x0fff_ffff
                },
            );
        }
        if content.is_empty() { 0 } else { first }
    }

    fn link(&mut self, cluster: u32, to: u32) {
        let (table, cluster) = (RESERVED as usize * 512, cluster as usize);
        match self.width {
            0 => {
                let at = table + cluster * 3 / 2;
                let pair = self.disk.get(at, 2);
                let old = u16::from_le_bytes([pair[0], pair[1]]);
                let new = if cluster.is_multiple_of(2) {
                    old & 0xf000 | to as u16 & 0xfff
                } else {
                    old & 0xf | (to as u16) << 4
                };
                self.disk.put(at, &new.to_le_bytes());
            }
            1 => self
                .disk
                .put(table + cluster * 2, &(to as u16).to_le_bytes()),
            _ => self.disk.put(table + cluster * 4, &to.to_le_bytes()),
        }
    }

    /// The entries of a folder, whose files are written first.
    fn folder(&mut self, tree: &Tree, long: bool) -> Vec<u8> {
        let mut content = Vec::new();
        for (number, (name, node)) in tree.0.iter().enumerate() {
            let (attributes, first, bytes) = match node {
                Node::Folder(below) => {
                    let entries = self.folder(below, long);
                    (0x10, self.chain(&entries), 0)
                }
                Node::File(bytes, _) => (0x20, self.chain(bytes), bytes.len()),
                Node::Link(to) => (0x20, self.chain(to.as_bytes()), to.len()),
            };
            let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
            let fits = stem.len() <= 8 && ending.len() <= 3;
            let mut entry = [b' '; 32];
            if fits && !long {
                entry[..stem.len()].copy_from_slice(stem.to_ascii_uppercase().as_bytes());
                entry[8..8 + ending.len()].copy_from_slice(ending.to_ascii_uppercase().as_bytes());
            } else {
                entry[0] = b'A' + (number % 26) as u8;
                content.extend(long_entries(name));
            }
            entry[11] = attributes;
            entry[12..].fill(0);
            entry[12] = if stem.starts_with(|c: char| c.is_lowercase()) {
                0x18
            } else {
                0
            };
            entry[20..22].copy_from_slice(&((first >> 16) as u16).to_le_bytes());
            entry[26..28].copy_from_slice(&(first as u16).to_le_bytes());
            entry[28..32].copy_from_slice(&(bytes as u32).to_le_bytes());
            content.extend(entry);
        }
        content
    }
}

/// The entries that stand before the one with a long name, the last part first.
fn long_entries(name: &str) -> Vec<u8> {
    let units: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mut out = Vec::new();
    for (number, part) in units.chunks(13).enumerate().rev() {
        let mut entry = [0; 32];
        let last = (number + 1) * 13 >= units.len();
        entry[0] = (number as u8 + 1) | if last { 0x40 } else { 0 };
        entry[11] = 0x0f;
        let places = (1..11)
            .step_by(2)
            .chain((14..26).step_by(2))
            .chain([28, 30]);
        for (at, unit) in places.zip(part) {
            entry[at..at + 2].copy_from_slice(&unit.to_le_bytes());
        }
        out.extend(entry);
    }
    out
}
