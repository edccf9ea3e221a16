//! The RISC-V machine `virt`: its memory map and devices as one table.
//!
//! Addresses and interrupt numbers are those of QEMU's machine of this name, so that kernels and
//! firmware built for that one start here unchanged.
//! Not here yet: APLIC and IMSIC.
//!
//! The lines of a CPU ([`vm_core::Vcpu::set_line`]) have the numbers of the bits of `mip`.

mod start;
mod tree;

use vm_core::{GuestPhys, Space};
use vm_device_boot::rom::{ROM_BASE, ROM_BYTES};
use vm_device_bus::{Bus, Console, CpuLine, Device, DeviceId, Place, Sink};
use vm_device_chip::{Clint, Finisher, FwCfg, GoldfishRtc, Pflash, Plic, Sswi, Uart16550};
use vm_device_pci::{Function, PciHost, Pvpanic, Window, Windows};
use vm_device_virtio::{MmioSlot, VirtioDevice};

use crate::MachineError;

pub use start::Start;
pub use tree::Chosen;

/// Where RAM begins.
pub const RAM_BASE: u64 = 0x8000_0000;
/// The most CPUs.
// LIMIT: harts run in turn on one thread; more than this is slow and finds nothing new.
pub const MAX_CPUS: u32 = 8;
/// The frequency of guest time as the guest counts it: 10 MHz.
pub const TIMEBASE_HZ: u32 = 10_000_000;

/// The size of each flash memory.
pub const FLASH_BYTES: u64 = 32 << 20;

/// The item of fw_cfg that tells how many CPUs there are.
const FW_CFG_CPUS: u16 = 5;

/// The PCIe windows, first address and length: configuration space, ports, memory.
const PCIE_ECAM: (u64, u64) = (0x3000_0000, 0x1000_0000);
const PCIE_PORTS: (u64, u64) = (0x0300_0000, 0x1_0000);
const PCIE_MEMORY: (u64, u64) = (0x4000_0000, 0x4000_0000);
/// The sources of INTA to INTD.
const PCIE_SOURCES: &[u32] = &[32, 33, 34, 35];
/// The size and alignment of the PCIe window above RAM.
const PCIE_HIGH_BYTES: u64 = 16 << 30;

const MIB: u64 = 1 << 20;
const LEAST_RAM: u64 = MIB;
// LIMIT: what the map of QEMU's machine leaves below the 64-bit window of the PCIe bus.
const MOST_RAM: u64 = 256 << 30;

// Bits of `mip`.
const SSIP: u32 = 1;
const MSIP: u32 = 3;
const MTIP: u32 = 7;
const SEIP: u32 = 9;
const MEIP: u32 = 11;

