//! The table of targets.

use crate::{decoder, devices, fdt, loaders, queues, state};

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: of its corpus, and on the command line.
    pub name: &'static str,
    /// What it promises.
    pub doc: &'static str,
    /// The folders and files that it is to reach, for coverage.
    pub sources: &'static [&'static str],
    /// Takes the bytes; panics if a promise is broken.
    pub run: fn(&[u8]),
}

/// All targets.
#[rustfmt::skip] // A table.
pub const TARGETS: &[Target] = &[
    Target { name: "decoder", doc: "every byte string is an instruction or a trap, and every block is valid",
        sources: &["vm-frontend/riscv64/src/isa", "vm-frontend/riscv64/src/lift", "vm-frontend/riscv64/src/disasm.rs", "vm-ir/src/rows"],
        run: decoder::run },
    Target { name: "devices", doc: "no access to any device of a machine does harm, and each takes its own state back",
        sources: &["vm-device/chip/src", "vm-device/bus/src/bus.rs", "vm-device/pci/src"],
        run: devices::run },
    Target { name: "loaders", doc: "no kernel, firmware or RAM disk does harm, and nothing is placed outside RAM",
        sources: &["vm-device/boot/src/kernel.rs", "vm-device/boot/src/elf.rs", "vm-device/boot/src/header.rs", "vm-device/boot/src/container.rs", "vm-device/boot/src/load.rs"],
        run: loaders::run },
    Target { name: "queues", doc: "no virtqueue makes a device do unbounded work or reach outside RAM",
        sources: &["vm-device/virtio/src"],
        run: queues::run },
    Target { name: "state", doc: "a saved state is refused, or taken as it is",
        sources: &["vm-core/src/state.rs", "vm-core/src/state"],
        run: state::run },
    Target { name: "fdt", doc: "every tree becomes a blob that reads back as itself, or is refused",
        sources: &["vm-device/boot/src/fdt.rs", "vm-device/boot/src/fdt_text.rs", "vm-device/machine/src/riscv64_virt/tree.rs"],
        run: fdt::run },
];

/// The target with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
