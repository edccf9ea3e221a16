//! ext2, ext3 and ext4, as small as they can be: one group, inodes in a row, then blocks.

use super::disk::Disk;
use super::tree::{Node, Tree};
use crate::Feed;
use crate::sums::crc32c;

/// What an option byte switches on.
const EXTENTS: u8 = 1;
const BITS_64: u8 = 2;
const INLINE: u8 = 4;
const JOURNAL: u8 = 8;
const DEEP: u8 = 16;
const SPREAD: u8 = 32;
const LARGE_BLOCKS: u8 = 64;

/// How many inodes there are.
const INODES: u32 = 96;
/// The size of an inode.
const INODE_BYTES: usize = 256;
/// The inode of the journal.
const JOURNAL_INODE: u32 = 8;
/// The journal's own name for itself.
const MAGIC: [u8; 4] = [0xc0, 0x3b, 0x39, 0x98];

struct Ext {
    disk: Disk,
    options: u8,
    block: usize,
    /// The first inode, and the first block, that are free.
    inode: u32,
    free: u32,
}

/// A file system with these files.
pub fn make(tree: &Tree, options: u8, feed: &mut Feed) -> Disk {
    let block = if options & LARGE_BLOCKS == 0 {
        1024
    } else {
        4096
    };
    // Behind the superblock and one block of descriptors stand the inodes.
    let table = if block == 1024 { 3 } else { 2 };
    let free = table + (INODES as usize * INODE_BYTES).div_ceil(block) as u32;
    let mut ext = Ext {
        disk: Disk::default(),
        options,
        block,
        inode: 11,
        free,
    };
    ext.folder(2, tree);
    if options & JOURNAL != 0 {
        ext.journal(feed);
    }
    ext.heads(table);
    ext.disk
}

impl Ext {
    fn put(&mut self, block: u32, bytes: &[u8]) {
        self.disk.put(block as usize * self.block, bytes);
    }