/// Where a device's output lines lead.
enum Wires {
    /// Nowhere.
    None,
    /// Line `i` to this source of the interrupt controller.
    Sources(&'static [u32]),
    /// A group of lines for each hart, one for each of these inputs of it.
    Harts(&'static [u32]),
}

/// One device of the machine.
struct Row {
    name: &'static str,
    base: u64,
    bytes: u64,
    wires: Wires,
    /// By which other nodes of the description refer to it; zero if none does.
    phandle: u32,
    /// Makes the device; nothing if this machine is to be without it.
    make: fn(&mut Parts) -> Option<Made>,
}

const PLIC: &str = "plic";
const SERIAL: &str = "serial";
const PCIE: &str = "pcie";
const PLIC_PHANDLE: u32 = 1;
const FINISHER_PHANDLE: u32 = 2;

#[rustfmt::skip] // a table
const DEVICES: &[Row] = &[
    Row { name: "finisher",     base: 0x0010_0000, bytes: 0x1000,      wires: Wires::None,                 phandle: FINISHER_PHANDLE, make: |_| some(Finisher::new()) },
    Row { name: "rtc",          base: 0x0010_1000, bytes: 0x1000,      wires: Wires::Sources(&[11]),       phandle: 0,                make: |p| some(GoldfishRtc::new(p.epoch_ns)) },
    Row { name: "clint",        base: 0x0200_0000, bytes: 0x1_0000,    wires: Wires::Harts(&[MSIP, MTIP]), phandle: 0,                make: |p| some(Clint::new(p.cpus)) },
    Row { name: "sswi",         base: 0x02f0_0000, bytes: 0x4000,      wires: Wires::Harts(&[SSIP]),       phandle: 0,                make: |p| if p.sswi { some(Sswi::new(p.cpus)) } else { None } },
    Row { name: PLIC,           base: 0x0c00_0000, bytes: 0x60_0000,   wires: Wires::Harts(&[MEIP, SEIP]), phandle: PLIC_PHANDLE,     make: |p| some(Plic::new(2 * p.cpus)) },
    Row { name: SERIAL,         base: 0x1000_0000, bytes: 0x100,       wires: Wires::Sources(&[10]),       phandle: 0,                make: |p| some(Uart16550::new(p.console.take()?)) },
    Row { name: "virtio-mmio0", base: 0x1000_1000, bytes: 0x1000,      wires: Wires::Sources(&[1]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio1", base: 0x1000_2000, bytes: 0x1000,      wires: Wires::Sources(&[2]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio2", base: 0x1000_3000, bytes: 0x1000,      wires: Wires::Sources(&[3]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio3", base: 0x1000_4000, bytes: 0x1000,      wires: Wires::Sources(&[4]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio4", base: 0x1000_5000, bytes: 0x1000,      wires: Wires::Sources(&[5]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio5", base: 0x1000_6000, bytes: 0x1000,      wires: Wires::Sources(&[6]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio6", base: 0x1000_7000, bytes: 0x1000,      wires: Wires::Sources(&[7]),        phandle: 0,                make: Parts::slot },
    Row { name: "virtio-mmio7", base: 0x1000_8000, bytes: 0x1000,      wires: Wires::Sources(&[8]),        phandle: 0,                make: Parts::slot },
    Row { name: "fw-cfg",       base: 0x1010_0000, bytes: 0x18,        wires: Wires::None,                 phandle: 0,                make: |p| some(p.fw_cfg.take()?) },
    Row { name: "flash0",       base: 0x2000_0000, bytes: FLASH_BYTES, wires: Wires::None,                 phandle: 0,                make: |p| some(p.flash.first_mut()?.take()?) },
    Row { name: "flash1",       base: 0x2200_0000, bytes: FLASH_BYTES, wires: Wires::None,                 phandle: 0,                make: |p| some(p.flash.last_mut()?.take()?) },
    Row { name: PCIE,           base: PCIE_ECAM.0, bytes: PCIE_ECAM.1, wires: Wires::Sources(PCIE_SOURCES),    phandle: 0,                make: Parts::pcie },
];

/// How many virtio devices can be reached by memory-mapped registers.
const MMIO_SLOTS: usize = 8;
/// How many functions the PCIe bus has room for beside its bridge and the panic device.
const PCI_SLOTS: usize = 30;
/// Where the panic device is: behind all others, so that those keep their places.
const PANIC_SLOT: u8 = 31;

/// What a machine is to be made of.
pub struct Config {
    /// How many harts, 1 to [`MAX_CPUS`].
    pub cpus: u32,
    /// The size of RAM.
    pub ram_bytes: u64,
    /// The processor, as its frontend describes it.
    pub cpu: CpuDescription,
    /// The other end of the serial line.
    pub console: Box<dyn Console>,
    /// Virtio devices with memory-mapped registers, in the order of their slots.
    pub virtio_mmio: Vec<Box<dyn VirtioDevice>>,
    /// Functions of the PCIe bus, in the order of their slots from 1 on.
    pub pci: Vec<Box<dyn Function>>,
    /// Files for firmware.
    pub fw_cfg: FwCfg,
    /// Flash memories of [`FLASH_BYTES`].
    pub flash: [Option<Pflash>; 2],
    /// Whether there is a device for software interrupts of supervisor mode.
    pub sswi: bool,
    /// The date at guest time zero, in nanoseconds since 1970.
    pub epoch_ns: u64,
}

/// What a machine's description says about its processors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CpuDescription {
    /// The instruction set: `rv64imafdc_zicsr_zifencei`, lower case, single letters first.
    pub isa: String,
    /// The largest mode of address translation: `riscv,sv57`.
    pub mmu: String,
    /// The size of a cache block, for the instructions on those.
    pub cache_block: u32,
}

/// The machine, put together.
pub struct Riscv64Virt {
    /// Its devices and their wires.
    pub bus: Bus,
    /// The serial line, to be woken when its console has input.
    pub serial: DeviceId,
    /// The PCIe host, to be woken when the back end of one of its functions has something.
    pub pcie: DeviceId,
    /// The devices of the virtio slots, to be woken when their back ends have something.
    pub virtio_mmio: Vec<DeviceId>,
    cpus: u32,
    ram_bytes: u64,
    cpu: CpuDescription,
}

/// What the rows take their devices' insides from.
struct Parts {
    cpus: u32,
    epoch_ns: u64,
    sswi: bool,
    console: Option<Box<dyn Console>>,
    ram_bytes: u64,
    slots: std::vec::IntoIter<Box<dyn VirtioDevice>>,
    pci: Vec<Box<dyn Function>>,
    fw_cfg: Option<FwCfg>,
    flash: [Option<Pflash>; 2],
}

impl Parts {
    fn of(config: Config) -> Self {
        let cpus = config.cpus.to_le_bytes();
        Self {
            cpus: config.cpus,
            epoch_ns: config.epoch_ns,
            sswi: config.sswi,
            console: Some(config.console),
            ram_bytes: config.ram_bytes,
            slots: config.virtio_mmio.into_iter(),
            pci: config.pci,
            fw_cfg: Some(config.fw_cfg.item(FW_CFG_CPUS, cpus[..2].to_vec())),
            flash: config.flash,
        }
    }

    /// The next virtio slot, with the next device if there is one.
    fn slot(&mut self) -> Option<Made> {
        some(
            self.slots
                .next()
                .map_or_else(MmioSlot::empty, MmioSlot::new),
        )
    }

    /// The PCIe host with the functions from slot 1 on.
    fn pcie(&mut self) -> Option<Made> {
        let place = |base, bytes| Place {
            space: Space::Memory,
            base,
            bytes,
        };
        let ram_end = RAM_BASE.saturating_add(self.ram_bytes);
        let high = ram_end.next_multiple_of(PCIE_HIGH_BYTES);
        let mut host = PciHost::new(Windows {
            ecam: place(PCIE_ECAM.0, PCIE_ECAM.1),
            ports: Window {
                place: place(PCIE_PORTS.0, PCIE_PORTS.1),
                bus_base: 0,
            },
            memory32: Window::identity(PCIE_MEMORY.0, PCIE_MEMORY.1),
            memory64: Some(Window::identity(high, PCIE_HIGH_BYTES)),
        });
        for (slot, function) in (1..).zip(self.pci.drain(..)) {
            host.add(slot, function);
        }
        host.add(PANIC_SLOT, Box::new(Pvpanic::new()));
        let more = host.places().split_off(1);
        Some(Made {
            device: Box::new(host),
            more,
        })
    }
}

/// A device that a row has made.
struct Made {
    device: Box<dyn Device>,
    /// Its places behind the row's own.
    more: Vec<Place>,
}

/// What most rows end with.
fn some(device: impl Device + 'static) -> Option<Made> {
    Some(Made {
        device: Box::new(device),
        more: Vec::new(),
    })
}

impl Riscv64Virt {
    /// Puts the machine together.
    pub fn new(config: Config) -> Result<Self, MachineError> {
        check(&config)?;
        let (cpus, ram_bytes, cpu) = (config.cpus, config.ram_bytes, config.cpu.clone());
        let mut parts = Parts::of(config);
        let mut bus = Bus::new();
        let mut all: Vec<(&Row, DeviceId)> = Vec::new();
        for row in DEVICES {
            let Some(made) = (row.make)(&mut parts) else {
                continue;
            };
            let mut places = vec![Place {
                space: Space::Memory,
                base: row.base,
                bytes: row.bytes,
            }];
            places.extend(made.more);
            all.push((row, bus.add(row.name, made.device, &places)?));
        }
        let id = |name: &str| {
            let found = all.iter().find(|(row, _)| row.name == name);
            found.map_or(DeviceId(0), |(_, id)| *id)
        };
        for (row, from) in &all {
            wire(&mut bus, *from, &row.wires, id(PLIC), cpus);
        }
        let slots = all.iter();
        let slots = slots.filter(|(row, _)| row.name.starts_with("virtio-mmio"));
        Ok(Self {
            serial: id(SERIAL),
            pcie: id(PCIE),
            virtio_mmio: slots.map(|(_, id)| *id).collect(),
            bus,
            cpus,
            ram_bytes,
            cpu,
        })
    }

    /// The number of harts.
    #[must_use]
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// The memory that the machine needs: the boot ROM, which is RAM to the engine, and RAM.
    #[must_use]
    pub fn ram_regions(&self) -> [(GuestPhys, u64); 2] {
        [
            (GuestPhys(ROM_BASE), ROM_BYTES),
            (GuestPhys(RAM_BASE), self.ram_bytes),
        ]
    }
}

fn check(config: &Config) -> Result<(), MachineError> {
    if !(1..=MAX_CPUS).contains(&config.cpus) {
        return Err(MachineError::Cpus {
            count: config.cpus,
            most: MAX_CPUS,
        });
    }
    let bytes = config.ram_bytes;
    if !(LEAST_RAM..=MOST_RAM).contains(&bytes) || !bytes.is_multiple_of(vm_core::PAGE_BYTES) {
        return Err(MachineError::Memory {
            bytes,
            least: LEAST_RAM / MIB,
            most: MOST_RAM / MIB,
        });
    }
    for (what, count, most) in [
        ("virtio-mmio", config.virtio_mmio.len(), MMIO_SLOTS),
        ("PCIe", config.pci.len(), PCI_SLOTS),
    ] {
        if count > most {
            return Err(MachineError::Slots { what, count, most });
        }
    }
    if config.cpu.isa.starts_with("rv64i") {
        Ok(())
    } else {
        Err(MachineError::Isa(config.cpu.isa.clone()))
    }
}

fn wire(bus: &mut Bus, from: DeviceId, wires: &Wires, plic: DeviceId, cpus: u32) {
    match wires {
        Wires::None => {}
        Wires::Sources(sources) => {
            for (line, source) in (0..).zip(sources.iter()) {
                bus.wire(from, line, Sink::Pin(plic, *source));
            }
        }
        Wires::Harts(inputs) => {
            let all = (0..cpus).flat_map(|cpu| inputs.iter().map(move |line| (cpu, *line)));
            for (output, (cpu, line)) in (0..).zip(all) {
                bus.wire(from, output, Sink::Cpu(CpuLine { cpu, line }));
            }
        }
    }
}

#[cfg(test)]
mod tests;
