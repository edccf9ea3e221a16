//! Inodes, and where the content of a file stands.

use super::Ext;
use crate::Fault;
use crate::bytes::{array, u16_at, u32_at};

/// The flags of inodes.
const EXTENTS_FLAG: u32 = 0x8_0000;
pub(super) const INLINE_FLAG: u32 = 0x1000_0000;
pub(super) const ENCRYPTED_FLAG: u32 = 0x800;

const EXTENT_MAGIC: u16 = 0xf30a;
// LIMIT: the format allows five levels below the inode.
const MAX_DEPTH: u16 = 5;
// LIMIT: a kernel of 512 MiB in pieces of one block of 4 KiB.
const MAX_RUNS: usize = 1 << 17;

/// A file, folder or link.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub number: u32,
    /// Where on the file system it stands, for messages.
    pub place: u64,
    mode: u16,
    pub flags: u32,
    pub bytes: u64,
    /// Block numbers, the root of the extents, or the content itself.
    pub head: [u8; 60],
    /// What of a small file's content does not fit there: the rest of the inode.
    rest: Vec<u8>,
}

/// Blocks of a file that stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first one's number in the file.
    pub logical: u64,
    /// How many they are.
    pub count: u64,
    /// Their place; `None` if they are all zero.
    pub physical: Option<u64>,
}

impl Run {
    /// What of it stands behind the first blocks of a file: number there, count, and place.
    fn behind(self, first: u64) -> Option<(u64, u64, u64)> {
        let skipped = first.saturating_sub(self.logical);
        let count = self.count.checked_sub(skipped).filter(|count| *count > 0)?;
        let physical = self.physical?.saturating_add(skipped);
        Some((self.logical + skipped - first, count, physical))
    }
}

impl Inode {
    pub fn parse(number: u32, place: u64, bytes: &[u8], ext: &Ext) -> Result<Self, Fault> {
        let mode = u16_at(bytes, 0);
        let Some(head) = array(bytes, 0x28) else {
            return Err(ext
                .window
                .damaged(place, format!("inode {number} is cut off")));
        };
        let inode = Self {
            number,
            place,
            mode,
            flags: u32_at(bytes, 0x20),
            // Folders have no high half in old file systems: it held access lists there.
            bytes: if mode & 0xf000 == 0x8000 {
                u64::from(u32_at(bytes, 0x6c)) << 32 | u64::from(u32_at(bytes, 4))
            } else {
                u64::from(u32_at(bytes, 4))
            },
            head,
            rest: bytes.get(128..).unwrap_or_default().to_vec(),
        };
        if mode == 0 || u16_at(bytes, 0x1a) == 0 {
            let rule = format!("inode {number} is named, but not in use");
            return Err(ext.window.damaged(place, rule));
        }
        Ok(inode)
    }

    /// Content that stands in the inode: in place of block numbers, and in the attribute
    /// `system.data` behind the fields.
    fn inline(&self) -> Vec<u8> {
        let mut all = self.head.to_vec();
        let attributes = usize::from(u16_at(&self.rest, 0));
        let attributes = self.rest.get(attributes..).unwrap_or_default();
        if u32_at(attributes, 0) != 0xea02_0000 {
            return all;
        }
        let entries = &attributes[4..];
        let mut at = 0;
        while let Some([name_bytes, index]) = array::<2>(entries, at) {
            let name = entries.get(at + 16..at + 16 + usize::from(name_bytes));
            if name_bytes == 0 || name.is_none() {
                break;
            }
            if index == 7 && name == Some(b"data") {
                let start = usize::from(u16_at(entries, at + 2));
                let bytes = u32_at(entries, at + 8) as usize;
                let value = entries.get(start..).unwrap_or_default();
                all.extend_from_slice(&value[..value.len().min(bytes)]);
                break;
            }
            at += (16 + usize::from(name_bytes)).next_multiple_of(4);
        }
        all
    }

    pub fn is_folder(&self) -> bool {
        self.mode & 0xf000 == 0x4000
    }

    pub fn is_file(&self) -> bool {
        self.mode & 0xf000 == 0x8000
    }

    pub fn is_link(&self) -> bool {
        self.mode & 0xf000 == 0xa000
    }
}

impl Ext {
    /// Some bytes of a file; less if it ends before.
    pub(super) fn content(&self, inode: &Inode, from: u64, most: u64) -> Result<Vec<u8>, Fault> {
        // LIMIT: no file is taken for longer than the file system, so memory is bounded by the
        // disk's size even where a sparse file claims more.
        if inode.bytes > self.window.bytes() {
            return Err(Fault::TooLarge {
                bytes: inode.bytes,
                limit: self.window.bytes(),
            });
        }
        let end = from.saturating_add(most).min(inode.bytes);
        if from >= end {
            return Ok(Vec::new());
        }
        if inode.flags & INLINE_FLAG != 0 {
            let inline = inode.inline();
            let wrong = || {
                let rule = format!("inode {} holds {} bytes itself", inode.number, inline.len());
                self.window.damaged(inode.place, rule)
            };
            let part = inline.get(from as usize..end as usize);
            return Ok(part.ok_or_else(wrong)?.to_vec());
        }
        let first = from / self.block_bytes;
        let start = first * self.block_bytes;
        let mut out = vec![0; (end - start) as usize];
        for run in self.runs(inode, end.div_ceil(self.block_bytes))? {
            if let Some((logical, count, physical)) = run.behind(first) {
                self.fill(&mut out, logical, count, physical)?;
            }
        }
        out.drain(..(from - start) as usize);
        Ok(out)
    }

