//! ext2, ext3 and ext4, after the Linux documentation "ext4 Data Structures and Algorithms".
//!
//! What is read: extents and block maps, hashed and linear folders, links, small inline files,
//! 64-bit and flexible groups, and a journal that was not written back.
//! Checksums of metadata are not compared: the guest's own driver does that.

mod folder;
mod inode;
mod journal;

use std::collections::BTreeMap;

use self::inode::Inode;
use crate::Fault;
use crate::bytes::{array, u16_at, u32_at, uuid_text};
use crate::fs::{FileSystem, Node, NodeKind};
use crate::read::Window;

const SUPERBLOCK: u64 = 1024;
const MAGIC: u16 = 0xef53;

// Incompatible features by the documentation's names.
const FILETYPE: u32 = 0x2;
const RECOVER: u32 = 0x4;
const META_BG: u32 = 0x10;
const EXTENTS: u32 = 0x40;
const BITS_64: u32 = 0x80;
const MMP: u32 = 0x100;
const FLEX_BG: u32 = 0x200;
const EA_INODE: u32 = 0x400;
const CSUM_SEED: u32 = 0x2000;
const LARGEDIR: u32 = 0x4000;
const INLINE_DATA: u32 = 0x8000;
const ENCRYPT: u32 = 0x1_0000;
const CASEFOLD: u32 = 0x2_0000;

/// What can be read; the rest of the features change what stands where.
const KNOWN: u32 = FILETYPE
    | RECOVER
    | EXTENTS
    | BITS_64
    | MMP
    | FLEX_BG
    | EA_INODE
    | CSUM_SEED
    | LARGEDIR
    | INLINE_DATA
    | ENCRYPT
    | CASEFOLD;

/// Whether a file system of this family begins here.
pub(super) fn is_ext(window: &Window) -> bool {
    let magic = window.take(SUPERBLOCK + 0x38, 2);
    magic.is_ok_and(|bytes| u16_at(&bytes, 0) == MAGIC)
}

/// A file system of this family.
pub(super) struct Ext {
    window: Window,
    name: &'static str,
    uuid: String,
    label: String,
    block_bytes: u64,
    blocks: u64,
    groups: u64,
    first_block: u64,
    descriptor_bytes: u64,
    wide_descriptors: bool,
    inodes_per_group: u32,
    inode_bytes: u64,
    inodes: u32,
    /// Blocks whose newest content stands in the journal: see [`journal`].
    newer: BTreeMap<u64, journal::Copy>,
    remark: Option<String>,
}

impl Ext {
    /// Opens it; its head must be sound.
    pub fn open(window: Window) -> Result<Self, Fault> {
        let head = window.take(SUPERBLOCK, 1024)?;
        let wrong = |at: u64, rule: String| window.damaged(SUPERBLOCK + at, rule);
        let (compatible, incompatible) = (u32_at(&head, 0x5c), u32_at(&head, 0x60));
        let unknown = incompatible & !KNOWN;
        if unknown & META_BG != 0 {
            return Err(Fault::Unsupported("ext4 with meta block groups".to_owned()));
        }
        if unknown != 0 {
            return Err(Fault::Unsupported(format!(
                "ext4 with feature bits {unknown:#x}"
            )));
        }
        let size = u32_at(&head, 0x18);
        if size > 6 {
            return Err(wrong(
                0x18,
                format!("blocks of 2^{} KiB are not possible", size),
            ));
        }
        let block_bytes = 1024u64 << size;
        let bits_64 = incompatible & BITS_64 != 0;
        let high = if bits_64 { u32_at(&head, 0x150) } else { 0 };
        let blocks = u64::from(high) << 32 | u64::from(u32_at(&head, 4));
        let end = blocks.checked_mul(block_bytes);
        if end.is_none_or(|end| end > window.bytes()) {
            let rule = format!(
                "the file system has {blocks} blocks of {block_bytes} bytes, \
                 its place has {} bytes: it is cut off",
                window.bytes()
            );
            return Err(wrong(4, rule));
        }
        let old = u32_at(&head, 0x4c) == 0;
        let inode_bytes = if old {
            128
        } else {
            u64::from(u16_at(&head, 0x58))
        };
        if !inode_bytes.is_power_of_two() || !(128..=block_bytes).contains(&inode_bytes) {
            return Err(wrong(
                0x58,
                format!("inodes of {inode_bytes} bytes are not possible"),
            ));
        }
        let descriptor_bytes = if bits_64 {
            u64::from(u16_at(&head, 0xfe))
        } else {
            32
        };
        if !descriptor_bytes.is_power_of_two() || !(32..=block_bytes).contains(&descriptor_bytes) {
            let rule = format!("group descriptors of {descriptor_bytes} bytes are not possible");
            return Err(wrong(0xfe, rule));
        }
        let (per_group, inodes_per_group) = (u32_at(&head, 0x20), u32_at(&head, 0x28));
        let first_block = u64::from(u32_at(&head, 0x14));
        if per_group == 0 || inodes_per_group == 0 || first_block >= blocks {
            return Err(wrong(
                0x14,
                "a group has neither blocks nor inodes".to_owned(),
            ));
        }
        let mut ext = Self {
            name: name(compatible, incompatible),
            uuid: uuid_text(array(&head, 0x68).unwrap_or_default()),
            label: text(head.get(0x78..0x88).unwrap_or_default()),
            block_bytes,
            blocks,
            groups: (blocks - first_block).div_ceil(u64::from(per_group)),
            first_block,
            descriptor_bytes,
            wide_descriptors: bits_64 && descriptor_bytes >= 64,
            inodes_per_group,
            inode_bytes,
            inodes: u32_at(&head, 0),
            newer: BTreeMap::new(),
            remark: None,
            window,
        };
        if incompatible & RECOVER != 0 && compatible & 4 != 0 {
            ext.take_journal(u32_at(&head, 0xe0))?;
        }
        Ok(ext)
    }

