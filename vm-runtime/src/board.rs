//! A machine together with its CPUs' architecture: what the runtime runs.

mod riscv64;

use std::sync::Arc;

use vm_core::{Entropy, Fields, GuestPhys, Section, StateError, Vcpu};
use vm_device_boot::{Arch, Images, Mode};
use vm_device_bus::{Bus, Console, DeviceId, Node};
use vm_device_machine::{MachineError, Outcome};
use vm_device_virtio::VirtioDevice;
use vm_ir::Frontend;
use vm_mem::GuestRam;

/// What a board is made of.
pub struct Parts {
    /// The number of CPUs.
    pub cpus: u32,
    /// The size of RAM.
    pub ram_bytes: u64,
    /// The other end of the serial line.
    pub console: Box<dyn Console>,
    /// Virtio devices, in order.
    pub virtio: Vec<Box<dyn VirtioDevice>>,
    /// The date at guest time zero, in nanoseconds since 1970.
    pub epoch_ns: u64,
}

/// The registers each CPU starts with.
pub type StartRegisters = Vec<Vec<(&'static str, u64)>>;

/// A machine and the architecture of its CPUs.
pub trait Board: Send {
    /// The architecture.
    fn frontend(&self) -> Arc<dyn Frontend>;
    /// The devices.
    fn bus(&mut self) -> &mut Bus;
    /// The memory the machine needs.
    fn ram_regions(&self) -> Vec<(GuestPhys, u64)>;
    /// The devices whose back end is the console.
    fn console_devices(&self) -> Vec<DeviceId>;
    /// The devices whose back end is the network.
    fn network_devices(&self) -> Vec<DeviceId> {
        self.console_devices()
    }
    /// What stands on the PCIe bus, with its slots.
    fn functions(&self) -> Vec<(u8, &'static str)> {
        Vec::new()
    }
    /// Fills memory for a start from power-on.
    fn load(
        &mut self,
        ram: &GuestRam,
        images: &Images,
        mode: Mode,
        command_line: &str,
        entropy: &mut Entropy,
    ) -> Result<StartRegisters, MachineError>;
    /// The description that the guest would get with this command line.
    fn describe(&self, command_line: &str) -> Node;
    /// Whether the firmware lets a CPU run.
    fn runs(&self, cpu: usize) -> bool;
    /// The firmware answers a call.
    fn call(
        &mut self,
        cpu: usize,
        cpus: &mut [Box<dyn Vcpu>],
        ram: &GuestRam,
        console: &mut dyn Console,
    ) -> Outcome;
    /// What a CPU is about to ask of the firmware, in words.
    fn call_text(&self, cpu: &dyn Vcpu) -> String;
    /// Whether a CPU that does nothing by itself would take an interrupt if one came.
    fn takes_interrupts(&self, cpu: &dyn Vcpu) -> bool;
    /// A waiting CPU was woken by an interrupt.
    fn woken(&mut self, cpu: usize);
    /// Brings devices and firmware to their state after power-on.
    fn reset(&mut self, direct: bool);
    /// Writes the firmware's state down.
    fn save(&self, out: &mut Section);
    /// Takes the firmware's state.
    fn restore(&mut self, from: &Fields) -> Result<(), StateError>;
}

/// One kind of board.
#[derive(Clone, Copy)]
pub struct BoardKind {
    /// The machine's name.
    pub name: &'static str,
    /// The architecture.
    pub arch: Arch,
    /// What it is, in a line.
    pub doc: &'static str,
    /// Puts one together.
    pub build: fn(Parts) -> Result<Box<dyn Board>, MachineError>,
    /// The architecture alone, for disassembly.
    pub frontend: fn() -> Arc<dyn Frontend>,
}

/// All boards: one row a machine that has an engine and a frontend.
#[must_use]
pub fn boards() -> Vec<BoardKind> {
    vec![riscv64::KIND]
}
