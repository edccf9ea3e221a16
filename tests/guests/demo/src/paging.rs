//! The map: Sv39, every address at its own place, in leaf pages of 1 GiB.
//!
//! Accessed and dirty bits are set from the start, since a machine with Svade faults otherwise.
#![expect(
    unsafe_code,
    reason = "the root table stands at a named place of the image"
)]
// UNSAFETY: a link section, so that the linker puts the page-aligned table first in `.bss`.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::riscv::{self, csr};

/// Valid, readable, writable, executable, accessed, dirty.
const LEAF: u64 = 0b1100_1111;
/// Without the right to execute: the first two gigabytes are devices.
const DEVICE_LEAF: u64 = 0b1100_0111;
/// `satp.MODE` for Sv39.
const SV39: u64 = 8 << 60;
const GIB_SHIFT: u64 = 30;
/// The lower half of the address space: 256 GiB.
pub const GIBS: usize = 256;

#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

#[unsafe(link_section = ".bss.page_table")]
static ROOT: Table = Table([const { AtomicU64::new(0) }; 512]);

/// Fills the root table and turns translation on. False if the machine kept it off.
pub fn start() -> bool {
    for (gib, entry) in ROOT.0.iter().take(GIBS).enumerate() {
        let flags = if gib < 2 { DEVICE_LEAF } else { LEAF };
        entry.store((gib as u64) << GIB_SHIFT >> 2 | flags, Relaxed);
    }
    let root = core::ptr::from_ref(&ROOT).addr() as u64;
    riscv::flush_translations();
    riscv::write::<{ csr::SATP }>(SV39 | root >> 12);
    riscv::flush_translations();
    is_on()
}

/// Whether translation is on.
pub fn is_on() -> bool {
    riscv::read::<{ csr::SATP }>() >> 60 == 8
}
