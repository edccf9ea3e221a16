//! How a guest is started: from files on the host to bytes in guest memory.
//!
//! A user hands over a kernel in whatever form it was built or packed, perhaps an initial RAM
//! disk and a firmware.
//! This crate unpacks the [`container`]s, finds out what the kernel is ([`Kernel`]), decides
//! where everything goes ([`Plan`]), writes it there, and makes the two things that the first
//! instruction needs: the code of the boot ROM ([`rom`]) and the device tree ([`fdt`]).
//! It knows neither devices nor engines; files are read by its callers.
//!
//! **Invariant**: no input makes it panic, and memory taken is bounded by the size of the input
//! and by the limit that the caller names.
//!
//! **Invariant**: no two things that a plan places overlap, and all of them lie in RAM.

mod bytes;
pub mod container;
mod elf;
mod error;
pub mod fdt;
mod fdt_text;
mod header;
mod kernel;
mod load;
pub mod rom;

pub use error::BootError;
pub use kernel::{Addressing, Arch, Kernel, Kind, LoadSegment};
pub use load::{FDT_ROOM, Images, Layout, Mode, Piece, Plan, Source};
