//! The built-in boot manager: what a disk would boot, found out without firmware.
//!
//! A real machine starts a disk by a firmware that starts a boot loader that reads a
//! configuration that names a kernel.
//! This crate reads the same configuration and gives the kernel at once: [`BootDisk::open`] reads
//! the partition table (GPT, MBR, or none) and the file systems (ext2 to ext4, FAT),
//! [`BootDisk::menu`] gives what the Boot Loader Specification, unified kernels,
//! `extlinux.conf`, GRUB's configuration and the names of kernels offer, and
//! [`BootDisk::load`] reads kernel, RAM disk and command line of one of them.
//! Nothing is ever written, and the host's files are touched by the caller, who implements
//! [`ReadAt`].
//!
//! The readers of file systems are its own: they have to follow a journal that was not written
//! back, and to survive a hostile disk within bounds of time and memory.
//!
//! **Invariant**: no disk makes it panic; what is read for the search is bounded by an allowance,
//! and what is held in memory by the size of the disk and by limits that stand beside their
//! reasons.
//!
//! **Invariant**: the same disk gives the same menu.

mod arch;
mod bytes;
mod disk;
mod entry;
mod error;
mod find;
mod fs;
mod options;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod uki;
mod volume;
mod whole;

pub use disk::{BootDisk, Loaded};
pub use entry::{Body, Entry, Menu, Method};
pub use error::{DiskError, Fault};
pub use options::command_line;
pub use read::ReadAt;
pub use uki::take_apart;
pub use volume::{Partition, Place};
pub use whole::{FileKind, look};