    /// Reads the journal of a file system that was not unmounted.
    fn take_journal(&mut self, inode: u32) -> Result<(), Fault> {
        let newer = journal::newest(self, inode)?;
        if !newer.is_empty() {
            let blocks = newer.len();
            self.remark = Some(format!(
                "it was not unmounted: {blocks} blocks are read from its journal"
            ));
        }
        self.newer = newer;
        Ok(())
    }

    /// The place of a block that is read as it stands on the disk.
    fn place(&self, block: u64) -> Result<u64, Fault> {
        if block >= self.blocks {
            let rule = format!("block {block} is wanted, there are {}", self.blocks);
            return Err(self.window.damaged(SUPERBLOCK, rule));
        }
        // `blocks * block_bytes` was found to fit.
        Ok(block * self.block_bytes)
    }

    /// A block with its newest content.
    fn block(&self, block: u64) -> Result<Vec<u8>, Fault> {
        let copy = self.newer.get(&block);
        let at = self.place(copy.map_or(block, |copy| copy.block))?;
        let mut bytes = self.window.take(at, self.block_bytes as usize)?;
        if copy.is_some_and(|copy| copy.escaped) {
            bytes[..4].copy_from_slice(&journal::MAGIC.to_be_bytes());
        }
        Ok(bytes)
    }

    fn inode(&self, number: u32) -> Result<Inode, Fault> {
        if number == 0 || number > self.inodes {
            let rule = format!("inode {number} is wanted, there are {}", self.inodes);
            return Err(self.window.damaged(SUPERBLOCK, rule));
        }
        let index = number - 1;
        let (group, index) = (
            u64::from(index / self.inodes_per_group),
            u64::from(index % self.inodes_per_group),
        );
        if group >= self.groups {
            let rule = format!("inode {number} is in group {group} of {}", self.groups);
            return Err(self.window.damaged(SUPERBLOCK, rule));
        }
        let per_block = self.block_bytes / self.descriptor_bytes;
        let descriptors = self.block(self.first_block + 1 + group / per_block)?;
        let at = (group % per_block * self.descriptor_bytes) as usize;
        let high = if self.wide_descriptors {
            u32_at(&descriptors, at + 0x28)
        } else {
            0
        };
        let table = u64::from(high) << 32 | u64::from(u32_at(&descriptors, at + 8));
        let per_block = self.block_bytes / self.inode_bytes;
        let block = table.saturating_add(index / per_block);
        let bytes = self.block(block)?;
        let at = (index % per_block * self.inode_bytes) as usize;
        let end = at + self.inode_bytes as usize;
        let place = block.saturating_mul(self.block_bytes) + at as u64;
        Inode::parse(number, place, bytes.get(at..end).unwrap_or_default(), self)
    }
}

impl FileSystem for Ext {
    fn name(&self) -> &'static str {
        self.name
    }

    fn uuid(&self) -> String {
        self.uuid.clone()
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn find(&self, path: &str) -> Result<Node, Fault> {
        let inode = self.walk(path)?;
        Ok(Node {
            id: u64::from(inode.number),
            bytes: inode.bytes,
            kind: if inode.is_folder() {
                NodeKind::Folder
            } else if inode.is_file() {
                NodeKind::File
            } else {
                NodeKind::Other
            },
        })
    }

    fn list(&self, folder: &Node) -> Result<Vec<String>, Fault> {
        let entries = self.folder(&self.inode(folder.id as u32)?)?;
        Ok(entries.into_iter().map(|(name, _)| name).collect())
    }

    fn read(&self, file: &Node, from: u64, bytes: u64) -> Result<Vec<u8>, Fault> {
        self.content(&self.inode(file.id as u32)?, from, bytes)
    }

    fn remark(&self) -> Option<String> {
        self.remark.clone()
    }
}

/// Which of the family it is.
fn name(compatible: u32, incompatible: u32) -> &'static str {
    if incompatible & (EXTENTS | BITS_64 | FLEX_BG) != 0 {
        "ext4"
    } else if compatible & 4 != 0 {
        "ext3"
    } else {
        "ext2"
    }
}

/// Bytes up to a zero, as text.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}
