//! A disk in a raw file.

mod holder;
mod lock;
mod overlay;
#[cfg(test)]
mod tests;

pub use holder::Holder;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use vm_device_bus::{Disk, DiskDone, DiskError, DiskOp, DiskRequest, Segment};
use vm_mem::GuestRam;

use self::overlay::Overlay;
use crate::{ConsoleHub, DiskAccess, DiskConfig, DiskTrouble, Notice, VmError};

const SECTOR: u64 = 512;

/// A disk in a raw file; each request is carried out when it is submitted.
pub struct RawFile {
    path: PathBuf,
    file: File,
    /// Where writes go if the file is to stay as it is.
    overlay: Option<Overlay>,
    bytes: u64,
    read_only: bool,
    serial: String,
    done: VecDeque<DiskDone>,
    /// A flush has failed: nothing that was written since the last good flush is sure to be
    /// there, so the guest must not be told that anything is.
    failed: bool,
    /// Where the user is told of troubles.
    user: ConsoleHub,
    /// The troubles that the user has been told of.
    told: Vec<DiskTrouble>,
}

impl RawFile {
    /// Opens a disk; what the host does to it later is told to `user`.
    pub fn open(config: &DiskConfig, number: usize, user: ConsoleHub) -> Result<Self, VmError> {
        let path = config.path.as_path();
        let refused = || VmError::file(path, "can not be opened as a disk");
        let known = fs::metadata(path).map_err(refused())?;
        if known.is_dir() {
            return Err(refused()(io::ErrorKind::IsADirectory.into()));
        }
        // Opening a pipe would wait for somebody at its other end.
        if !known.is_file() {
            let path = path.to_owned();
            return Err(VmError::NotAFile { path });
        }
        let mut open = File::options();
        let open = open.read(true).write(config.access == DiskAccess::Keep);
        let mut file = open.open(path).map_err(refused())?;
        let size = file.seek(SeekFrom::End(0));
        let bytes = size.map_err(VmError::file(path, "has no size that could be found out"))?;
        if bytes == 0 || !bytes.is_multiple_of(SECTOR) {
            let path = path.to_owned();
            return Err(VmError::DiskSize { path, bytes });
        }
        lock::lock(&file, path, config.access != DiskAccess::Keep)?;
        let overlay = match config.access {
            DiskAccess::Keep | DiskAccess::ReadOnly => None,
            DiskAccess::Ephemeral => {
                let overlay = Overlay::new(std::env::temp_dir());
                Some(overlay.map_err(|source| VmError::Overlay { source })?)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            overlay,
            bytes,
            read_only: config.access == DiskAccess::ReadOnly,
            serial: format!("disk{number}"),
            done: VecDeque::new(),
            failed: false,
            user,
            told: Vec::new(),
        })
    }

    fn carry_out(&mut self, ram: &GuestRam, request: &DiskRequest) -> Result<(), DiskError> {
        if self.failed {
            return Err(DiskError::Io);
        }
        let data: u64 = request.segments.iter().map(|s| u64::from(s.bytes)).sum();
        let range = match request.op {
            DiskOp::Read | DiskOp::Write => data,
            DiskOp::Discard(bytes) | DiskOp::WriteZeroes(bytes) => bytes,
            DiskOp::Flush => 0,
        };
        let end = request
            .offset
            .checked_add(range)
            .filter(|end| *end <= self.bytes);
        if end.is_none() {
            return Err(DiskError::OutOfRange);
        }
        if self.read_only && !matches!(request.op, DiskOp::Read | DiskOp::Flush) {
            return Err(DiskError::ReadOnly);
        }
        match request.op {
            DiskOp::Read => self.read(ram, request.offset, &request.segments),
            DiskOp::Write => self.write(ram, request.offset, &request.segments),
            // What is thrown away needs no flush.
            DiskOp::Flush if self.overlay.is_some() => Ok(()),
            DiskOp::Flush => {
                let flushed = self.file.sync_data();
                flushed.map_err(|error| {
                    self.failed = true;
                    self.tell(DiskTrouble::Flush, &error)
                })
            }
            // A hint: the file keeps what it has.
            DiskOp::Discard(_) => Ok(()),
            DiskOp::WriteZeroes(bytes) => self.zero(request.offset, bytes),
        }
    }

    fn read(&mut self, ram: &GuestRam, mut at: u64, segments: &[Segment]) -> Result<(), DiskError> {
        for segment in segments {
            let mut bytes = vec![0; segment.bytes as usize];
            let read = match &self.overlay {
                Some(overlay) => overlay.read(&self.file, &mut bytes, at),
                None => self.file.read_exact_at(&mut bytes, at),
            };
            read.map_err(|error| self.tell(DiskTrouble::Read, &error))?;
            ram.write(segment.addr, &bytes)
                .map_err(|_| DiskError::OutOfRange)?;
            at += u64::from(segment.bytes);
        }
        Ok(())
    }

    fn write(
        &mut self,
        ram: &GuestRam,
        mut at: u64,
        segments: &[Segment],
    ) -> Result<(), DiskError> {
        for segment in segments {
            let mut bytes = vec![0; segment.bytes as usize];
            ram.read(segment.addr, &mut bytes)
                .map_err(|_| DiskError::OutOfRange)?;
            self.put(&bytes, at)?;
            at += u64::from(segment.bytes);
        }
        Ok(())
    }

    fn zero(&mut self, mut at: u64, mut left: u64) -> Result<(), DiskError> {
        let zeroes = vec![0; left.min(1 << 20) as usize];
        while left > 0 {
            let part = left.min(zeroes.len() as u64);
            self.put(&zeroes[..part as usize], at)?;
            (at, left) = (at + part, left - part);
        }
        Ok(())
    }

    /// Writes; a failure is this request's alone, for the guest learns of it, and what was
    /// written before is still there.
    fn put(&mut self, bytes: &[u8], at: u64) -> Result<(), DiskError> {
        let written = match &mut self.overlay {
            Some(overlay) => overlay.write(&self.file, bytes, at),
            None => self.file.write_all_at(bytes, at),
        };
        let trouble = match self.overlay {
            Some(_) => DiskTrouble::WriteCopy,
            None => DiskTrouble::Write,
        };
        written.map_err(|error| self.tell(trouble, &error))
    }

    /// Tells the user, the first time, and gives what the guest is told.
    fn tell(&mut self, trouble: DiskTrouble, error: &io::Error) -> DiskError {
        if !self.told.contains(&trouble) {
            self.told.push(trouble);
            self.user.tell(&Notice::Disk {
                path: self.path.clone(),
                trouble,
                error: error.to_string(),
            });
        }
        DiskError::Io
    }
}

impl Disk for RawFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn serial(&self) -> &str {
        &self.serial
    }

    fn submit(&mut self, ram: &GuestRam, request: DiskRequest) {
        let result = self.carry_out(ram, &request);
        self.done.push_back(DiskDone {
            token: request.token,
            result,
        });
    }

    fn finished(&mut self) -> Option<DiskDone> {
        self.done.pop_front()
    }
}
