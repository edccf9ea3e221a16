//! The journal of a file system that was not unmounted: which blocks have newer content there.
//!
//! The format is that of jbd2, in the Linux documentation "Journal (jbd2)".
//! Nothing is written back; readers are led to the copies in the journal.
//! Fast commits, which the kernel replays on top, are not followed.

use std::collections::BTreeMap;

use super::Ext;
use super::inode::Run;
use crate::Fault;
use crate::bytes::{array, crc32c, u16_be, u32_be};

pub(super) const MAGIC: u32 = 0xc03b_3998;

const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const REVOKE: u32 = 5;

// Incompatible features of journals.
const BITS_64: u32 = 0x2;
const CHECKSUMS_2: u32 = 0x8;
const CHECKSUMS_3: u32 = 0x10;
/// Revocations, 64 bits, asynchronous commits, both checksums, fast commits.
const KNOWN: u32 = 0x3f;

// Flags of tags.
const ESCAPED: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;

// LIMIT: a journal of 1 GiB in blocks of 4 KiB, the largest that is made.
const MAX_BLOCKS: u64 = 1 << 18;

/// The newest copy of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copy {
    /// Where it stands.
    pub block: u64,
    /// Whether it begins with the journal's magic number, which is left out there.
    pub escaped: bool,
}

/// A journal that is read from its first transaction on.
struct Log<'a> {
    ext: &'a Ext,
    runs: Vec<Run>,
    features: u32,
    seed: u32,
    first: u64,
    length: u64,
    /// How many blocks have been passed.
    passed: u64,
}

/// The blocks with newer content, and where it stands.
pub(super) fn newest(ext: &Ext, inode: u32) -> Result<BTreeMap<u64, Copy>, Fault> {
    let inode = ext.inode(inode)?;
    let blocks = inode.bytes / ext.block_bytes;
    let runs = ext.runs(&inode, blocks)?;
    let wrong = |rule: String| {
        ext.window
            .damaged(inode.place, format!("the journal: {rule}"))
    };
    let mut log = Log {
        ext,
        runs,
        features: 0,
        seed: 0,
        first: 0,
        length: blocks,
        passed: 0,
    };
    let head = log.block(0)?;
    let (magic, kind, size) = (u32_be(&head, 0), u32_be(&head, 4), u32_be(&head, 12));
    if magic != MAGIC || !matches!(kind, 3 | 4) || u64::from(size) != ext.block_bytes {
        return Err(wrong(format!(
            "magic {magic:#x}, kind {kind}, blocks of {size} bytes"
        )));
    }
    let (length, first) = (u64::from(u32_be(&head, 16)), u64::from(u32_be(&head, 20)));
    let (sequence, start) = (u32_be(&head, 24), u64::from(u32_be(&head, 28)));
    log.features = if kind == 4 { u32_be(&head, 40) } else { 0 };
    if log.features & !KNOWN != 0 {
        return Err(Fault::Unsupported(format!(
            "a journal with features {:#x}",
            log.features
        )));
    }
    if first == 0 || first >= length || length > blocks.min(MAX_BLOCKS) || start >= length {
        return Err(wrong(format!(
            "block {start} of {first} to {length}, it has {blocks}"
        )));
    }
    log.seed = crc32c(!0, &array::<16>(&head, 48).unwrap_or_default());
    (log.first, log.length) = (first, length);
    if start == 0 {
        return Ok(BTreeMap::new());
    }
    log.replay(start, sequence)
}

