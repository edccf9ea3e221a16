//! A disk in a raw file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use vm_device_bus::{Disk, DiskDone, DiskError, DiskOp, DiskRequest, Segment};
use vm_mem::GuestRam;

use crate::{DiskConfig, VmError};

const SECTOR: u64 = 512;

/// A disk in a raw file; each request is carried out when it is submitted.
#[derive(Debug)]
pub struct RawFile {
    file: File,
    bytes: u64,
    read_only: bool,
    serial: String,
    done: VecDeque<DiskDone>,
    /// A write or flush has failed: nothing that was written since the last good flush is sure to
    /// be there, so the guest must not be told that anything is.
    failed: bool,
}

impl RawFile {
    /// Opens a disk.
    pub fn open(config: &DiskConfig, number: usize) -> Result<Self, VmError> {
        let path = config.path.as_path();
        let open = File::options()
            .read(true)
            .write(!config.read_only)
            .open(path);
        let mut file = open.map_err(VmError::file(path, "can not be opened as a disk"))?;
        let size = file.seek(SeekFrom::End(0));
        let bytes = size.map_err(VmError::file(path, "has no size that could be found out"))?;
        if bytes == 0 || !bytes.is_multiple_of(SECTOR) {
            return Err(VmError::DiskSize {
                path: path.to_owned(),
                bytes,
            });
        }
        lock(&file, path, config.read_only)?;
        Ok(Self {
            file,
            bytes,
            read_only: config.read_only,
            serial: format!("disk{number}"),
            done: VecDeque::new(),
            failed: false,
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
            DiskOp::Flush => self.file.sync_data().map_err(|_| self.fail()),
            // A hint: the file keeps what it has.
            DiskOp::Discard(_) => Ok(()),
            DiskOp::WriteZeroes(bytes) => self.zero(request.offset, bytes),
        }
    }

    fn read(&self, ram: &GuestRam, mut at: u64, segments: &[Segment]) -> Result<(), DiskError> {
        for segment in segments {
            let mut bytes = vec![0; segment.bytes as usize];
            self.file
                .read_exact_at(&mut bytes, at)
                .map_err(|_| DiskError::Io)?;
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
            self.file
                .write_all_at(&bytes, at)
                .map_err(|_| self.fail())?;
            at += u64::from(segment.bytes);
        }
        Ok(())
    }

    fn zero(&mut self, mut at: u64, mut left: u64) -> Result<(), DiskError> {
        let zeroes = vec![0; left.min(1 << 20) as usize];
        while left > 0 {
            let part = left.min(zeroes.len() as u64);
            let written = self.file.write_all_at(&zeroes[..part as usize], at);
            written.map_err(|_| self.fail())?;
            (at, left) = (at + part, left - part);
        }
        Ok(())
    }

    fn fail(&mut self) -> DiskError {
        self.failed = true;
        DiskError::Io
    }
}

/// Keeps others from using a disk that is written, or from writing one that is read.
fn lock(file: &File, path: &Path, shared: bool) -> Result<(), VmError> {
    let locked = if shared {
        file.try_lock_shared()
    } else {
        file.try_lock()
    };
    locked.map_err(|error| VmError::File {
        path: path.to_owned(),
        what: "can not be locked, another program uses the disk",
        source: io::Error::from(error),
    })
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
