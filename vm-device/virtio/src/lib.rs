//! Virtio devices over MMIO and PCI.