impl Log<'_> {
    /// A block of the journal by its number in it.
    fn block(&self, number: u64) -> Result<Vec<u8>, Fault> {
        self.ext.block(self.physical(number)?)
    }

    fn physical(&self, number: u64) -> Result<u64, Fault> {
        let behind = self.runs.partition_point(|run| run.logical <= number);
        let run = behind.checked_sub(1).and_then(|index| self.runs.get(index));
        let place = run.and_then(|run| {
            let inside = number - run.logical;
            run.physical?
                .checked_add(inside)
                .filter(|_| inside < run.count)
        });
        place.ok_or_else(|| {
            let rule = format!("the journal has no block {number}");
            self.ext.window.damaged(0, rule)
        })
    }

    /// The number behind this one, round in a circle.
    fn next(&mut self, number: u64) -> u64 {
        self.passed += 1;
        if number + 1 >= self.length {
            self.first
        } else {
            number + 1
        }
    }

    fn replay(&mut self, start: u64, first_sequence: u32) -> Result<BTreeMap<u64, Copy>, Fault> {
        let (mut at, mut sequence) = (start, first_sequence);
        // Blocks of transactions that were committed, in order, each with its transaction.
        let mut done: Vec<(u32, u64, Copy)> = Vec::new();
        let mut revoked: BTreeMap<u64, u32> = BTreeMap::new();
        let (mut open, mut open_revoked) = (Vec::new(), Vec::new());
        while self.passed < self.length {
            let block = self.block(at)?;
            if u32_be(&block, 0) != MAGIC || u32_be(&block, 8) != sequence {
                break;
            }
            at = self.next(at);
            match u32_be(&block, 4) {
                DESCRIPTOR if self.sound(&block, block.len() - 4) => {
                    at = self.descriptor(&block, at, sequence, &mut open)?;
                }
                REVOKE if self.sound(&block, block.len() - 4) => {
                    self.revoke(&block, &mut open_revoked);
                }
                COMMIT if self.sound(&block, 16) => {
                    done.append(&mut open);
                    revoked.extend(open_revoked.drain(..).map(|block| (block, sequence)));
                    sequence = sequence.wrapping_add(1);
                }
                _ => break,
            }
        }
        let age = |sequence: u32| sequence.wrapping_sub(first_sequence);
        let newest = done.into_iter().filter(|(sequence, block, _)| {
            revoked
                .get(block)
                .is_none_or(|by| age(*by) < age(*sequence))
        });
        Ok(newest.map(|(_, block, copy)| (block, copy)).collect())
    }

    /// Whether a block's own checksum, which stands at `at`, holds.
    fn sound(&self, block: &[u8], at: usize) -> bool {
        if self.features & (CHECKSUMS_2 | CHECKSUMS_3) == 0 {
            return true;
        }
        let mut zeroed = block.to_vec();
        if let Some(field) = zeroed.get_mut(at..at + 4) {
            field.fill(0);
        }
        crc32c(self.seed, &zeroed) == u32_be(block, at)
    }

    /// The blocks that a descriptor announces; they follow it.
    fn descriptor(
        &mut self,
        block: &[u8],
        mut at: u64,
        sequence: u32,
        open: &mut Vec<(u32, u64, Copy)>,
    ) -> Result<u64, Fault> {
        let checksums = self.features & (CHECKSUMS_2 | CHECKSUMS_3) != 0;
        let end = block.len() - if checksums { 4 } else { 0 };
        let wide = self.features & BITS_64 != 0;
        let three = self.features & CHECKSUMS_3 != 0;
        let bytes = match (three, self.features & CHECKSUMS_2 != 0, wide) {
            (true, ..) => 16,
            (false, two, wide) => 8 + if two { 2 } else { 0 } + if wide { 4 } else { 0 },
        };
        let mut tag = 12;
        while tag + bytes <= end && self.passed < self.length {
            let flags = if three {
                u32_be(block, tag + 4)
            } else {
                u32::from(u16_be(block, tag + 6))
            };
            let high = if wide { u32_be(block, tag + 8) } else { 0 };
            let target = u64::from(high) << 32 | u64::from(u32_be(block, tag));
            let copy = Copy {
                block: self.physical(at)?,
                escaped: flags & ESCAPED != 0,
            };
            open.push((sequence, target, copy));
            at = self.next(at);
            tag += bytes + if flags & SAME_UUID == 0 { 16 } else { 0 };
            if flags & LAST != 0 {
                break;
            }
        }
        Ok(at)
    }

    /// The blocks whose copies in this and in earlier transactions do not count.
    fn revoke(&self, block: &[u8], revoked: &mut Vec<u64>) {
        let end = (u32_be(block, 12) as usize).min(block.len());
        let wide = self.features & BITS_64 != 0;
        let each = if wide { 8 } else { 4 };
        for entry in block.get(16..end).unwrap_or_default().chunks_exact(each) {
            revoked.push(if wide {
                u64::from(u32_be(entry, 0)) << 32 | u64::from(u32_be(entry, 4))
            } else {
                u64::from(u32_be(entry, 0))
            });
        }
    }
}
