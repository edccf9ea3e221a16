//! Requests to the block device: from a chain to what a disk is asked.
//!
//! VIRTIO 1.3, section 5.2.6, "Device Operation".

use vm_core::GuestPhys;
use vm_device_bus::{DiskError, DiskOp, DiskRequest, Segment};
use vm_mem::GuestRam;

use crate::block::{RANGE_SECTORS, REQUEST_BYTES, SEGMENTS};
use crate::queue::Chain;
use crate::segments;

/// The unit in which drivers count, whatever the disk's own blocks are.
pub(crate) const SECTOR_BYTES: u64 = 512;

/// The length of a request's header.
const HEADER_BYTES: usize = 16;
/// The length of a range to discard or clear.
const RANGE_BYTES: usize = 16;

/// How a request ends, as the driver reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Status {
    Ok = 0,
    IoError = 1,
    Unsupported = 2,
}

impl Status {
    /// What the driver reads for a disk's error.
    pub fn of(error: DiskError) -> Self {
        match error {
            DiskError::Unsupported => Self::Unsupported,
            DiskError::Io | DiskError::ReadOnly | DiskError::OutOfRange => Self::IoError,
        }
    }
}

/// A request under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub token: u64,
    pub head: u16,
    pub op: DiskOp,
    pub offset: u64,
    pub segments: Vec<Segment>,
    pub status_at: Segment,
    pub due_ns: u64,
    /// Whether the disk has got it; not so after a restore.
    pub submitted: bool,
    /// What came of it, once the host is done; not part of the state.
    pub result: Option<Result<(), DiskError>>,
}

impl Request {
    /// What is asked, for traces. Its status byte tells a request from all others under way.
    pub fn text(&self) -> String {
        let bytes: u64 = self
            .segments
            .iter()
            .map(|segment| u64::from(segment.bytes))
            .sum();
        let what = match self.op {
            DiskOp::Read => "read",
            DiskOp::Write => "write",
            DiskOp::Flush => return "flush".to_owned(),
            DiskOp::Discard(bytes) => {
                return format!("discard {bytes} bytes at {:#x}", self.offset);
            }
            DiskOp::WriteZeroes(bytes) => {
                return format!("write {bytes} zeroes at {:#x}", self.offset);
            }
        };
        format!("{what} {bytes} bytes at {:#x}", self.offset)
    }
}

/// What a chain turns out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Parsed {
    /// There is no place for a status: the driver breaks the rules.
    NoStatus,
    /// The answer is known without the disk.
    Answer { status: Status, at: Segment },
    /// The driver asks for the disk's name.
    Identify { into: Vec<Segment>, at: Segment },
    /// Work for the disk.
    Request(Box<Request>),
}

/// Reads a chain.
pub(crate) fn parse(ram: &GuestRam, chain: &Chain, sectors: u64, read_only: bool) -> Parsed {
    let Some(room) = segments::total(&chain.writable).checked_sub(1) else {
        return Parsed::NoStatus;
    };
    let Some(at) = segments::part(&chain.writable, room, 1).first().copied() else {
        return Parsed::NoStatus;
    };
    let into = segments::part(&chain.writable, 0, room);
    let mut header = [0; HEADER_BYTES];
    if segments::read(ram, &chain.readable, 0, &mut header) < HEADER_BYTES {
        let status = Status::IoError;
        return Parsed::Answer { status, at };
    }
    let kind = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let sector = header
        .last_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let from = segments::part(&chain.readable, HEADER_BYTES as u64, u64::MAX);
    let work = match kind {
        0 => transfer(DiskOp::Read, sector, into, sectors),
        1 if read_only => Err(Status::IoError),
        1 => transfer(DiskOp::Write, sector, from, sectors),
        4 => Ok((DiskOp::Flush, 0, Vec::new())),
        8 => return Parsed::Identify { into, at },
        11 | 13 if read_only => Err(Status::IoError),
        11 | 13 => range(ram, kind == 11, &from, sectors),
        _ => Err(Status::Unsupported),
    };
    match work {
        Err(status) => Parsed::Answer { status, at },
        Ok((op, offset, segments)) => Parsed::Request(Box::new(Request {
            token: 0,
            head: chain.head,
            op,
            offset,
            segments,
            status_at: at,
            due_ns: 0,
            submitted: false,
            result: None,
        })),
    }
}

type Work = (DiskOp, u64, Vec<Segment>);

