//! Parallel flash with the Intel command set: where firmware and its variables live.
//!
//! After the Common Flash Memory Interface (JEDEC JESD68) and Intel's data sheets for the
//! command set, in the arrangement of QEMU's `virt` machines: two 16-bit devices side by side,
//! so that each command and each answer stands in both halves of a 32-bit word.
//! Commands take no time, and blocks are never locked.
//! A block that is erased takes no host memory.

use std::collections::BTreeMap;

use thiserror::Error;
use vm_core::{Answer, Fault, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Site};

/// The bytes of one erase block, both devices together.
const BLOCK_BYTES: u64 = 256 << 10;
/// The bytes of the write buffer, both devices together, as a power of two.
const BUFFER_BITS: u32 = 12;
/// The bytes that one write of the buffer command carries at most.
const BANK_BYTES: u64 = 4;
const BUFFER_WORDS: u64 = (1 << BUFFER_BITS) / BANK_BYTES;

/// Commands, in the low byte of what is written.
mod command {
    pub const PROGRAM: u8 = 0x40;
    pub const PROGRAM_TOO: u8 = 0x10;
    pub const ERASE: u8 = 0x20;
    pub const CLEAR_STATUS: u8 = 0x50;
    pub const LOCK: u8 = 0x60;
    pub const READ_STATUS: u8 = 0x70;
    pub const READ_ID: u8 = 0x90;
    pub const QUERY: u8 = 0x98;
    pub const BUFFER: u8 = 0xe8;
    pub const READ_ARRAY: u8 = 0xff;
    pub const CONFIRM: u8 = 0xd0;
    pub const LOCK_BLOCK: u8 = 0x01;
}

/// Bits of the status register.
mod status {
    pub const READY: u8 = 0x80;
    pub const ERASE_ERROR: u8 = 0x20;
    pub const PROGRAM_ERROR: u8 = 0x10;
    /// Both together: the commands came in an order that means nothing.
    pub const SEQUENCE_ERROR: u8 = ERASE_ERROR | PROGRAM_ERROR;
    pub const ALL: u8 = READY | SEQUENCE_ERROR;
}

/// What loads give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum View {
    Array,
    Status,
    Id,
    Query,
}

/// What the next store means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expect {
    Command,
    Program,
    Erase,
    Lock,
    Count,
    /// This many more words for the buffer.
    Words(u32),
    Confirm,
}

/// One store into the write buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word {
    offset: u64,
    width: Width,
    value: u64,
}

/// Why a flash can not be made.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum PflashError {
    /// The content is larger than the flash.
    #[error("{content_bytes} bytes do not fit into a flash of {bytes} bytes")]
    TooLarge {
        /// The size of the content.
        content_bytes: u64,
        /// The size of the flash.
        bytes: u64,
    },
}

/// The flash.
#[derive(Debug)]
pub struct Pflash {
    bytes: u64,
    read_only: bool,
    /// The blocks that are not erased, by number.
    blocks: BTreeMap<u64, Vec<u8>>,
    view: View,
    expect: Expect,
    status: u8,
    buffer: Vec<Word>,
}

impl Pflash {
    /// A flash of this size that begins with this content; the rest is erased.
    ///
    /// # Panics
    ///
    /// If the size is not a power of two of at least two blocks, or more than 1 GiB.
    pub fn new(bytes: u64, content: &[u8], read_only: bool) -> Result<Self, PflashError> {
        let sizes = 2 * BLOCK_BYTES..=1 << 30;
        let possible = bytes.is_power_of_two() && sizes.contains(&bytes);
        assert!(possible, "a flash can not have {bytes} bytes");
        let content_bytes = content.len() as u64;
        if content_bytes > bytes {
            return Err(PflashError::TooLarge {
                content_bytes,
                bytes,
            });
        }
        let blocks = content.chunks(BLOCK_BYTES as usize).map(|piece| {
            let mut block = piece.to_vec();
            block.resize(BLOCK_BYTES as usize, 0xff);
            block
        });
        Ok(Self {
            bytes,
            read_only,
            blocks: (0..).zip(blocks).collect(),
            view: View::Array,
            expect: Expect::Command,
            status: status::READY,
            buffer: Vec::new(),
        })
    }