    fn heads(&mut self, table: u32) {
        let mut head = vec![0; 1024];
        let mut word = |at: usize, value: u32| {
            head[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        let first = u32::from(self.block == 1024);
        // The last block may have been filled only in part.
        let blocks = self.disk.end.div_ceil(self.block) as u32;
        word(0, INODES);
        word(4, blocks);
        word(0x14, first);
        word(0x18, if self.block == 1024 { 0 } else { 2 });
        word(0x20, 8192);
        word(0x28, INODES);
        word(0x38, 0xef53);
        word(0x4c, 1);
        word(0x58, INODE_BYTES as u32);
        word(0x5c, if self.options & JOURNAL == 0 { 0 } else { 4 });
        let features = [
            (EXTENTS, 0x40),
            (BITS_64, 0x80),
            (INLINE, 0x8000),
            (JOURNAL, 4),
        ];
        let on = features.iter().filter(|(bit, _)| self.options & bit != 0);
        word(0x60, on.map(|(_, feature)| feature).sum());
        word(0xe0, JOURNAL_INODE);
        word(0xfc, 64 << 16);
        for at in 0..16 {
            head[0x68 + at] = 1 + at as u8;
        }
        head[0x78..0x7d].copy_from_slice(b"LABEL");
        self.disk.put(1024, &head);
        let mut descriptor = [0; 64];
        descriptor[8..12].copy_from_slice(&table.to_le_bytes());
        self.put(first + 1, &descriptor);
        self.disk.bytes = u64::from(blocks) * self.block as u64;
    }

    fn next_inode(&mut self) -> u32 {
        self.inode += 1;
        // The last ones are shared: links, if one will.
        self.inode.min(INODES)
    }

    fn folder(&mut self, inode: u32, tree: &Tree) {
        let mut content: Vec<u8> = Vec::new();
        // Where the last entry begins: it reaches to the end of its block.
        let mut last = 0;
        for (name, node) in &tree.0 {
            let child = self.next_inode();
            match node {
                Node::Folder(below) => self.folder(child, below),
                Node::File(bytes, holes) => self.file(child, 0x81a4, bytes, *holes),
                Node::Link(to) => self.file(child, 0xa1ff, to.as_bytes(), 0),
            }
            let length = (8 + name.len()).next_multiple_of(4);
            if self.block - content.len() % self.block < length {
                self.fill(&mut content, last);
            }
            last = content.len();
            content.extend(child.to_le_bytes());
            content.extend((length as u16).to_le_bytes());
            content.extend([name.len() as u8, 0]);
            content.extend(name.as_bytes());
            content.resize(last + length, 0);
        }
        let small = content.len() + 4 <= 60 && self.options & INLINE != 0;
        if small {
            content.splice(0..0, [2, 0, 0, 0]);
        } else {
            self.fill(&mut content, last);
        }
        self.file(inode, 0x41ed, &content, 0);
    }

    /// Fills the last block of a folder: its last entry reaches to the end.
    fn fill(&self, content: &mut Vec<u8>, last: usize) {
        content.resize(
            content.len().next_multiple_of(self.block).max(self.block),
            0,
        );
        let length = (content.len() - last) as u16;
        content[last + 4..last + 6].copy_from_slice(&length.to_le_bytes());
    }

    /// Writes content and inode of anything.
    fn file(&mut self, number: u32, mode: u16, content: &[u8], holes: u8) {
        let bytes = content.len() + usize::from(holes) * self.block;
        let mut inode = [0; INODE_BYTES];
        inode[..2].copy_from_slice(&mode.to_le_bytes());
        inode[4..8].copy_from_slice(&(bytes as u32).to_le_bytes());
        inode[0x1a] = 1;
        let inline = self.options & INLINE != 0 && content.len() <= 100 && holes == 0;
        if mode & 0xf000 == 0xa000 && bytes < 60 {
            inode[0x28..0x28 + bytes].copy_from_slice(content);
        } else if inline {
            in_place(&mut inode, content);
        } else {
            let blocks = self.blocks(content);
            let head = self.map(&blocks, u32::from(holes), &mut inode);
            inode[0x28..0x64].copy_from_slice(&head);
        }
        let table = if self.block == 1024 { 3 } else { 2 };
        let at = table * self.block + (number as usize - 1) * INODE_BYTES;
        self.disk.put(at, &inode);
    }

    /// Puts content into blocks, side by side or not.
    fn blocks(&mut self, content: &[u8]) -> Vec<u32> {
        let mut blocks = Vec::new();
        for (number, part) in content.chunks(self.block).enumerate() {
            let gap = u32::from(self.options & SPREAD != 0 && number % 2 == 1);
            let block = self.free + gap;
            self.put(block, part);
            self.free = block + 1;
            blocks.push(block);
        }
        blocks
    }

    /// The sixty bytes that say where a file's blocks stand.
    fn map(&mut self, blocks: &[u32], holes: u32, inode: &mut [u8]) -> [u8; 60] {
        let mut head = [0; 60];
        if self.options & EXTENTS == 0 {
            let mut all = vec![0; holes as usize];
            all.extend_from_slice(blocks);
            let (direct, rest) = all.split_at(all.len().min(12));
            let mut words = direct.to_vec();
            words.resize(12, 0);
            let per_table = self.block / 4;
            let (one, more) = rest.split_at(rest.len().min(per_table));
            words.push(self.table(one));
            let tables: Vec<u32> = more
                .chunks(per_table)
                .map(|part| self.table(part))
                .collect();
            words.push(self.table(&tables));
            words.push(0);
            for (to, word) in head.chunks_exact_mut(4).zip(words) {
                to.copy_from_slice(&word.to_le_bytes());
            }
            return head;
        }
        inode[0x22] = 8;
        let mut leaves = Vec::new();
        for (number, block) in (holes..).zip(blocks) {
            leaves.extend(number.to_le_bytes());
            leaves.extend([1, 0, 0, 0]);
            leaves.extend(block.to_le_bytes());
        }
        let count = leaves.len() / 12;
        let node =
            |entries: usize, depth: u8| [0x0a, 0xf3, entries as u8, 0, 84, 0, depth, 0, 0, 0, 0, 0];
        if count <= 4 && self.options & DEEP == 0 {
            head[..12].copy_from_slice(&node(count, 0));
            head[12..12 + leaves.len()].copy_from_slice(&leaves);
            return head;
        }
        leaves.truncate(80 * 12);
        let leaf = [&node(leaves.len() / 12, 0)[..], &leaves].concat();
        let at = self.free;
        self.put(at, &leaf);
        self.free += 1;
        head[..12].copy_from_slice(&node(1, 1));
        head[16..20].copy_from_slice(&at.to_le_bytes());
        head
    }

    /// A block of numbers of blocks; none if there are none.
    fn table(&mut self, numbers: &[u32]) -> u32 {
        if numbers.is_empty() {
            return 0;
        }
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let at = self.free;
        self.put(at, &bytes);
        self.free += 1;
        at
    }

    /// A journal with what stands in the feed: descriptors, commits, revocations.
    fn journal(&mut self, feed: &mut Feed) {
        let features: u32 = feed.one(&[0, 2, 8, 0x10, 0x12]);
        let seed = crc32c(!0, &[0; 16]);
        let mut all = vec![vec![0; self.block]];
        let word = |block: &mut [u8], at: usize, value: u32| {
            block[at..at + 4].copy_from_slice(&value.to_be_bytes());
        };
        let (wide, sums) = (features & 2 != 0, features & 0x18 != 0);
        let mut sequence = 1;
        for _ in 0..feed.u8() % 8 {
            let mut block = vec![0; self.block];
            block[..4].copy_from_slice(&MAGIC);
            word(&mut block, 8, sequence);
            let (kind, target) = (feed.u8() % 4, feed.below(u64::from(self.free)) as u32);
            let mut sum_at = self.block - 4;
            match kind {
                0 | 1 => {
                    word(&mut block, 4, 1);
                    word(&mut block, 12, target);
                    // Last, the same identifier, perhaps escaped; in either place for flags.
                    let flags = 10 | u32::from(feed.u8() % 2);
                    word(&mut block, 16, flags);
                }
                2 => {
                    word(&mut block, 4, 5);
                    word(&mut block, 12, if wide { 24 } else { 20 });
                    word(&mut block, if wide { 20 } else { 16 }, target);
                }
                _ => {
                    word(&mut block, 4, 2);
                    sequence += 1;
                    sum_at = 16;
                }
            }
            if sums {
                let sum = crc32c(seed, &block);
                word(&mut block, sum_at, sum);
            }
            all.push(block);
            if kind < 2 {
                all.push(self.disk.get(self.block * 2, self.block));
            }
        }
        let length = all.len() as u32;
        let head = &mut all[0];
        head[..4].copy_from_slice(&MAGIC);
        for (at, value) in [
            (4, 4),
            (12, self.block as u32),
            (16, length.max(2)),
            (20, 1),
        ] {
            word(head, at, value);
        }
        for (at, value) in [(24, 1), (28, u32::from(length > 1)), (40, features)] {
            word(head, at, value);
        }
        if feed.u8() >= 0xf0 {
            word(head, usize::from(feed.u8() % 12) * 4, feed.odd() as u32);
        }
        let content = all.concat();
        self.file(JOURNAL_INODE, 0x8180, &content, 0);
    }
}

/// Puts content into an inode: where block numbers would be, and into an attribute.
fn in_place(inode: &mut [u8], content: &[u8]) {
    inode[0x23] = 0x10;
    let (head, rest) = content.split_at(content.len().min(60));
    inode[0x28..0x28 + head.len()].copy_from_slice(head);
    inode[0x80] = 32;
    let attributes = &mut inode[160..];
    attributes[..4].copy_from_slice(&[0, 0, 2, 0xea]);
    attributes[4..6].copy_from_slice(&[4, 7]);
    attributes[6] = 40;
    attributes[12] = rest.len() as u8;
    attributes[20..24].copy_from_slice(b"data");
    attributes[44..44 + rest.len()].copy_from_slice(rest);
}
