//! What is on a disk: the file, and what was written beside it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_device_bootdisk::ReadAt;

use super::overlay::Overlay;

/// The bytes of a disk as the guest sees them.
struct Bytes {
    file: File,
    /// Where writes go if the file is to stay as it is.
    overlay: Option<Overlay>,
}

/// The content of a disk, for the device and for whoever starts the machine anew from it.
#[derive(Clone)]
pub struct Content {
    inner: Arc<Mutex<Bytes>>,
    bytes: u64,
    copy: bool,
}

impl Content {
    /// So many bytes in a file, or in a copy of it.
    pub fn new(file: File, bytes: u64, overlay: Option<Overlay>) -> Self {
        let copy = overlay.is_some();
        let inner = Arc::new(Mutex::new(Bytes { file, overlay }));
        Self { inner, bytes, copy }
    }

    /// Whether what is written is thrown away.
    pub fn is_copy(&self) -> bool {
        self.copy
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads.
    pub fn read(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        let inner = self.lock();
        match &inner.overlay {
            Some(overlay) => overlay.read(&inner.file, into, at),
            None => inner.file.read_exact_at(into, at),
        }
    }

    /// Writes.
    pub fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut inner = self.lock();
        let Bytes { file, overlay } = &mut *inner;
        match overlay {
            Some(overlay) => overlay.write(file, bytes, at),
            None => file.write_all_at(bytes, at),
        }
    }

    /// Makes what was written durable.
    pub fn flush(&self) -> io::Result<()> {
        let inner = self.lock();
        match inner.overlay {
            // What is thrown away needs no flush.
            Some(_) => Ok(()),
            None => inner.file.sync_data(),
        }
    }

    /// Puts another file in the place of this one, which a test wants to fail.
    #[cfg(test)]
    pub fn replace(&self, file: File) -> File {
        std::mem::replace(&mut self.lock().file, file)
    }

    /// A panic elsewhere leaves nothing half done: each write is one call of the host.
    fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadAt for Content {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read(into, offset)
    }
}