    /// The content as it is now, for keeping it.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let erased = vec![0xff; BLOCK_BYTES as usize];
        let blocks = (0..self.bytes / BLOCK_BYTES).map(|n| self.blocks.get(&n).unwrap_or(&erased));
        blocks.flatten().copied().collect()
    }

    fn array(&self, offset: u64, width: Width) -> u64 {
        let start = (offset % BLOCK_BYTES) as usize;
        let block = self.blocks.get(&(offset / BLOCK_BYTES));
        let bytes = block.and_then(|block| block.get(start..start + width.bytes() as usize));
        let Some(bytes) = bytes else {
            return width.mask();
        };
        let mut out = [0; 8];
        for (slot, byte) in out.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        u64::from_le_bytes(out)
    }

    /// Clears bits: what flash can do without erasing.
    fn program(&mut self, word: Word) {
        if self.read_only {
            self.status |= status::PROGRAM_ERROR;
            return;
        }
        let start = (word.offset % BLOCK_BYTES) as usize;
        let block = self.blocks.entry(word.offset / BLOCK_BYTES);
        let block = block.or_insert_with(|| vec![0xff; BLOCK_BYTES as usize]);
        let bytes = word.value.to_le_bytes().into_iter();
        let bytes = bytes.take(word.width.bytes() as usize);
        for (slot, byte) in block.iter_mut().skip(start).zip(bytes) {
            *slot &= byte;
        }
    }

    fn erase(&mut self, offset: u64) {
        if self.read_only {
            self.status |= status::ERASE_ERROR;
        } else {
            self.blocks.remove(&(offset / BLOCK_BYTES));
        }
    }

    /// One store of at most a bank's width.
    fn store(&mut self, word: Word) {
        let byte = word.value as u8;
        self.expect = match self.expect {
            Expect::Command => self.command(byte),
            Expect::Program => {
                self.program(word);
                Expect::Command
            }
            Expect::Erase if byte == command::CONFIRM => {
                self.erase(word.offset);
                Expect::Command
            }
            Expect::Lock if matches!(byte, command::CONFIRM | command::LOCK_BLOCK) => {
                Expect::Command
            }
            Expect::Erase | Expect::Lock if byte == command::READ_ARRAY => self.command(byte),
            Expect::Count if word.value & 0xffff < BUFFER_WORDS => {
                self.buffer.clear();
                Expect::Words((word.value & 0xffff) as u32 + 1)
            }
            Expect::Words(left) if self.fits(word) => {
                self.buffer.push(word);
                match left {
                    0 | 1 => Expect::Confirm,
                    _ => Expect::Words(left - 1),
                }
            }
            Expect::Confirm if byte == command::CONFIRM => {
                for word in std::mem::take(&mut self.buffer) {
                    self.program(word);
                }
                Expect::Command
            }
            _ => {
                self.status |= status::SEQUENCE_ERROR;
                self.buffer.clear();
                Expect::Command
            }
        };
    }

    /// Whether a word belongs to the piece of flash that the buffer is for.
    fn fits(&self, word: Word) -> bool {
        let piece = |word: &Word| word.offset >> BUFFER_BITS;
        self.buffer
            .first()
            .is_none_or(|first| piece(first) == piece(&word))
    }

    fn command(&mut self, byte: u8) -> Expect {
        let (view, expect) = match byte {
            command::PROGRAM | command::PROGRAM_TOO => (View::Status, Expect::Program),
            command::ERASE => (View::Status, Expect::Erase),
            command::LOCK => (View::Status, Expect::Lock),
            command::BUFFER => (View::Status, Expect::Count),
            command::READ_STATUS => (View::Status, Expect::Command),
            command::READ_ID => (View::Id, Expect::Command),
            command::QUERY => (View::Query, Expect::Command),
            command::CLEAR_STATUS => {
                self.status = status::READY;
                (View::Array, Expect::Command)
            }
            // What the chip does not know, it takes as the wish to read.
            _ => (View::Array, Expect::Command),
        };
        self.view = view;
        expect
    }

    /// What one device answers at this word of the bank, in a view that is not the array.
    fn device(&self, word: u64) -> u8 {
        match (self.view, word) {
            (View::Status, _) => self.status,
            // Manufacturer and device.
            (View::Id, 0) => 0x89,
            (View::Id, 1) => 0x18,
            (View::Query, _) => query(word, self.bytes),
            _ => 0,
        }
    }
}

