//! The block device.
//!
//! VIRTIO 1.3, section 5.2, "Block Device".

use std::collections::VecDeque;

use vm_core::{Fields, Section, StateError};
use vm_device_bus::Disk;
use vm_mem::GuestRam;

use crate::block_request::{Parsed, Request, SECTOR_BYTES, Status, parse};
use crate::device::{Io, VirtioDevice};
use crate::queue::Chain;
use crate::segments;

const F_SIZE_MAX: u64 = 1 << 1;
const F_SEG_MAX: u64 = 1 << 2;
const F_RO: u64 = 1 << 5;
const F_BLK_SIZE: u64 = 1 << 6;
const F_FLUSH: u64 = 1 << 9;
const F_TOPOLOGY: u64 = 1 << 10;
const F_DISCARD: u64 = 1 << 13;
const F_WRITE_ZEROES: u64 = 1 << 14;

/// The descriptors of the one queue.
const QUEUE_SIZE: u16 = 128;
/// The most segments of one request: the queue without header and status.
pub(crate) const SEGMENTS: u32 = QUEUE_SIZE as u32 - 2;
/// The most bytes of one segment that a driver should ask for.
const SEGMENT_BYTES: u32 = 512 << 10;
/// The most bytes of one request.
// LIMIT: what a driver reaches that keeps to the two limits above.
pub(crate) const REQUEST_BYTES: u64 = SEGMENTS as u64 * SEGMENT_BYTES as u64;
/// The most sectors that one request may discard or clear.
// LIMIT: 1 GiB; a host may have to write that many zeroes.
pub(crate) const RANGE_SECTORS: u32 = 1 << 21;

/// The most requests that are under way.
// LIMIT: a driver may offer a chain again before it came back, so the queue's size is none.
const IN_FLIGHT: usize = QUEUE_SIZE as usize;
/// The most bytes that are asked of the disk in one call.
// LIMIT: with a disk that works inside `submit`, this is how long the guest's CPU stands still.
const CALL_BYTES: u64 = 64 << 20;
/// After how long the device goes on when it stopped at that limit.
const RESUME_NS: u64 = 1000;

/// When a request's end becomes visible to the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Completion {
    /// As soon as the host has done it.
    WhenHostFinishes,
    /// So many nanoseconds of guest time after it was made, whenever the host does it; requests
    /// end in the order in which they were made.
    AtGuestTime {
        /// The time that the modelled disk takes.
        ns: u64,
    },
}

/// A disk as a virtio device.
///
/// With [`Completion::AtGuestTime`] the device asks for an event `ns` after each request and
/// collects the request then, waiting for the host if it must, so that the same run always sees
/// the same times.
/// With [`Completion::WhenHostFinishes`] it collects what has finished at the end of each
/// notification and whenever it is woken.
/// A driver that does not accept `VIRTIO_BLK_F_FLUSH` gets no more than the disk itself promises
/// about writes: they are not made durable one by one.
/// Requests under way are part of the saved state and are made again by the first call after
/// a restore; the machine therefore wakes its devices once.
pub struct Block {
    disk: Box<dyn Disk>,
    completion: Completion,
    flight: VecDeque<Request>,
    next_token: u64,
    resume_ns: Option<u64>,
}

impl Block {
    /// A device for this disk.
    #[must_use]
    pub fn new(disk: Box<dyn Disk>, completion: Completion) -> Self {
        Self {
            disk,
            completion,
            flight: VecDeque::new(),
            next_token: 0,
            resume_ns: None,
        }
    }

    fn sectors(&self) -> u64 {
        self.disk.bytes() / SECTOR_BYTES
    }

    /// Takes chains from the queue; true if it stopped because too many are under way.
    fn take(&mut self, bytes: &mut u64, io: &mut Io) -> bool {
        while self.flight.len() < IN_FLIGHT {
            if *bytes >= CALL_BYTES {
                self.resume_ns = Some(io.cx.now_ns.saturating_add(RESUME_NS));
                return false;
            }
            let Some(chain) = io.pop(0) else {
                return false;
            };
            *bytes += segments::total(&chain.readable) + segments::total(&chain.writable);
            self.begin(&chain, io);
        }
        true
    }

