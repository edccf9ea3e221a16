//! FAT12, FAT16 and FAT32 with long names, after Microsoft's "FAT32 File System Specification".

use std::cell::RefCell;

use crate::Fault;
use crate::bytes::{u8_at, u16_at, u32_at};
use crate::fs::{FileSystem, Node, NodeKind, components};
use crate::read::Window;

// LIMIT: the format allows 65536 entries of 32 bytes in a folder.
const MAX_FOLDER_BYTES: u64 = 2 << 20;
/// The first numbers of clusters that end a chain, cut to the width of the table.
const LAST: u32 = 0x0fff_fff8;
/// A folder's place if it is the root of FAT12 and FAT16, which is no cluster.
const FIXED_ROOT: u32 = 0;

/// Whether a FAT begins here.
pub(super) fn is_fat(window: &Window) -> bool {
    let Ok(head) = window.take(0, 512) else {
        return false;
    };
    let named = head.get(0x36..0x39) == Some(b"FAT") || head.get(0x52..0x57) == Some(b"FAT32");
    named && u16_at(&head, 510) == 0xaa55 && matches!(u8_at(&head, 0), 0xeb | 0xe9)
}

/// How wide the table's entries are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Bits12,
    Bits16,
    Bits32,
}

/// A FAT file system.
pub(super) struct Fat {
    window: Window,
    width: Width,
    serial: u32,
    label: String,
    /// The table's place and size.
    table: u64,
    table_bytes: u64,
    /// The fixed root folder's place and size; nothing on FAT32.
    root: u64,
    root_bytes: u64,
    root_cluster: u32,
    data: u64,
    cluster_bytes: u64,
    clusters: u32,
    /// The last part of the table that was read, and its place in the table.
    cached: RefCell<(u64, Vec<u8>)>,
}

/// An entry of a folder.
struct Entry {
    name: String,
    short: String,
    folder: bool,
    cluster: u32,
    bytes: u64,
}

impl Fat {
    /// Opens it; its head must be sound.
    pub fn open(window: Window) -> Result<Self, Fault> {
        let head = window.take(0, 512)?;
        let wrong = |at: u64, rule: String| Err(window.damaged(at, rule));
        let sector = u64::from(u16_at(&head, 11));
        if !sector.is_power_of_two() || !(512..=4096).contains(&sector) {
            return wrong(11, format!("sectors of {sector} bytes are not possible"));
        }
        let per_cluster = u64::from(u8_at(&head, 13));
        if !per_cluster.is_power_of_two() {
            return wrong(
                13,
                format!("clusters of {per_cluster} sectors are not possible"),
            );
        }
        let nonzero = |short: u16, long: u32| match short {
            0 => u64::from(long),
            short => u64::from(short),
        };
        let reserved = u64::from(u16_at(&head, 14));
        let tables = u64::from(u8_at(&head, 16));
        let root_bytes = u64::from(u16_at(&head, 17)) * 32;
        let total = nonzero(u16_at(&head, 19), u32_at(&head, 32));
        let table_sectors = nonzero(u16_at(&head, 22), u32_at(&head, 36));
        let data_sector = reserved + tables * table_sectors + root_bytes.div_ceil(sector);
        if total * sector > window.bytes() {
            let rule = format!(
                "the file system has {total} sectors of {sector} bytes, \
                 its place has {} bytes: it is cut off",
                window.bytes()
            );
            return wrong(32, rule);
        }
        if tables == 0 || reserved == 0 || data_sector >= total {
            return wrong(
                14,
                format!("data begins at sector {data_sector} of {total}"),
            );
        }
        let clusters = (total - data_sector) / per_cluster;
        let width = match clusters {
            0..4085 => Width::Bits12,
            4085..65525 => Width::Bits16,
            _ => Width::Bits32,
        };
        let large = width == Width::Bits32;
        Ok(Self {
            width,
            serial: u32_at(&head, if large { 0x43 } else { 0x27 }),
            label: label(&head, if large { 0x47 } else { 0x2b }),
            table: reserved * sector,
            table_bytes: table_sectors * sector,
            root: (reserved + tables * table_sectors) * sector,
            root_bytes,
            root_cluster: if large { u32_at(&head, 44) } else { FIXED_ROOT },
            data: data_sector * sector,
            cluster_bytes: per_cluster * sector,
            clusters: u32::try_from(clusters).unwrap_or(u32::MAX - 2),
            cached: RefCell::default(),
            window,
        })
    }

