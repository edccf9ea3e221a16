//! The bridge's node in the description.
//!
//! PCI Bus Binding to IEEE Std 1275-1994, Revision 2.1, and Linux's binding
//! `pci-host-ecam-generic`.

use vm_device_bus::{Node, Site};

use crate::{PciHost, Window};

/// The space codes of a `ranges` entry's first cell.
const PORTS: u32 = 0x0100_0000;
const MEMORY_32: u32 = 0x0200_0000;
const MEMORY_64: u32 = 0x0300_0000;

impl PciHost {
    /// The whole node; the site's interrupts are those of INTA to INTD.
    pub(crate) fn node(&self, site: &Site) -> Node {
        let ecam = self.windows.ecam;
        let mut node = Node::new(format!("pci@{:x}", ecam.base))
            .text("compatible", &["pci-host-ecam-generic"])
            .text("device_type", &["pci"])
            .cells("#address-cells", &[3])
            .cells("#size-cells", &[2])
            .cells("#interrupt-cells", &[1])
            .cells("linux,pci-domain", &[0])
            .cells(
                "bus-range",
                &[0, ((ecam.bytes >> 20) as u32).saturating_sub(1)],
            )
            .flag("dma-coherent")
            .wide("reg", &[ecam.base, ecam.bytes])
            .cells("ranges", &self.ranges());
        if site.interrupts.cells.len() == 4 {
            node = node
                .cells("interrupt-map-mask", &[0x1800, 0, 0, 7])
                .cells("interrupt-map", &self.interrupt_map(site));
        }
        match self.message_parent {
            // Every requester, to the same requester on the controller's side.
            Some(phandle) => node.cells("msi-map", &[0, phandle, 0, 0x1_0000]),
            None => node,
        }
    }

    fn ranges(&self) -> Vec<u32> {
        let windows = self.windows;
        let mut cells = range(PORTS, windows.ports);
        cells.extend(range(MEMORY_32, windows.memory32));
        cells.extend(
            windows
                .memory64
                .iter()
                .flat_map(|window| range(MEMORY_64, *window)),
        );
        cells
    }

    /// Four slots are enough to say how lines are swizzled; the mask folds the others.
    fn interrupt_map(&self, site: &Site) -> Vec<u32> {
        let mut cells = Vec::new();
        for slot in 0..4 {
            for pin in 0..4 {
                let line = site.interrupts.cells.iter().cycle().nth(slot + pin);
                cells.extend([
                    (slot as u32) << 11,
                    0,
                    0,
                    pin as u32 + 1,
                    site.interrupts.parent,
                ]);
                cells.extend(std::iter::repeat_n(0, self.parent_address_cells));
                cells.extend(line.into_iter().flatten());
            }
        }
        cells
    }
}

fn range(space: u32, window: Window) -> Vec<u32> {
    let halves = |number: u64| [(number >> 32) as u32, number as u32];
    let numbers = [window.bus_base, window.place.base, window.place.bytes];
    let mut cells = vec![space];
    cells.extend(numbers.into_iter().flat_map(halves));
    cells
}