    /// Begins one request, or answers it at once.
    fn begin(&mut self, chain: &Chain, io: &mut Io) {
        let ram = io.cx.ram;
        match parse(ram, chain, self.sectors(), self.disk.read_only()) {
            Parsed::NoStatus => io.fail(),
            Parsed::Answer { status, at } => {
                segments::write(ram, &[at], 0, &[status as u8]);
                io.push(0, chain.head, 1);
            }
            Parsed::Identify { into, at } => {
                let mut name = [0; 20];
                let serial = self.disk.serial().as_bytes();
                let taken = name.len().min(serial.len());
                name[..taken].copy_from_slice(&serial[..taken]);
                let written = segments::write(ram, &into, 0, &name);
                segments::write(ram, &[at], 0, &[Status::Ok as u8]);
                io.push(0, chain.head, written as u32 + 1);
            }
            Parsed::Request(mut request) => {
                request.token = self.next_token;
                self.next_token = self.next_token.wrapping_add(1);
                request.due_ns = match self.completion {
                    Completion::WhenHostFinishes => 0,
                    Completion::AtGuestTime { ns } => io.cx.now_ns.saturating_add(ns),
                };
                io.cx.begins(request.status_at.addr.0, || request.text());
                self.flight.push_back(*request);
                self.submit(ram);
            }
        }
    }

    /// Hands the disk what it has not got yet: new requests, and all of them after a restore.
    fn submit(&mut self, ram: &GuestRam) {
        for request in self.flight.iter_mut().filter(|request| !request.submitted) {
            request.submitted = true;
            self.disk.submit(ram, request.for_disk());
        }
    }

    /// Notes what the disk has finished; tokens of forgotten requests mean nothing.
    fn collect(&mut self) {
        // LIMIT: no more can have finished than is under way, and what a reset has forgotten.
        for _ in 0..2 * IN_FLIGHT {
            let Some(done) = self.disk.finished() else {
                return;
            };
            let known = self
                .flight
                .iter_mut()
                .find(|request| request.token == done.token);
            if let Some(request) = known {
                request.result = Some(done.result);
            }
        }
    }

    /// Gives finished requests back.
    fn finish(&mut self, io: &mut Io) {
        self.submit(io.cx.ram);
        self.collect();
        match self.completion {
            Completion::WhenHostFinishes => {
                let mut rest = VecDeque::new();
                for request in std::mem::take(&mut self.flight) {
                    match request.result {
                        Some(_) => answer(&request, io),
                        None => rest.push_back(request),
                    }
                }
                self.flight = rest;
            }
            Completion::AtGuestTime { .. } => self.finish_due(io),
        }
    }

    /// Gives back what is due, in order, waiting for the host where it is late.
    fn finish_due(&mut self, io: &mut Io) {
        while self
            .flight
            .front()
            .is_some_and(|request| request.due_ns <= io.cx.now_ns)
        {
            let token = self.flight.front().map(|request| request.token);
            while self.unfinished(token) && self.disk.wait() {
                self.collect();
            }
            if let Some(request) = self.flight.pop_front() {
                answer(&request, io);
            }
        }
    }

    fn unfinished(&self, token: Option<u64>) -> bool {
        let request = self
            .flight
            .front()
            .filter(|request| Some(request.token) == token);
        request.is_some_and(|request| request.result.is_none())
    }

    /// Finished requests out, new ones in, and again while that makes room.
    fn work(&mut self, io: &mut Io) {
        self.resume_ns = None;
        self.finish(io);
        let mut bytes = 0;
        // `Io` bounds how many chains one call takes, and each round takes one at least.
        while self.take(&mut bytes, io) {
            let before = self.flight.len();
            self.finish(io);
            if self.flight.len() == before {
                return;
            }
        }
        if self.completion == Completion::WhenHostFinishes {
            self.finish(io);
        }
    }
}

