//! What the user should know while the guest runs.

use std::path::PathBuf;

/// Something that is told once, when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The host did not do what a guest asked of a disk.
    Disk {
        /// The disk's file.
        path: PathBuf,
        /// What was not done.
        trouble: DiskTrouble,
        /// The host's words.
        error: String,
    },
}

/// What the host did not do for a disk; the guest was told that its request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It did not read.
    Read,
    /// It did not write, as on a full disk.
    Write,
    /// It did not write to the throw-away copy.
    WriteCopy,
    /// It did not make durable what was written: all requests fail from here on.
    Flush,
}
