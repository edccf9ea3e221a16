//! A disk in memory whose behaviour a test chooses.

use std::sync::{Arc, Mutex};

use vm_device_bus::{Disk, DiskDone, DiskError, DiskOp, DiskRequest};
use vm_mem::GuestRam;

use crate::{Block, Completion};

/// How the disk in memory behaves, and what it has.
#[derive(Default)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub read_only: bool,
    /// Requests end only when they are waited for.
    pub slow: bool,
    pub waiting: Vec<(GuestRam, DiskRequest)>,
    pub done: Vec<DiskDone>,
    pub flushes: u32,
    /// What it says its size is, if not what it has.
    pub claims: Option<u64>,
}

#[derive(Clone, Default)]
pub struct MemoryDisk(pub Arc<Mutex<Content>>);

impl MemoryDisk {
    pub fn new(sectors: usize) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().bytes = (0..sectors * 512).map(|i| (i / 512) as u8).collect();
        disk
    }

    pub fn with(self, change: impl FnOnce(&mut Content)) -> Self {
        change(&mut self.0.lock().unwrap());
        self
    }

    pub fn device(&self, completion: Completion) -> Box<Block> {
        Box::new(Block::new(Box::new(self.clone()), completion))
    }
}

impl Content {
    fn carry_out(&mut self, ram: &GuestRam, request: &DiskRequest) -> Result<(), DiskError> {
        let mut at = request.offset as usize;
        for segment in &request.segments {
            let end = at + segment.bytes as usize;
            let bytes = self.bytes.get_mut(at..end).ok_or(DiskError::OutOfRange)?;
            let moved = match request.op {
                DiskOp::Read => ram.write(segment.addr, bytes),
                _ => ram.read(segment.addr, bytes),
            };
            moved.map_err(|_| DiskError::OutOfRange)?;
            at = end;
        }
        match request.op {
            DiskOp::Flush => self.flushes += 1,
            DiskOp::Discard(n) | DiskOp::WriteZeroes(n) => {
                self.bytes[at..at + n as usize].fill(0);
            }
            _ => {}
        }
        Ok(())
    }

    pub fn end_one(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        // The newest first, so that order is the device's work and not luck.
        let (ram, request) = self.waiting.pop().unwrap();
        let result = self.carry_out(&ram, &request);
        let token = request.token;
        self.done.push(DiskDone { token, result });
        true
    }
}

impl Disk for MemoryDisk {
    fn bytes(&self) -> u64 {
        let content = self.0.lock().unwrap();
        content.claims.unwrap_or(content.bytes.len() as u64)
    }

    fn read_only(&self) -> bool {
        self.0.lock().unwrap().read_only
    }

    fn serial(&self) -> &str {
        "a disk in memory with a long name"
    }

    fn submit(&mut self, ram: &GuestRam, request: DiskRequest) {
        let mut content = self.0.lock().unwrap();
        content.waiting.push((ram.clone(), request));
        if !content.slow {
            content.end_one();
        }
    }

    fn finished(&mut self) -> Option<DiskDone> {
        self.0.lock().unwrap().done.pop()
    }

    fn wait(&mut self) -> bool {
        self.0.lock().unwrap().end_one()
    }
}
