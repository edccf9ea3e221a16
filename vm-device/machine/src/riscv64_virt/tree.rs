//! The description of the machine `virt` that its guest reads: a device tree.
//!
//! Bindings: the Devicetree Specification, version 0.4, chapter 3, and the RISC-V CPU bindings of
//! the Linux documentation; each device describes itself.

use std::ops::Range;

use vm_device_bus::{Interrupts, Node, Site, Value};
use vm_device_chip::Finisher;

use super::{DEVICES, FINISHER_PHANDLE, PLIC_PHANDLE, RAM_BASE, Riscv64Virt, Row, SERIAL};
use super::{TIMEBASE_HZ, Wires};

/// What a run adds to the machine's description.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chosen {
    /// The kernel's command line.
    pub command_line: String,
    /// Where the initial RAM disk is.
    pub initrd: Option<Range<u64>>,
    /// Chance for the kernel's first random numbers.
    pub seed: Vec<u8>,
}

/// The phandle of a hart.
fn cpu_phandle(cpu: u32) -> u32 {
    0x20 + cpu
}

/// The phandle of a hart's own interrupt controller.
fn intc_phandle(cpu: u32) -> u32 {
    0x10 + cpu
}

impl Riscv64Virt {
    /// The whole description.
    #[must_use]
    pub fn tree(&self, chosen: &Chosen) -> Node {
        let root = Node::new("")
            .cells("#address-cells", &[2])
            .cells("#size-cells", &[2])
            .text("compatible", &["riscv-virtio"])
            .text("model", &["riscv-virtio,vm"])
            .child(chosen_node(chosen))
            .child(self.cpus_node())
            .child(
                Node::new(format!("memory@{RAM_BASE:x}"))
                    .text("device_type", &["memory"])
                    .wide("reg", &[RAM_BASE, self.ram_bytes]),
            )
            .child(self.soc_node());
        let switches = Finisher::switches(FINISHER_PHANDLE);
        switches.into_iter().fold(root, Node::child)
    }

    fn soc_node(&self) -> Node {
        let soc = Node::new("soc")
            .cells("#address-cells", &[2])
            .cells("#size-cells", &[2])
            .text("compatible", &["simple-bus"])
            .flag("ranges");
        let devices = self.bus.devices().zip(DEVICES);
        devices
            .filter_map(|((_, _, device), row)| device.describe(&self.site(row)))
            .fold(soc, Node::child)
    }

    fn site(&self, row: &Row) -> Site {
        let cells = match row.wires {
            Wires::Sources(sources) => sources.iter().map(|source| vec![*source]).collect(),
            Wires::None | Wires::Harts(_) => Vec::new(),
        };
        Site {
            base: row.base,
            bytes: row.bytes,
            interrupts: Interrupts {
                parent: PLIC_PHANDLE,
                cells,
            },
            phandle: row.phandle,
            cpus: (0..self.cpus).map(intc_phandle).collect(),
        }
    }

    fn cpus_node(&self) -> Node {
        let cpus = Node::new("cpus")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[0])
            .cells("timebase-frequency", &[TIMEBASE_HZ]);
        let cpus = (0..self.cpus).fold(cpus, |cpus, cpu| cpus.child(self.cpu_node(cpu)));
        let core = |cpu: u32| {
            Node::new(format!("core{cpu}")).with("cpu", Value::Phandle(cpu_phandle(cpu)))
        };
        let cluster = (0..self.cpus).fold(Node::new("cluster0"), |cluster, cpu| {
            cluster.child(core(cpu))
        });
        cpus.child(Node::new("cpu-map").child(cluster))
    }

    fn cpu_node(&self, cpu: u32) -> Node {
        let extensions = extensions(&self.cpu.isa);
        let names: Vec<&str> = extensions.iter().map(String::as_str).collect();
        let mut node = Node::new(format!("cpu@{cpu:x}"))
            .text("device_type", &["cpu"])
            .cells("reg", &[cpu])
            .text("status", &["okay"])
            .text("compatible", &["riscv"])
            .text("riscv,isa", &[&self.cpu.isa])
            .text("riscv,isa-base", &["rv64i"])
            .text("riscv,isa-extensions", &names)
            .text("mmu-type", &[&self.cpu.mmu])
            .cells("phandle", &[cpu_phandle(cpu)]);
        for (extension, property) in [
            ("zicbom", "riscv,cbom-block-size"),
            ("zicbop", "riscv,cbop-block-size"),
            ("zicboz", "riscv,cboz-block-size"),
        ] {
            if names.contains(&extension) {
                node = node.cells(property, &[self.cpu.cache_block]);
            }
        }
        node.child(
            Node::new("interrupt-controller")
                .cells("#interrupt-cells", &[1])
                .flag("interrupt-controller")
                .text("compatible", &["riscv,cpu-intc"])
                .cells("phandle", &[intc_phandle(cpu)]),
        )
    }
}

fn chosen_node(chosen: &Chosen) -> Node {
    let serial = DEVICES.iter().find(|row| row.name == SERIAL);
    let path = serial.map(|row| format!("/soc/serial@{:x}", row.base));
    let mut node = Node::new("chosen")
        .text("bootargs", &[&chosen.command_line])
        .text("stdout-path", &[&path.unwrap_or_default()]);
    if let Some(initrd) = &chosen.initrd {
        node = node
            .wide("linux,initrd-start", &[initrd.start])
            .wide("linux,initrd-end", &[initrd.end]);
    }
    if chosen.seed.is_empty() {
        return node;
    }
    node.with("rng-seed", Value::Bytes(chosen.seed.clone()))
}

/// The extensions that an instruction set string names, each by itself.
fn extensions(isa: &str) -> Vec<String> {
    let mut parts = isa.strip_prefix("rv64").unwrap_or(isa).split('_');
    let letters = parts.next().unwrap_or_default();
    let single = letters.chars().map(String::from);
    single.chain(parts.map(str::to_owned)).collect()
}