/// One byte of the answer to a query, as each of the two devices gives it.
#[rustfmt::skip] // A table: one line a field of the interface's description.
fn query(word: u64, bytes: u64) -> u8 {
    let last_block = bytes / BLOCK_BYTES - 1;
    let device_bits = bytes.trailing_zeros() - 1;
    // The size of a device's blocks in units of 256 bytes.
    let block_units = BLOCK_BYTES / 2 / 256;
    match word {
        0x10 => b'Q', 0x11 => b'R', 0x12 => b'Y',
        // The Intel command set, and where its own table begins.
        0x13 => 0x01, 0x15 => 0x31,
        // Supply from 4.5 to 5.5 V.
        0x1b => 0x45, 0x1c => 0x55,
        // Typical times of a write, a buffer and an erase as powers of two, and their maxima.
        0x1f => 0x07, 0x20 => 0x07, 0x21 => 0x0a,
        0x23 => 0x04, 0x24 => 0x04, 0x25 => 0x04,
        // The size; 8 or 16 bits wide; the buffer's size.
        0x27 => device_bits as u8,
        0x28 => 0x02,
        0x2a => (BUFFER_BITS - 1) as u8,
        // One region of equal blocks: their number less one, their size.
        0x2c => 1,
        0x2d => last_block as u8, 0x2e => (last_block >> 8) as u8,
        0x2f => block_units as u8, 0x30 => (block_units >> 8) as u8,
        // The command set's own table, version 1.0, without optional features.
        0x31 => b'P', 0x32 => b'R', 0x33 => b'I', 0x34 => b'1', 0x35 => b'0',
        0x3f => 1,
        _ => 0,
    }
}

impl Device for Pflash {
    fn kind(&self) -> &'static str {
        "flash"
    }

    /// The content stays.
    fn reset(&mut self) {
        self.view = View::Array;
        self.expect = Expect::Command;
        self.status = status::READY;
        self.buffer.clear();
    }

    fn save(&self, out: &mut Section) {
        out.u64("view", self.view as u64);
        let (expect, left) = match self.expect {
            Expect::Command => (0, 0),
            Expect::Program => (1, 0),
            Expect::Erase => (2, 0),
            Expect::Lock => (3, 0),
            Expect::Count => (4, 0),
            Expect::Words(left) => (5, u64::from(left)),
            Expect::Confirm => (6, 0),
        };
        out.u64("expect", expect);
        out.u64("left", left);
        out.u64("status", u64::from(self.status));
        let words = self.buffer.iter();
        let words = words.flat_map(|word| [word.offset, word.width.bytes(), word.value]);
        out.words("buffer", &words.collect::<Vec<_>>());
        // What can not be written is the machine's, not the guest's.
        if !self.read_only {
            let numbers: Vec<u64> = self.blocks.keys().copied().collect();
            out.words("blocks", &numbers);
            let content: Vec<&[u8]> = self.blocks.values().map(Vec::as_slice).collect();
            out.bytes("content", &content.concat());
        }
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let view = match from.u64("view")? {
            0 => View::Array,
            1 => View::Status,
            2 => View::Id,
            3 => View::Query,
            _ => return Err(from.bad("view")),
        };
        let left = from.below("left", BUFFER_WORDS + 1)? as u32;
        let expect = match (from.u64("expect")?, left) {
            (0, 0) => Expect::Command,
            (1, 0) => Expect::Program,
            (2, 0) => Expect::Erase,
            (3, 0) => Expect::Lock,
            (4, 0) => Expect::Count,
            (5, 1..) => Expect::Words(left),
            (6, 0) => Expect::Confirm,
            _ => return Err(from.bad("expect")),
        };
        let status = from.below("status", 0x100)? as u8;
        if status & status::READY == 0 || status & !status::ALL != 0 {
            return Err(from.bad("status"));
        }
        let buffer = buffer(from, self.bytes)?;
        let blocks = if self.read_only {
            None
        } else {
            Some(blocks(from, self.bytes)?)
        };
        self.blocks = blocks.unwrap_or_else(|| std::mem::take(&mut self.blocks));
        (self.view, self.expect, self.status) = (view, expect, status);
        self.buffer = buffer;
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(
            Node::at("flash", site)
                .text("compatible", &["cfi-flash"])
                .cells("bank-width", &[BANK_BYTES as u32]),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }
}