/// Bytes that go from or to the disk.
fn transfer(op: DiskOp, sector: u64, segments: Vec<Segment>, sectors: u64) -> Result<Work, Status> {
    let bytes = segments::total(&segments);
    let whole = bytes.is_multiple_of(SECTOR_BYTES) && bytes <= REQUEST_BYTES;
    let offset = inside(sector, bytes / SECTOR_BYTES, sectors).filter(|_| whole);
    offset
        .map(|offset| (op, offset, segments))
        .ok_or(Status::IoError)
}

/// A range of the disk whose content is no longer needed, or becomes zero.
fn range(ram: &GuestRam, discard: bool, from: &[Segment], sectors: u64) -> Result<Work, Status> {
    let mut bytes = [0; RANGE_BYTES];
    let there = segments::read(ram, from, 0, &mut bytes);
    if there < RANGE_BYTES || segments::total(from) != RANGE_BYTES as u64 {
        return Err(Status::IoError);
    }
    let [sector, rest] = [0, 8].map(|at| {
        let half: Option<&[u8; 8]> = bytes.get(at..).and_then(<[u8]>::first_chunk);
        half.map_or(0, |half| u64::from_le_bytes(*half))
    });
    let (count, flags) = (rest as u32, rest >> 32);
    // Only the first flag has a meaning, "unmap", and only when zeroes are written.
    if flags > u64::from(!discard) {
        return Err(Status::Unsupported);
    }
    let offset = inside(sector, u64::from(count), sectors).filter(|_| count <= RANGE_SECTORS);
    let offset = offset.ok_or(Status::IoError)?;
    let length = u64::from(count) * SECTOR_BYTES;
    let op = if discard {
        DiskOp::Discard(length)
    } else {
        DiskOp::WriteZeroes(length)
    };
    Ok((op, offset, Vec::new()))
}

/// The offset in bytes of a range of sectors, if it lies inside the disk.
fn inside(sector: u64, count: u64, sectors: u64) -> Option<u64> {
    let end = sector.checked_add(count)?;
    (end <= sectors).then(|| sector.checked_mul(SECTOR_BYTES))?
}

impl Request {
    /// What the disk is asked.
    pub fn for_disk(&self) -> DiskRequest {
        DiskRequest {
            token: self.token,
            op: self.op,
            offset: self.offset,
            segments: self.segments.clone(),
        }
    }

    /// How many bytes of guest memory a success has filled.
    pub fn filled(&self) -> u32 {
        match self.op {
            DiskOp::Read => segments::total(&self.segments) as u32,
            _ => 0,
        }
    }

    /// The request as words of the state format.
    pub fn words(&self) -> Vec<u64> {
        let (op, length) = match self.op {
            DiskOp::Read => (0, 0),
            DiskOp::Write => (1, 0),
            DiskOp::Flush => (4, 0),
            DiskOp::Discard(length) => (11, length),
            DiskOp::WriteZeroes(length) => (13, length),
        };
        let mut words = vec![self.token, u64::from(self.head), op, length, self.offset];
        words.extend([
            self.status_at.addr.0,
            self.due_ns,
            self.segments.len() as u64,
        ]);
        words.extend(
            self.segments
                .iter()
                .flat_map(|s| [s.addr.0, u64::from(s.bytes)]),
        );
        words
    }

    /// The first request in these words and the words after it, if it is one that a driver could
    /// have made.
    pub fn of_words(words: &[u64], sectors: u64) -> Option<(Self, &[u64])> {
        let (fixed, rest) = words.split_first_chunk::<8>()?;
        let [token, head, op, length, offset, status_at, due_ns, count] = *fixed;
        let count = usize::try_from(count)
            .ok()
            .filter(|n| *n <= SEGMENTS as usize + 1)?;
        let (list, rest) = rest.split_at_checked(2 * count)?;
        let mut segments = Vec::new();
        for [addr, bytes] in list.as_chunks::<2>().0 {
            segments.push(Segment {
                addr: GuestPhys(*addr),
                bytes: u32::try_from(*bytes).ok()?,
            });
        }
        let op = match op {
            0 => DiskOp::Read,
            1 => DiskOp::Write,
            4 => DiskOp::Flush,
            11 => DiskOp::Discard(length),
            13 => DiskOp::WriteZeroes(length),
            _ => return None,
        };
        let bytes = segments::total(&segments).checked_add(length)?;
        let end = offset.checked_add(bytes)?;
        if end > sectors.saturating_mul(SECTOR_BYTES) || segments::total(&segments) > REQUEST_BYTES
        {
            return None;
        }
        let request = Self {
            token,
            head: u16::try_from(head).ok()?,
            op,
            offset,
            segments,
            status_at: Segment {
                addr: GuestPhys(status_at),
                bytes: 1,
            },
            due_ns,
            submitted: false,
            result: None,
        };
        Some((request, rest))
    }
}
