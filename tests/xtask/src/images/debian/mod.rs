//! Disks with an installed Debian, made without running anything of the guest: packages are
//! unpacked into a [`tree`], [`root`] does what their scripts would, and the host's own
//! e2fsprogs, of the same release, makes the file system.
//! Beside them an initial RAM disk with programs to measure.

mod accounts;
mod disk;
mod initrd;
mod programs;
mod recipe;
mod root;
mod tar;
mod tree;

pub use initrd::INIT;
pub use programs::{PACKAGES, PROGRAM_INPUTS, programs};
pub use recipe::{BENCH, INPUTS, SYSTEM, large_disk, ram_disk, small_disk};
