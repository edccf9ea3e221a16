//! Kernels, firmwares and RAM disks.

use vm_core::GuestPhys;
use vm_device_boot::{Images, Kernel, Layout, Mode, Plan};
use vm_mem::GuestRam;

use crate::Feed;

/// The most that a file may unpack to.
const LIMIT: u64 = 1 << 20;
/// Where RAM begins.
const RAM: u64 = 0x8000_0000;

/// The first bytes choose the machine and the mode; then comes a RAM disk and a kernel.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let mode = feed.one(&[Mode::Direct, Mode::Bare, Mode::Firmware]);
    let ram_bytes = 1 << (20 + feed.u8() % 6);
    let initrd = match feed.u8() % 4 {
        0 => None,
        _ => Some(vec![0x5a; usize::from(feed.u16()) << (feed.u8() % 8)]),
    };
    let Ok(kernel) = Kernel::open(feed.rest(), LIMIT) else {
        return;
    };
    let _ = (kernel.span(), kernel.first_bytes());
    assert!(kernel.file.len() as u64 <= LIMIT.max(bytes.len() as u64));
    let images = Images {
        firmware: (mode == Mode::Firmware).then_some(&kernel),
        kernel: (mode != Mode::Firmware || ram_bytes > 1 << 22).then_some(&kernel),
        initrd: initrd.as_deref(),
    };
    let layout = Layout {
        ram: RAM,
        bytes: ram_bytes,
    };
    let Ok(plan) = Plan::riscv64(layout, &images, mode) else {
        return;
    };
    let mut end = RAM;
    for piece in &plan.pieces {
        assert!(piece.addr >= end, "{piece:?} lies on the one before");
        end = piece.addr + piece.bytes;
        assert!(end <= RAM + ram_bytes, "{piece:?} lies outside RAM");
    }
    let Ok(ram) = GuestRam::new(&[(GuestPhys(RAM), ram_bytes)]) else {
        return;
    };
    assert!(plan.load(&ram, &images, &[0; 4096]).is_ok());
}
