//! What can go wrong on the host's side.

use std::path::{Path, PathBuf};

use thiserror::Error;
use vm_device_boot::Arch;
use vm_device_bootdisk::DiskError;

use crate::symbols::SymbolError;

pub use crate::disk::Holder;
pub use crate::engine::EngineError;
pub use vm_core::StateError;
pub use vm_device_boot::BootError;
pub use vm_device_machine::MachineError;
pub use vm_mem::RamError;

/// Why a machine can not be built, started or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VmError {
    /// A file that can not be read or written.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// The host's words.
        source: std::io::Error,
    },
    /// A file that is larger than anything that could be started.
    #[error("{}: the file has {bytes} bytes, at most {limit} can be loaded", path.display())]
    FileSize {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that a restart needs, and that is not what the machine was started with.
    #[error("{}: the file has been changed since the machine was started", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// A kernel, firmware or RAM disk that can not be used.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BootError,
    },
    /// A guest architecture that can not be run yet.
    #[error("{}: the file is for {}, which can not be run yet", path.display(), arch.name())]
    ArchMissing {
        /// The file.
        path: PathBuf,
        /// Its architecture.
        arch: Arch,
    },
    /// Native code can not be verified in the host's time, which no run sees twice.
    #[error("an engine can be verified in virtual time only")]
    VerifyTime,
    /// A disk whose size is no whole number of sectors.
    #[error("{}: the disk has {bytes} bytes, not a multiple of 512", path.display())]
    DiskSize {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A disk that is a device, a pipe or the like.
    #[error("{}: a disk must be a file, and this is no file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// There is no place for a throw-away copy.
    #[error("a throw-away copy of a disk can not be made in the folder for temporary files")]
    Overlay {
        /// The host's words.
        source: std::io::Error,
    },
    /// A disk that somebody else uses.
    #[error("{}: the disk is in use by {}", path.display(), user(holder.as_ref()))]
    DiskInUse {
        /// The file.
        path: PathBuf,
        /// Who uses it, if that could be found out.
        holder: Option<Holder>,
    },
    /// A port of the host that can not stand for one of the guest's.
    #[error("{}:{} can not be listened at: {source}", forward.bind, forward.host)]
    Forward {
        /// What was asked for.
        forward: crate::PortForward,
        /// The host's words.
        source: std::io::Error,
    },
    /// The host does not give what the guest's network needs.
    #[error("the guest's network can not be started: {0}")]
    Network(#[source] std::io::Error),
    /// A disk that can not be booted.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DiskError,
    },
    /// A file for another architecture than the one that was asked for.
    #[error("{}: the file is for {}, not for {}", path.display(), found.name(), wanted.name())]
    ArchOther {
        /// The file.
        path: PathBuf,
        /// Its architecture.
        found: Arch,
        /// The one that was asked for.
        wanted: Arch,
    },
    /// A disk in a format that can not be used yet.
    #[error("{}: disks in the format qcow2 can not be used yet", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The machine can not be put together or started.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The host has no memory for the guest.
    #[error(transparent)]
    Ram(#[from] RamError),
    /// The compiler can not be used here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A saved state that is refused.
    #[error("{}: {source}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: StateError,
    },
    /// A file that has no symbols.
    #[error("{}: {source}", path.display())]
    Symbols {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SymbolError,
    },
    /// A machine that does not exist.
    #[error("there is no machine `{name}`")]
    NoMachine {
        /// The name that was given.
        name: String,
    },
    /// There is nothing to start.
    #[error("there is nothing to start: no kernel was given")]
    NoKernel,
}

/// Who uses a disk, in words.
fn user(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another program".to_owned(), Holder::to_string)
}

impl VmError {
    /// The error of a file operation.
    pub(crate) fn file(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, what, source }
    }
}