    fn place(&self, cluster: u32) -> Result<u64, Fault> {
        match cluster
            .checked_sub(2)
            .filter(|index| *index < self.clusters)
        {
            Some(index) => Ok(self.data + u64::from(index) * self.cluster_bytes),
            None => {
                let rule = format!("cluster {cluster} is wanted, there are {}", self.clusters);
                Err(self.window.damaged(self.table, rule))
            }
        }
    }

    /// The cluster behind this one; `None` at the end of the chain.
    fn next(&self, cluster: u32) -> Result<Option<u32>, Fault> {
        let at = match self.width {
            Width::Bits12 => u64::from(cluster) * 3 / 2,
            Width::Bits16 => u64::from(cluster) * 2,
            Width::Bits32 => u64::from(cluster) * 4,
        };
        let bytes = self.table_part(at)?;
        let (value, mask) = match self.width {
            Width::Bits12 => {
                let pair = u32::from(u16_at(&bytes, 0));
                (
                    if cluster.is_multiple_of(2) {
                        pair
                    } else {
                        pair >> 4
                    },
                    0xfff,
                )
            }
            Width::Bits16 => (u32::from(u16_at(&bytes, 0)), 0xffff),
            Width::Bits32 => (u32_at(&bytes, 0), 0x0fff_ffff),
        };
        let value = value & mask;
        Ok((value < LAST & mask).then_some(value))
    }

    /// Four bytes of the table, as far as it goes.
    fn table_part(&self, at: u64) -> Result<[u8; 4], Fault> {
        const PART: u64 = 4096;
        let mut out = [0; 4];
        let bytes = 4.min(self.table_bytes.saturating_sub(at));
        if bytes < 2 {
            let rule = format!("the table has {} bytes, {at} is wanted", self.table_bytes);
            return Err(self.window.damaged(self.table, rule));
        }
        let mut cached = self.cached.borrow_mut();
        for (index, byte) in (at..at + bytes).zip(&mut out) {
            let start = index / PART * PART;
            if cached.1.is_empty() || cached.0 != start {
                let length = PART.min(self.table_bytes - start) as usize;
                *cached = (start, self.window.take(self.table + start, length)?);
            }
            *byte = u8_at(&cached.1, (index - start) as usize);
        }
        Ok(out)
    }

    /// The bytes of a chain: `wanted` of them, or all of it if that is less.
    fn chain(&self, first: u32, from: u64, wanted: u64) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        let mut cluster = Some(first);
        for _ in 0..from / self.cluster_bytes {
            if let Some(number) = cluster {
                cluster = self.next(number)?;
            }
        }
        let inside = from % self.cluster_bytes;
        let wanted = wanted + inside;
        while let Some(number) = cluster {
            let left = wanted - out.len() as u64;
            if left == 0 {
                break;
            }
            let bytes = left.min(self.cluster_bytes) as usize;
            let at = self.place(number)?;
            out.extend_from_slice(&self.window.take(at, bytes)?);
            cluster = self.next(number)?;
        }
        out.drain(..out.len().min(inside as usize));
        Ok(out)
    }

    fn entries(&self, cluster: u32) -> Result<Vec<Entry>, Fault> {
        let content = if cluster == FIXED_ROOT {
            let bytes = self.root_bytes.min(MAX_FOLDER_BYTES) as usize;
            self.window.take(self.root, bytes)?
        } else {
            self.chain(cluster, 0, MAX_FOLDER_BYTES)?
        };
        let mut entries = Vec::new();
        // Parts of a long name come before their entry, the last part first.
        let mut long: Vec<u16> = Vec::new();
        for raw in content.chunks_exact(32) {
            let (first, attributes) = (raw[0], raw[11]);
            if first == 0 {
                break;
            }
            if first == 0xe5 {
                long.clear();
            } else if attributes & 0x3f == 0x0f {
                // LIMIT: a name has 255 characters.
                if first & 0x40 != 0 || long.len() > 255 {
                    long.clear();
                }
                let mut part = long_part(raw);
                part.append(&mut long);
                long = part;
            } else {
                let name = long_name(&long);
                long.clear();
                // A volume's label is no file.
                if attributes & 8 == 0 && first != b'.' {
                    entries.push(entry(raw, name));
                }
            }
        }
        Ok(entries)
    }

    fn root_node(&self) -> Node {
        Node {
            id: u64::from(self.root_cluster),
            bytes: 0,
            kind: NodeKind::Folder,
        }
    }
}

