//! What this machine has, read from the device tree, with the usual values where it is silent.

use crate::entry;
use crate::fdt::{Node, Tree, number};
use crate::mmio;

/// LIMIT: `cpu` lists this many harts at most.
const MAX_HARTS: usize = 16;

/// A device: its registers and its interrupt line.
#[derive(Clone, Copy)]
pub struct Device {
    /// The first register.
    pub base: usize,
    /// The line at the interrupt controller.
    pub line: u32,
}

/// The machine as the demo sees it.
pub struct Machine {
    /// The hart that runs the demo.
    pub hart: usize,
    /// The whole tree.
    pub tree: Option<Tree<'static>>,
    /// Where the tree is.
    tree_start: usize,
    /// RAM: start and bytes.
    pub ram: (usize, usize),
    /// The serial line.
    pub uart: Device,
    /// The interrupt controller.
    pub plic: usize,
    /// The interrupt controller's context for this hart in S-mode.
    pub context: usize,
    /// The wall clock.
    pub clock: Option<usize>,
    /// The device that powers off when there is no firmware call for it.
    pub finisher: usize,
    /// Ticks a second.
    pub timebase: u64,
    /// The extensions of this hart.
    pub isa: &'static str,
    /// The widest translation mode of this hart.
    pub mmu: &'static str,
    harts: [u64; MAX_HARTS],
    hart_count: usize,
}

/// Things that connect nodes and are needed only while reading.
struct Wires {
    /// Whether the last CPU node seen is this hart.
    in_this_hart: bool,
    /// The handle of this hart's own interrupt controller.
    hart_controller: Option<u64>,
    /// Whom the interrupt controller talks to: pairs of handle and cause.
    plic_contexts: &'static [u8],
}

impl Machine {
    /// Reads the tree.
    pub fn discover(hart: usize, tree_start: usize) -> Self {
        let mut machine = Self {
            hart,
            tree: Tree::at(tree_start),
            tree_start,
            ram: (0x8000_0000, 128 << 20),
            uart: Device {
                base: 0x1000_0000,
                line: 10,
            },
            plic: 0xc00_0000,
            context: 2 * hart + 1,
            clock: None,
            finisher: 0x10_0000,
            timebase: 10_000_000,
            isa: "rv64imac",
            mmu: "riscv,sv39",
            harts: [0; MAX_HARTS],
            hart_count: 0,
        };
        let mut wires = Wires {
            in_this_hart: false,
            hart_controller: None,
            plic_contexts: &[],
        };
        if let Some(tree) = machine.tree {
            for node in tree.nodes() {
                machine.read_cpu(&node, &mut wires);
                machine.read_device(&node, &mut wires);
            }
        }
        if let Some(context) = wires.context() {
            machine.context = context;
        }
        machine
    }

    fn read_cpu(&mut self, node: &Node<'static>, wires: &mut Wires) {
        if let Some(timebase) = node.number("timebase-frequency") {
            self.timebase = timebase.max(1);
        }
        if node.text("device_type") == Some("cpu") {
            let hart = node.number("reg").unwrap_or(0);
            wires.in_this_hart = hart == self.hart as u64;
            if let Some(place) = self.harts.get_mut(self.hart_count) {
                *place = hart;
                self.hart_count += 1;
            }
            if wires.in_this_hart {
                self.isa = node.text("riscv,isa").unwrap_or(self.isa);
                self.mmu = node.text("mmu-type").unwrap_or(self.mmu);
            }
        } else if node.is("riscv,cpu-intc") && wires.in_this_hart {
            wires.hart_controller = node.number("phandle");
        }
    }

    fn read_device(&mut self, node: &Node<'static>, wires: &mut Wires) {
        let Some((start, bytes)) = node.range() else {
            return;
        };
        if node.text("device_type") == Some("memory") {
            self.ram = (start, bytes);
        } else if node.is("ns16550a") {
            let line = node
                .number("interrupts")
                .map_or(self.uart.line, |line| line as u32);
            self.uart = Device { base: start, line };
        } else if node.is("riscv,plic0") || node.is("sifive,plic-1.0.0") {
            self.plic = start;
            wires.plic_contexts = node.property("interrupts-extended").unwrap_or(&[]);
        } else if node.is("google,goldfish-rtc") {
            self.clock = Some(start);
        } else if node.is("sifive,test0") {
            self.finisher = start;
        }
    }

    /// The harts that the tree names; this one if it names none.
    pub fn harts(&self) -> &[u64] {
        &self.harts[..self.hart_count.max(1)]
    }

    /// Whether the tree announces an extension with a long name.
    pub fn has_extension(&self, name: &str) -> bool {
        self.isa.split('_').any(|part| part == name)
    }

    /// Memory behind the image that nobody uses: `bytes` of it, at a multiple of 2 MiB.
    pub fn scratch(&mut self, bytes: usize) -> Option<&mut [u64]> {
        const ALIGN: usize = 2 << 20;
        let mut start = entry::image_end().next_multiple_of(ALIGN);
        let tree_end = self.tree_start + self.tree.map_or(0, |tree| tree.bytes);
        if start < tree_end && self.tree_start < start + bytes {
            start = tree_end.next_multiple_of(ALIGN);
        }
        let ram_end = self.ram.0 + self.ram.1;
        (start + bytes <= ram_end).then(|| mmio::free_ram(start, bytes / 8))
    }
}

impl Wires {
    /// The context whose wire ends at this hart's supervisor external interrupt.
    fn context(&self) -> Option<usize> {
        const SUPERVISOR_EXTERNAL: u64 = 9;
        let own = self.hart_controller?;
        self.plic_contexts.chunks_exact(8).position(|pair| {
            let (handle, cause) = pair.split_at(4);
            number(handle) == Some(own) && number(cause) == Some(SUPERVISOR_EXTERNAL)
        })
    }
}
