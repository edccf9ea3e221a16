//! The table of targets.

use crate::{bootdisk, decoder, devices, fdt, gdb, loaders, network, queues, state, testfiles};

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

/// Reading and playing test files, without what concerns processes and terminals.
#[rustfmt::skip] // A list of files.
const TESTING: &[&str] = &[
    "vm-cli/src/testing/fields.rs", "vm-cli/src/testing/history.rs", "vm-cli/src/testing/keys.rs", "vm-cli/src/testing/listener.rs",
    "vm-cli/src/testing/load.rs", "vm-cli/src/testing/pattern.rs", "vm-cli/src/testing/play.rs", "vm-cli/src/testing/setup.rs",
    "vm-cli/src/testing/shell.rs", "vm-cli/src/testing/source.rs", "vm-cli/src/testing/steps.rs", "vm-cli/src/testing/suite.rs",
    "vm-cli/src/testing/variables.rs", "vm-cli/src/testing/verdict.rs",
];

/// The protocol, without its sockets and their thread.
#[rustfmt::skip] // A list of files.
const GDB: &[&str] = &[
    "vm-runtime/src/gdb/debugger.rs", "vm-runtime/src/gdb/monitor.rs", "vm-runtime/src/gdb/packet.rs", "vm-runtime/src/gdb/resume.rs",
    "vm-runtime/src/gdb/session.rs", "vm-runtime/src/gdb/stops.rs", "vm-runtime/src/gdb/words.rs", "vm-runtime/src/gdb/xml.rs",
];

/// Queues and the devices behind them, without the PCI transport, which `devices` is about.
#[rustfmt::skip] // A list of files.
const QUEUES: &[&str] = &[
    "vm-device/virtio/src/queue.rs", "vm-device/virtio/src/split.rs", "vm-device/virtio/src/segments.rs", "vm-device/virtio/src/transport.rs",
    "vm-device/virtio/src/mmio.rs", "vm-device/virtio/src/device.rs", "vm-device/virtio/src/block.rs", "vm-device/virtio/src/block_request.rs",
    "vm-device/virtio/src/console.rs", "vm-device/virtio/src/rng.rs", "vm-device/virtio/src/net.rs", "vm-device/virtio/src/net_control.rs",
];

/// All targets.
#[rustfmt::skip] // A table.
pub const TARGETS: &[Target] = &[
    Target { name: "decoder", doc: "every byte string is an instruction or a trap, and every block is valid",
        sources: &["vm-frontend/riscv64/src/isa/decode.rs", "vm-frontend/riscv64/src/lift", "vm-frontend/riscv64/src/disasm.rs", "vm-ir/src/rows/decoder.rs", "vm-ir/src/rows/row.rs"],
        run: decoder::run },
    Target { name: "devices", doc: "no access to any device of a machine does harm, and each takes its own state back",
        sources: &["vm-device/chip/src", "vm-device/bus/src/bus.rs", "vm-device/pci/src/host.rs", "vm-device/pci/src/msix.rs", "vm-device/pci/src/function.rs", "vm-device/pci/src/config.rs", "vm-device/virtio/src/pci.rs"],
        run: devices::run },
    Target { name: "loaders", doc: "no kernel, firmware or RAM disk does harm, and nothing is placed outside RAM",
        sources: &["vm-device/boot/src/kernel.rs", "vm-device/boot/src/elf.rs", "vm-device/boot/src/header.rs", "vm-device/boot/src/container.rs", "vm-device/boot/src/load.rs"],
        run: loaders::run },
    Target { name: "queues", doc: "no virtqueue makes a device do unbounded work or reach outside RAM",
        sources: QUEUES,
        run: queues::run },
    Target { name: "state", doc: "a saved state is refused, or taken as it is",
        sources: &["vm-core/src/state.rs", "vm-core/src/state"],
        run: state::run },
    Target { name: "fdt", doc: "every tree becomes a blob that reads back as itself, or is refused",
        sources: &["vm-device/boot/src/fdt.rs", "vm-device/boot/src/fdt_text.rs", "vm-device/machine/src/riscv64_virt/tree.rs"],
        run: fdt::run },
    Target { name: "bootdisk", doc: "every disk gives a menu or an error, within its allowance",
        sources: &["vm-device/bootdisk/src"],
        run: bootdisk::run },
    Target { name: "network", doc: "no frame and no peer does harm, and what the guest gets is in order",
        sources: &["vm-device/usernet/src"],
        run: network::run },
    Target { name: "testfiles", doc: "every test file is read or refused with its reason, and every test has a verdict",
        sources: TESTING,
        run: testfiles::run },
    Target { name: "gdb", doc: "every packet is answered with whole packets, and the machine goes on",
        sources: GDB,
        run: gdb::run },
];

/// The target with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
