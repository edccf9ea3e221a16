//! Why a disk gives nothing to boot.

use thiserror::Error;
use vm_device_boot::Arch;

/// Why a part of a disk, or a file on it, can not be read.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// A file or folder that is not there.
    #[error("there is no such file")]
    Absent,
    /// Something that contradicts itself.
    #[error("at byte {at:#x} of the disk: {rule}")]
    Damaged {
        /// The place on the disk.
        at: u64,
        /// The rule that is broken.
        rule: String,
    },
    /// Something that is whole, but not known here.
    #[error("{0} can not be read yet")]
    Unsupported(String),
    /// A file that is too large for what it is.
    #[error("the file has {bytes} bytes, at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The host refuses.
    #[error("the host can not read at byte {at:#x}: {reason}")]
    Host {
        /// The place on the disk.
        at: u64,
        /// The host's words.
        reason: String,
    },
    /// Structures that lead in circles.
    #[error("the search was given up: the structures on the disk lead in circles")]
    Circles,
}

/// Why a disk can not be booted.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
#[non_exhaustive]
pub enum DiskError {
    /// Nothing that could be started was found.
    #[error("{}", nothing(found, efi, notes))]
    Nothing {
        /// The partitions and what is on them.
        found: String,
        /// EFI programs that a firmware would start.
        efi: Vec<(String, Arch)>,
        /// What was in the way of the search.
        notes: Vec<String>,
    },
    /// No entry has that name.
    #[error("no entry matches `{wanted}`")]
    NoEntry {
        /// What was asked for.
        wanted: String,
        /// The titles that there are.
        titles: Vec<String>,
    },
    /// Several entries have that name.
    #[error("`{wanted}` matches {} entries", titles.len())]
    ManyEntries {
        /// What was asked for.
        wanted: String,
        /// Their titles.
        titles: Vec<String>,
    },
    /// A file that an entry names can not be read.
    #[error("{place}: {fault}")]
    File {
        /// Partition and path.
        place: String,
        /// The entry that names it.
        entry: String,
        /// Why.
        fault: Fault,
    },
    /// The disk itself can not be read.
    #[error("{0}")]
    Disk(Fault),
}

fn nothing(found: &str, efi: &[(String, Arch)], notes: &[String]) -> String {
    let mut text = found.to_owned();
    if let Some((path, arch)) = efi.first() {
        text += &format!("; only an EFI program for {}: {path}", arch.name());
    }
    for note in notes {
        text += "; ";
        text += note;
    }
    text
}