impl FileSystem for Fat {
    fn name(&self) -> &'static str {
        match self.width {
            Width::Bits12 => "FAT12",
            Width::Bits16 => "FAT16",
            Width::Bits32 => "FAT32",
        }
    }

    fn uuid(&self) -> String {
        format!("{:04X}-{:04X}", self.serial >> 16, self.serial & 0xffff)
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn find(&self, path: &str) -> Result<Node, Fault> {
        let mut way = vec![self.root_node()];
        for name in components(path) {
            if name == ".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let here = way.last().filter(|node| node.kind == NodeKind::Folder);
            let here = here.ok_or(Fault::Absent)?;
            let found = self.entries(here.id as u32)?.into_iter().find(|entry| {
                entry.name.eq_ignore_ascii_case(name) || entry.short.eq_ignore_ascii_case(name)
            });
            let entry = found.ok_or(Fault::Absent)?;
            way.push(Node {
                id: u64::from(entry.cluster),
                bytes: entry.bytes,
                kind: if entry.folder {
                    NodeKind::Folder
                } else {
                    NodeKind::File
                },
            });
        }
        way.pop().ok_or(Fault::Absent)
    }

    fn list(&self, folder: &Node) -> Result<Vec<String>, Fault> {
        let entries = self.entries(folder.id as u32)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    fn read(&self, file: &Node, from: u64, bytes: u64) -> Result<Vec<u8>, Fault> {
        // LIMIT: a file is not longer than its file system, whatever its entry says.
        if file.bytes > self.window.bytes() {
            return Err(Fault::TooLarge {
                bytes: file.bytes,
                limit: self.window.bytes(),
            });
        }
        let wanted = file.bytes.saturating_sub(from).min(bytes);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let content = self.chain(file.id as u32, from, wanted)?;
        if (content.len() as u64) < wanted {
            let rule = format!(
                "the chain of clusters from {} ends before the file's {} bytes do",
                file.id, file.bytes
            );
            return Err(self.window.damaged(self.table, rule));
        }
        Ok(content)
    }
}

fn entry(raw: &[u8], name: Option<String>) -> Entry {
    let short = short_name(raw);
    Entry {
        name: name.unwrap_or_else(|| short.clone()),
        short,
        folder: raw[11] & 0x10 != 0,
        cluster: u32::from(u16_at(raw, 20)) << 16 | u32::from(u16_at(raw, 26)),
        bytes: u64::from(u32_at(raw, 28)),
    }
}

/// A name of eight and three; flags say which half is meant in small letters.
fn short_name(raw: &[u8]) -> String {
    let part = |range: std::ops::Range<usize>, small: u8| {
        let text: String = raw[range].iter().map(|byte| char::from(*byte)).collect();
        let text = text.trim_end();
        if raw[12] & small == 0 {
            text.to_owned()
        } else {
            text.to_ascii_lowercase()
        }
    };
    let (stem, ending) = (part(0..8, 0x08), part(8..11, 0x10));
    if ending.is_empty() {
        stem
    } else {
        format!("{stem}.{ending}")
    }
}

/// The thirteen characters of an entry that is a part of a long name.
fn long_part(raw: &[u8]) -> Vec<u16> {
    let places = (1..11)
        .step_by(2)
        .chain((14..26).step_by(2))
        .chain([28, 30]);
    places.map(|at| u16_at(raw, at)).collect()
}

/// The long name without what fills its last part.
fn long_name(units: &[u16]) -> Option<String> {
    let units: Vec<u16> = units
        .iter()
        .copied()
        .take_while(|unit| *unit != 0)
        .collect();
    (!units.is_empty()).then(|| String::from_utf16_lossy(&units))
}

fn label(head: &[u8], at: usize) -> String {
    let text = head.get(at..at + 11).unwrap_or_default();
    let text = String::from_utf8_lossy(text).trim_end().to_owned();
    if text == "NO NAME" {
        String::new()
    } else {
        text
    }
}
