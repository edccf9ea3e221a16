//! Bytes of a disk, within bounds and on an allowance.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use crate::Fault;

/// Something that can be read at any place: a file, or a part of memory.
pub trait ReadAt {
    /// Its size.
    fn bytes(&self) -> u64;
    /// Reads all of `into`; the end of the disk inside it is an error.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.get(start..)?.get(..into.len()));
        let part = part.ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(part);
        Ok(())
    }
}

/// How much may be read in order to find out what can be booted.
// LIMIT: a disk with hundreds of entries needs a few MiB; structures that lead in circles are
// given up after a fraction of a second.
pub(crate) const SEARCH_BYTES: u64 = 64 << 20;

/// The least that a read is counted as.
// LIMIT: so that many small reads end as soon as a few large ones.
const LEAST: u64 = 256;

/// A disk that stops giving bytes when its allowance is used up.
pub(crate) struct Metered {
    source: Box<dyn ReadAt>,
    left: Cell<u64>,
}

impl Metered {
    pub(crate) fn new(source: Box<dyn ReadAt>) -> Rc<Self> {
        Rc::new(Self {
            source,
            left: Cell::new(SEARCH_BYTES),
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.source.bytes()
    }

    /// Allows so many bytes more: a file that is wanted in full.
    pub(crate) fn allow(&self, bytes: u64) {
        self.left.set(self.left.get().saturating_add(bytes));
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        let cost = LEAST.max(into.len() as u64);
        let left = self.left.get().checked_sub(cost).ok_or(Fault::Circles)?;
        self.left.set(left);
        let read = self.source.read_at(offset, into);
        read.map_err(|error| Fault::Host {
            at: offset,
            reason: error.to_string(),
        })
    }
}

/// A part of a disk: a partition, or all of it.
#[derive(Clone)]
pub(crate) struct Window {
    disk: Rc<Metered>,
    start: u64,
    bytes: u64,
}

impl Window {
    /// The whole disk.
    pub(crate) fn whole(disk: Rc<Metered>) -> Self {
        let bytes = disk.bytes();
        Self {
            disk,
            start: 0,
            bytes,
        }
    }

    /// A part that the caller has found to lie on the disk.
    pub(crate) fn part(disk: Rc<Metered>, start: u64, bytes: u64) -> Self {
        Self { disk, start, bytes }
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The place on the disk of an offset in the window, for messages.
    pub(crate) fn place(&self, offset: u64) -> u64 {
        self.start.saturating_add(offset)
    }

    /// Allows so many bytes more, see [`Metered::allow`].
    pub(crate) fn allow(&self, bytes: u64) {
        self.disk.allow(bytes);
    }

    /// Reads all of `into`.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        let end = offset.checked_add(into.len() as u64);
        if end.is_none_or(|end| end > self.bytes) {
            let rule = format!(
                "{} bytes are wanted, the partition ends at {:#x}",
                into.len(),
                self.place(self.bytes)
            );
            return Err(self.damaged(offset, rule));
        }
        self.disk.read(self.place(offset), into)
    }

    /// Reads so many bytes, which the caller has bounded.
    pub(crate) fn take(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, Fault> {
        if bytes as u64 > self.bytes {
            let rule = format!("{bytes} bytes are more than the partition has");
            return Err(self.damaged(offset, rule));
        }
        let mut out = vec![0; bytes];
        self.read(offset, &mut out)?;
        Ok(out)
    }

    /// The complaint that a rule is broken at an offset in the window.
    pub(crate) fn damaged(&self, offset: u64, rule: impl Into<String>) -> Fault {
        Fault::Damaged {
            at: self.place(offset),
            rule: rule.into(),
        }
    }
}
