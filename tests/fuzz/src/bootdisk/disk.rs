//! Disks in memory, and the tables that divide them.

use std::collections::BTreeMap;
use std::io;

use crate::Feed;
use crate::sums::crc32;

/// The bytes of a page.
const PAGE: usize = 4096;

/// A disk, of which only the pages with something in them take memory.
#[derive(Default)]
pub struct Disk {
    /// Its size.
    pub bytes: u64,
    /// Where what was put on it ends.
    pub end: usize,
    pages: BTreeMap<usize, Box<[u8; PAGE]>>,
}

impl Disk {
    /// Puts bytes at a place.
    pub fn put(&mut self, mut at: usize, mut bytes: &[u8]) {
        self.end = self.end.max(at + bytes.len());
        self.bytes = self.bytes.max(self.end as u64);
        while !bytes.is_empty() {
            let inside = at % PAGE;
            let (part, rest) = bytes.split_at(bytes.len().min(PAGE - inside));
            let page = self
                .pages
                .entry(at / PAGE)
                .or_insert_with(|| Box::new([0; PAGE]));
            page[inside..inside + part.len()].copy_from_slice(part);
            (at, bytes) = (at + part.len(), rest);
        }
    }

    /// So many bytes at a place.
    pub fn get(&self, at: usize, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        self.fill(at, &mut out);
        out
    }

    fn fill(&self, mut at: usize, mut into: &mut [u8]) {
        while !into.is_empty() {
            let inside = at % PAGE;
            let count = into.len().min(PAGE - inside);
            let (part, rest) = into.split_at_mut(count);
            match self.pages.get(&(at / PAGE)) {
                Some(page) => part.copy_from_slice(&page[inside..inside + count]),
                None => part.fill(0),
            }
            (at, into) = (at + count, rest);
        }
    }

    /// Changes some bytes, moves a block, cuts the end off.
    pub fn change(&mut self, feed: &mut Feed) {
        for _ in 0..feed.u8() % 8 {
            let at = feed.below(self.end.min(0xffff) as u64) as usize;
            match feed.u8() % 8 {
                0 => {
                    let from = feed.below(self.end.min(0xffff) as u64) as usize & !511;
                    let block = self.get(from, 512);
                    self.put(at & !511, &block);
                }
                1 if feed.u8() < 64 => self.bytes = at as u64,
                2 => self.put(at, &feed.u32().to_le_bytes()),
                _ => self.put(at, &[feed.u8()]),
            }
        }
    }

    /// Reads all of `into`, if the disk reaches so far.
    pub fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(into.len() as u64);
        if end.is_none_or(|end| end > self.bytes) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.fill(offset as usize, into);
        Ok(())
    }
}

/// Where volumes begin, and the whole with them in it.
fn joined(volumes: &[Disk], first: u64, gap: u64) -> (Disk, Vec<(u64, u64)>) {
    let (mut disk, mut places, mut at) = (Disk::default(), Vec::new(), first);
    for volume in volumes {
        for (number, page) in &volume.pages {
            disk.put(at as usize * 512 + number * PAGE, &page[..]);
        }
        let sectors = volume.bytes.div_ceil(512).max(1);
        places.push((at, sectors));
        at += sectors + gap;
        disk.bytes = at * 512;
    }
    (disk, places)
}

/// A GPT; then some of its bytes are changed, before or behind the checksums.
pub fn gpt(volumes: &[Disk], feed: &mut Feed) -> Disk {
    const KINDS: [[u8; 4]; 3] = [
        *b"\x28\x73\x2a\xc1",
        *b"\xaf\x3d\xc6\x0f",
        *b"\xff\xc2\x13\xbc",
    ];
    let (mut disk, places) = joined(volumes, 3, 0);
    let mut table = [0; 512];
    for (entry, (start, sectors)) in table.chunks_exact_mut(128).zip(places) {
        entry[..4].copy_from_slice(&feed.one(&KINDS));
        entry[4..16].copy_from_slice(b"\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b");
        entry[16..32].fill(7);
        entry[32..40].copy_from_slice(&start.to_le_bytes());
        entry[40..48].copy_from_slice(&(start + sectors - 1).to_le_bytes());
        entry[56] = feed.u8();
    }
    let mut header = [0; 512];
    header[..16].copy_from_slice(b"EFI PART\0\0\x01\0\x5c\0\0\0");
    header[72] = 2;
    header[80] = 4;
    header[84] = 128;
    for _ in 0..feed.u8() % 4 {
        match feed.u8() % 2 {
            0 => header[usize::from(feed.u8())] = feed.u8(),
            _ => table[usize::from(feed.u8()) * 2] = feed.u8(),
        }
    }
    header[88..92].copy_from_slice(&crc32(&table).to_le_bytes());
    let sum = crc32(&header[..92]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    disk.put(512, &header);
    disk.put(1024, &table);
    if feed.u8() >= 0xf0 {
        // The backup at the end is what is left.
        disk.put(512, &[0; 16]);
        let end = disk.bytes as usize;
        disk.put(end, &header);
    }
    disk.change(feed);
    disk
}

/// A master boot record: one primary partition, the rest in an extended one.
pub fn mbr(volumes: &[Disk], feed: &mut Feed) -> Disk {
    let (mut disk, places) = joined(volumes, 1, 1);
    let row = |kind: u8, start: u64, sectors: u64| {
        let mut row = [0; 16];
        row[4] = kind;
        row[8..12].copy_from_slice(&(start as u32).to_le_bytes());
        row[12..].copy_from_slice(&(sectors as u32).to_le_bytes());
        row
    };
    let (logical, kinds) = (feed.once_in(2), [0x83, 0xef, 0x82, 0x0c, 0x05, 0x7f]);
    for (number, (start, sectors)) in places.iter().enumerate() {
        if !logical || number == 0 {
            let own = row(feed.one(&kinds), *start, *sectors);
            disk.put(0x1be + 16 * number, &own);
        } else {
            // The sector before the volume was left free for the table.
            let (extended, at) = (start - 1, (*start as usize - 1) * 512);
            disk.put(0x1be + 48, &row(0x0f, extended, sectors + 1));
            disk.put(at + 0x1be, &row(0x83, 1, *sectors));
            if feed.once_in(4) {
                disk.put(at + 0x1be + 16, &row(0x05, feed.below(3), 1));
            }
            disk.put(at + 510, &[0x55, 0xaa]);
        }
    }
    disk.put(510, &[0x55, 0xaa]);
    disk.change(feed);
    disk
}
