//! Virtio devices, and the ways in which a guest reaches them.
//!
//! A virtio device takes *chains* of guest buffers from *queues*, does what they ask, and gives
//! them back.
//! [`VirtioDevice`] is a device without its transport; [`MmioSlot`] and [`PciFunction`] put
//! one where a guest finds it, and share everything that is not registers: negotiation, queues,
//! interrupts, saving.
//! Rings stand behind the small trait [`Ring`], so that another layout or host needs no change
//! in a device.
//!
//! **Invariant**: a chain is copied out of guest memory once and checked afterwards; what the
//! guest changes later is not seen.
//!
//! **Invariant**: a driver that breaks a rule of the rings is told to reset the device, and harms
//! only itself; no call of a device takes more chains than the queue has descriptors.
//!
//! **Invariant**: a device whose driver is not ready touches no guest memory.

mod block;
mod block_request;
#[cfg(test)]
mod block_tests;
mod console;
mod device;
mod mmio;
mod net;
mod net_control;
#[cfg(test)]
mod net_tests;
mod pci;
#[cfg(test)]
mod pci_tests;
mod queue;
mod rng;
pub mod segments;
mod split;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_disk;
#[cfg(test)]
mod tests;
mod transport;

pub use block::{Block, Completion};
pub use console::PortConsole;
pub use device::{F_EVENT_IDX, F_INDIRECT_DESC, F_VERSION_1, Io, VirtioDevice};
pub use mmio::{MmioSlot, Register};
pub use net::NetCard;
pub use pci::PciFunction;
pub use queue::{Broken, Chain, Layout, Queue, Ring};
pub use rng::Rng;
