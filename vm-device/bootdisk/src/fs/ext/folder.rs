//! Folders, links, and the way along a path.

use super::inode::{ENCRYPTED_FLAG, INLINE_FLAG, Inode};
use super::{Ext, text};
use crate::Fault;
use crate::bytes::{u8_at, u16_at, u32_at};
use crate::fs::components;

const ROOT: u32 = 2;

// LIMIT: a folder with a hundred thousand kernels fits; a hostile one can not take more memory.
const MAX_FOLDER_BYTES: u64 = 8 << 20;
// LIMIT: as Linux has it.
const MAX_LINKS: u32 = 40;
// LIMIT: as Linux has it; links to links of many components end here.
const MAX_PATH: usize = 4096;

impl Ext {
    /// The names in a folder with their inodes, without `.` and `..`.
    pub(super) fn folder(&self, inode: &Inode) -> Result<Vec<(String, u32)>, Fault> {
        if inode.flags & ENCRYPTED_FLAG != 0 {
            return Err(Fault::Unsupported("an encrypted folder".to_owned()));
        }
        if inode.bytes > MAX_FOLDER_BYTES {
            return Err(Fault::TooLarge {
                bytes: inode.bytes,
                limit: MAX_FOLDER_BYTES,
            });
        }
        let content = self.content(inode, 0, inode.bytes)?;
        let mut entries = Vec::new();
        if inode.flags & INLINE_FLAG != 0 {
            // The parent comes first, then what fits the block numbers' place, then the rest.
            let (head, rest) = content.split_at(content.len().min(60));
            self.entries(inode, 0, head.get(4..).unwrap_or_default(), &mut entries)?;
            self.entries(inode, 1, rest, &mut entries)?;
            return Ok(entries);
        }
        for (number, block) in content.chunks(self.block_bytes as usize).enumerate() {
            self.entries(inode, number, block, &mut entries)?;
        }
        Ok(entries)
    }

    /// The entries of one block; the inner nodes of a hashed folder look like empty ones.
    fn entries(
        &self,
        inode: &Inode,
        number: usize,
        block: &[u8],
        entries: &mut Vec<(String, u32)>,
    ) -> Result<(), Fault> {
        let mut at = 0;
        while at < block.len() {
            let (child, length) = (u32_at(block, at), usize::from(u16_at(block, at + 4)));
            let name_bytes = usize::from(u8_at(block, at + 6));
            // A block of 64 KiB has a length that 16 bits can not say.
            let length = if length == 0xffff || length == 0 {
                block.len()
            } else {
                length
            };
            let end = at + length;
            if length < 8 || length % 4 != 0 || end > block.len() || name_bytes + 8 > length {
                let rule = format!(
                    "folder inode {}, block {number}: the entry at {at} has {length} bytes \
                     and a name of {name_bytes}",
                    inode.number
                );
                return Err(self.window.damaged(inode.place, rule));
            }
            if child != 0 && name_bytes > 0 {
                let name = text(&block[at + 8..at + 8 + name_bytes]);
                if name != "." && name != ".." {
                    entries.push((name, child));
                }
            }
            at = end;
        }
        Ok(())
    }

    /// What a path leads to; links are followed, from the root of this file system.
    pub(super) fn walk(&self, path: &str) -> Result<Inode, Fault> {
        let mut way = vec![self.inode(ROOT)?];
        // The components that are left, the next one last.
        let mut left: Vec<String> = components(path).rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(name) = left.pop() {
            if name == ".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let Some(here) = way.last().filter(|inode| inode.is_folder()) else {
                return Err(Fault::Absent);
            };
            let found = self.folder(here)?.into_iter().find(|(n, _)| *n == name);
            let inode = self.inode(found.ok_or(Fault::Absent)?.1)?;
            if !inode.is_link() {
                way.push(inode);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                let rule = format!("the path {path} leads over more than {MAX_LINKS} links");
                return Err(self.window.damaged(inode.place, rule));
            }
            let target = self.target(&inode)?;
            if target.starts_with('/') {
                way.truncate(1);
            }
            left.extend(components(&target).rev().map(str::to_owned));
            if left.iter().map(String::len).sum::<usize>() > MAX_PATH {
                let rule = format!("links make the path {path} longer than {MAX_PATH} bytes");
                return Err(self.window.damaged(inode.place, rule));
            }
        }
        // `way` began with the root, and the root is never taken off.
        way.pop().ok_or(Fault::Absent)
    }

    /// Where a link leads.
    fn target(&self, inode: &Inode) -> Result<String, Fault> {
        if inode.bytes > MAX_PATH as u64 {
            return Err(Fault::TooLarge {
                bytes: inode.bytes,
                limit: MAX_PATH as u64,
            });
        }
        // Short ones stand in the inode itself.
        if inode.bytes < 60 {
            return Ok(text(&inode.head[..inode.bytes as usize]));
        }
        Ok(text(&self.content(inode, 0, inode.bytes)?))
    }
}