    /// Copies a run into its place in a file's bytes.
    fn fill(&self, out: &mut [u8], logical: u64, count: u64, physical: u64) -> Result<(), Fault> {
        let size = self.block_bytes as usize;
        let last = physical.saturating_add(count - 1);
        let at = self.place(physical)?;
        self.place(last)?;
        let start = logical as usize * size;
        let Some(part) = out.get_mut(start..) else {
            return Ok(());
        };
        let bytes = part.len().min(count as usize * size);
        let part = &mut part[..bytes];
        if self.newer.range(physical..=last).next().is_none() {
            return self.window.read(at, part);
        }
        for (block, part) in (physical..=last).zip(part.chunks_mut(size)) {
            part.copy_from_slice(&self.block(block)?[..part.len()]);
        }
        Ok(())
    }

    /// Where the first blocks of a file stand, in order.
    pub(super) fn runs(&self, inode: &Inode, blocks: u64) -> Result<Vec<Run>, Fault> {
        let mut runs = Vec::new();
        if inode.flags & EXTENTS_FLAG == 0 {
            self.block_map(inode, blocks, &mut runs)?;
        } else {
            self.extents(inode, &inode.head, None, &mut runs)?;
            runs.retain_mut(|run| {
                run.count = run.count.min(blocks.saturating_sub(run.logical));
                run.count > 0
            });
        }
        Ok(runs)
    }

    /// The extents of a node and of those below it; `depth` is what its parent promised.
    fn extents(
        &self,
        inode: &Inode,
        node: &[u8],
        depth: Option<u16>,
        runs: &mut Vec<Run>,
    ) -> Result<(), Fault> {
        let wrong = |rule: String| {
            let number = inode.number;
            Err(self
                .window
                .damaged(inode.place, format!("extents of inode {number}: {rule}")))
        };
        let (magic, entries, own) = (u16_at(node, 0), u16_at(node, 2), u16_at(node, 6));
        if magic != EXTENT_MAGIC {
            return wrong(format!("a node begins with {magic:#06x}, not 0xf30a"));
        }
        if own > MAX_DEPTH || depth.is_some_and(|depth| depth != own) {
            return wrong(format!("a node is at level {own}, not at {depth:?}"));
        }
        if usize::from(entries) > (node.len() - 12) / 12 {
            return wrong(format!("{entries} entries do not fit a node"));
        }
        for entry in node[12..].chunks_exact(12).take(usize::from(entries)) {
            let logical = u64::from(u32_at(entry, 0));
            if own > 0 {
                let block = u64::from(u16_at(entry, 8)) << 32 | u64::from(u32_at(entry, 4));
                let below = self.block(block)?;
                self.extents(inode, &below, Some(own - 1), runs)?;
                continue;
            }
            let length = u64::from(u16_at(entry, 4));
            // Longer ones are reserved, but nothing was written there.
            let written = length <= 0x8000;
            let count = if written { length } else { length - 0x8000 };
            let physical = u64::from(u16_at(entry, 6)) << 32 | u64::from(u32_at(entry, 8));
            let behind = runs.last().map_or(0, |run: &Run| run.logical + run.count);
            if logical < behind {
                return wrong(format!("block {logical} comes behind block {behind}"));
            }
            if runs.len() == MAX_RUNS {
                return wrong(format!("there are more than {MAX_RUNS}"));
            }
            runs.push(Run {
                logical,
                count,
                physical: written.then_some(physical),
            });
        }
        Ok(())
    }

    /// The blocks of a file of the old form: twelve numbers, then tables of tables.
    fn block_map(&self, inode: &Inode, blocks: u64, runs: &mut Vec<Run>) -> Result<(), Fault> {
        let mut map = BlockMap {
            ext: self,
            inode,
            next: 0,
            blocks,
            runs,
        };
        for slot in 0..15 {
            let block = u64::from(u32_at(&inode.head, slot * 4));
            let level = u32::try_from(slot).unwrap_or(0).saturating_sub(11);
            map.add(block, level)?;
        }
        Ok(())
    }
}

/// A file's blocks as they are found.
struct BlockMap<'a> {
    ext: &'a Ext,
    inode: &'a Inode,
    next: u64,
    blocks: u64,
    runs: &'a mut Vec<Run>,
}

impl BlockMap<'_> {
    /// A block of the file, or a table of them: `level` says how many tables deep.
    fn add(&mut self, block: u64, level: u32) -> Result<(), Fault> {
        if self.next >= self.blocks {
            return Ok(());
        }
        let per_table = self.ext.block_bytes / 4;
        if block == 0 {
            // A hole, as long as what it stands for.
            self.next += per_table.pow(level);
            return Ok(());
        }
        if level > 0 {
            let table = self.ext.block(block)?;
            for entry in table.chunks_exact(4) {
                self.add(u64::from(u32_at(entry, 0)), level - 1)?;
            }
            return Ok(());
        }
        let logical = self.next;
        self.next += 1;
        if let Some(last) = self.runs.last_mut()
            && last.logical + last.count == logical
            && last
                .physical
                .is_some_and(|first| first + last.count == block)
        {
            last.count += 1;
            return Ok(());
        }
        if self.runs.len() == MAX_RUNS {
            let rule = format!(
                "inode {} has more than {MAX_RUNS} pieces",
                self.inode.number
            );
            return Err(self.ext.window.damaged(self.inode.place, rule));
        }
        self.runs.push(Run {
            logical,
            count: 1,
            physical: Some(block),
        });
        Ok(())
    }
}
