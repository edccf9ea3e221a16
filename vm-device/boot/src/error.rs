//! Why a guest can not be started from these files.

use thiserror::Error;

use crate::Arch;

/// Why a guest can not be started from these files.
///
/// The messages name the fact that was found; the caller adds the path.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
#[non_exhaustive]
pub enum BootError {
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The file is shorter than it says itself.
    #[error("the file is cut off: it has {have} bytes, its {part} reaches to byte {need}")]
    Truncated {
        /// The part of the file that is not all there.
        part: String,
        /// The size of the file.
        have: u64,
        /// Where the part ends.
        need: u64,
    },
    /// A compressed file that does not unpack.
    #[error("the {container} data is damaged: {reason}")]
    Damaged {
        /// The name of the compression.
        container: &'static str,
        /// The words of the unpacker.
        reason: String,
    },
    /// A compressed file that is larger than a kernel can be.
    #[error("the {container} data unpacks to more than {limit} bytes")]
    TooLarge {
        /// The name of the compression.
        container: &'static str,
        /// The limit that the caller named.
        limit: u64,
    },
    /// A compression that is not known here.
    #[error("the file is compressed with {0}, only gzip and zstd can be unpacked")]
    Compression(String),
    /// Containers in containers in containers.
    #[error("the file is packed more than {0} times over")]
    Nested(u32),
    /// An ELF file that is not for a 64-bit little-endian machine.
    #[error("this is {0}, only 64-bit little-endian guests can be started")]
    Unsupported(String),
    /// An ELF file whose header contradicts itself.
    #[error("the ELF header is damaged: {0}")]
    Elf(String),
    /// A header that contradicts itself.
    #[error("the {kind} header is damaged: {reason}")]
    Header {
        /// The kind of header.
        kind: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The kernel is for another machine.
    #[error("the file is for {}: {fact}; the machine is {}", found.name(), wanted.name())]
    WrongArch {
        /// The architecture of the file.
        found: Arch,
        /// The architecture of the machine.
        wanted: Arch,
        /// Where that is written in the file.
        fact: &'static str,
    },
    /// Nothing that could be started was recognised.
    #[error("this is not a kernel: no ELF, Image or PE header, it begins with {0}")]
    NotAKernel(String),
    /// A form that can not be started without a firmware that knows it.
    #[error("this is {0}, which can not be started directly")]
    NotDirect(&'static str),
    /// A mode that needs a file was chosen without one.
    #[error("there is no {0} to start")]
    Missing(&'static str),
    /// A load address outside RAM.
    #[error("the {what} goes to {addr:#x} with {bytes:#x} bytes, RAM is {ram:#x} to {ram_end:#x}")]
    OutsideRam {
        /// What was to be placed.
        what: &'static str,
        /// Where.
        addr: u64,
        /// How long it is.
        bytes: u64,
        /// The first address of RAM.
        ram: u64,
        /// The first address behind RAM.
        ram_end: u64,
    },
    /// RAM is too small for what is to be loaded.
    #[error("{} of guest memory are too few: {what} need at least {}", size(*have), size(*need))]
    TooSmall {
        /// What was to be placed.
        what: &'static str,
        /// The size of RAM.
        have: u64,
        /// The smallest size that would do.
        need: u64,
    },
    /// Two things want the same memory.
    #[error("the {first} at {addr:#x} overlaps the {second}")]
    Overlap {
        /// What comes first in memory.
        first: &'static str,
        /// What begins inside it.
        second: &'static str,
        /// Where the first one begins.
        addr: u64,
    },
    /// The device tree is larger than the room left for it.
    #[error("the device tree has {bytes} bytes, there is room for {room}")]
    TreeSize {
        /// Its size.
        bytes: u64,
        /// The room.
        room: u64,
    },
    /// The device tree can not be written, because a name in it is not possible.
    #[error("the device tree can not be written: {0}")]
    Tree(String),
}

/// A size in MiB, or in bytes if it is not a whole number of them.
fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}
