//! The entropy device.
//!
//! VIRTIO 1.3, section 5.4, "Entropy Device".

use vm_core::{Fields, Section, StateError};

use crate::device::{Io, VirtioDevice};
use crate::segments;

/// The most bytes that one request is given; the driver is told how many it got.
// LIMIT: a chain may name all of RAM, and nobody needs that much chance at once.
const LIMIT_BYTES: u64 = 4096;

/// Gives the guest bytes of the machine's own source of chance.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rng;

impl VirtioDevice for Rng {
    fn id(&self) -> u16 {
        4
    }

    fn kind(&self) -> &'static str {
        "virtio-rng"
    }

    fn pci_class(&self) -> u32 {
        0x00_ff_00
    }

    fn features(&self) -> u64 {
        0
    }

    fn queues(&self) -> &'static [u16] {
        &[8]
    }

    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    fn notify(&mut self, queue: usize, io: &mut Io) {
        while let Some(chain) = io.pop(queue) {
            let bytes = segments::total(&chain.writable).min(LIMIT_BYTES);
            let mut chance = vec![0; bytes as usize];
            io.cx.entropy.fill(&mut chance);
            let written = segments::write(io.cx.ram, &chain.writable, 0, &chance);
            io.push(queue, chain.head, written as u32);
        }
    }

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)
    }
}