/// Tells the driver how a request has ended; one that the disk lost has failed.
fn answer(request: &Request, io: &mut Io) {
    let (status, written) = match request.result {
        Some(Ok(())) => (Status::Ok, request.filled()),
        Some(Err(error)) => (Status::of(error), 0),
        None => (Status::IoError, 0),
    };
    segments::write(io.cx.ram, &[request.status_at], 0, &[status as u8]);
    io.push(0, request.head, written + 1);
    io.cx.ends(request.status_at.addr.0);
}

impl VirtioDevice for Block {
    fn id(&self) -> u16 {
        2
    }

    fn kind(&self) -> &'static str {
        "virtio-block"
    }

    fn pci_class(&self) -> u32 {
        0x01_00_00
    }

    fn features(&self) -> u64 {
        let common = F_SIZE_MAX | F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY;
        if self.disk.read_only() {
            common | F_RO
        } else {
            common | F_DISCARD | F_WRITE_ZEROES
        }
    }

    fn queues(&self) -> &'static [u16] {
        &[QUEUE_SIZE]
    }

    /// The fields of section 5.2.4 up to `unused1`.
    fn config(&self) -> Vec<u8> {
        let mut out = vec![0; 60];
        let mut put = |at: usize, bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(0, &self.sectors().to_le_bytes());
        put(8, &SEGMENT_BYTES.to_le_bytes());
        put(12, &SEGMENTS.to_le_bytes());
        put(20, &(SECTOR_BYTES as u32).to_le_bytes());
        // Physical blocks of eight sectors: what today's hosts have.
        put(24, &[3]);
        put(26, &8_u16.to_le_bytes());
        put(34, &1_u16.to_le_bytes());
        if !self.disk.read_only() {
            put(36, &RANGE_SECTORS.to_le_bytes());
            put(40, &1_u32.to_le_bytes());
            put(44, &8_u32.to_le_bytes());
            put(48, &RANGE_SECTORS.to_le_bytes());
            put(52, &1_u32.to_le_bytes());
            put(56, &[1]);
        }
        out
    }

    fn notify(&mut self, _queue: usize, io: &mut Io) {
        self.work(io);
    }

    fn wake(&mut self, io: &mut Io) {
        self.work(io);
    }

    fn due_ns(&self) -> Option<u64> {
        let due = match self.completion {
            Completion::WhenHostFinishes => None,
            Completion::AtGuestTime { .. } => self.flight.front().map(|request| request.due_ns),
        };
        [due, self.resume_ns].into_iter().flatten().min()
    }

    fn event(&mut self, io: &mut Io) {
        self.work(io);
    }

    /// Ends all requests: the disk may not touch guest memory afterwards.
    fn reset(&mut self) {
        self.collect();
        // LIMIT: each wait ends a request, so there are no more waits than requests.
        for _ in 0..self.flight.len() {
            let open = |request: &Request| request.submitted && request.result.is_none();
            if !self.flight.iter().any(open) || !self.disk.wait() {
                break;
            }
            self.collect();
        }
        self.flight.clear();
        self.resume_ns = None;
    }

    fn save(&self, out: &mut Section) {
        out.u64("sectors", self.sectors());
        out.u64("next_token", self.next_token);
        out.u64("resume_ns", self.resume_ns.unwrap_or(u64::MAX));
        let words: Vec<u64> = self.flight.iter().flat_map(Request::words).collect();
        out.words("flight", &words);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)?;
        self.reset();
        if from.u64("sectors")? != self.sectors() {
            return Err(from.bad("sectors"));
        }
        self.next_token = from.u64("next_token")?;
        self.resume_ns = Some(from.u64("resume_ns")?).filter(|at| *at != u64::MAX);
        let words = from.words("flight")?;
        let mut rest = &words[..];
        while !rest.is_empty() {
            let full = self.flight.len() >= IN_FLIGHT;
            let taken = Request::of_words(rest, self.sectors()).filter(|_| !full);
            let (request, after) = taken.ok_or_else(|| from.bad("flight"))?;
            self.flight.push_back(request);
            rest = after;
        }
        Ok(())
    }
}