/// The saved write buffer.
fn buffer(from: &Fields, bytes: u64) -> Result<Vec<Word>, StateError> {
    let bad = || from.bad("buffer");
    let words = from.words("buffer")?;
    let (words, rest) = words.as_chunks::<3>();
    if !rest.is_empty() || words.len() as u64 > BUFFER_WORDS {
        return Err(bad());
    }
    let mut buffer: Vec<Word> = Vec::new();
    for [offset, width, value] in words {
        let width = Width::of_bytes(*width).filter(|width| *width <= Width::B4);
        let width = width.ok_or_else(bad)?;
        let first = buffer.first().map_or(*offset, |word| word.offset);
        let aligned = offset.is_multiple_of(width.bytes());
        let near = first >> BUFFER_BITS == offset >> BUFFER_BITS;
        if !aligned || !near || *offset >= bytes || value & !width.mask() != 0 {
            return Err(bad());
        }
        buffer.push(Word {
            offset: *offset,
            width,
            value: *value,
        });
    }
    Ok(buffer)
}

/// The saved blocks.
fn blocks(from: &Fields, bytes: u64) -> Result<BTreeMap<u64, Vec<u8>>, StateError> {
    let numbers = from.words("blocks")?;
    let content = from.bytes("content")?;
    let (blocks, rest) = content.as_chunks::<{ BLOCK_BYTES as usize }>();
    if blocks.len() != numbers.len() || !rest.is_empty() {
        return Err(from.bad("content"));
    }
    let rising = numbers.is_sorted_by(|a, b| a < b);
    if !rising || numbers.last().is_some_and(|n| *n >= bytes / BLOCK_BYTES) {
        return Err(from.bad("blocks"));
    }
    let blocks = blocks.iter().map(|block| block.to_vec());
    Ok(numbers.into_iter().zip(blocks).collect())
}

impl Mmio for Pflash {
    /// Every aligned access: what it means depends on the commands before it.
    fn registers(&self) -> &'static [Register] {
        &[]
    }

    fn read(&mut self, offset: u64, width: Width, _cx: &mut Cx) -> Answer {
        if offset >= self.bytes {
            return Answer::Fault(Fault::NoRegister);
        }
        if self.view == View::Array {
            return Answer::Done(self.array(offset, width));
        }
        // Each device answers in its 16 bits, whatever part of the word is asked for.
        let word = offset / BANK_BYTES;
        let pair = |byte: u8| u64::from(byte) * 0x0001_0001;
        let both = pair(self.device(word)) | pair(self.device(word + 1)) << 32;
        Answer::Done((both >> (8 * (offset % 2))) & width.mask())
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, _cx: &mut Cx) -> Answer {
        if offset >= self.bytes {
            return Answer::Fault(Fault::NoRegister);
        }
        if width == Width::B8 {
            // The bank is 32 bits wide: two stores.
            for (offset, value) in [(offset, value & 0xffff_ffff), (offset + 4, value >> 32)] {
                let width = Width::B4;
                self.store(Word {
                    offset,
                    width,
                    value,
                });
            }
        } else {
            self.store(Word {
                offset,
                width,
                value,
            });
        }
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests;
