//! The RISC-V machine `virt` with its harts.

use std::sync::Arc;

use vm_core::{Entropy, Fields, GuestPhys, Section, StateError, Vcpu};
use vm_device_boot::{Arch, Images, Mode};
use vm_device_bus::{Bus, Console, DeviceId, Node};
use vm_device_chip::FwCfg;
use vm_device_machine::riscv64_virt::{Chosen, Config, CpuDescription, Riscv64Virt};
use vm_device_machine::{Call, FirmwareCx, MachineError, Outcome, Sbi};
use vm_device_pci::Function;
use vm_device_virtio::{PciFunction, VirtioDevice};
use vm_frontend_riscv64::{Riscv64, profile};
use vm_ir::Frontend;
use vm_mem::GuestRam;

use super::{Board, BoardKind, Parts, StartRegisters};

/// The row of this board.
pub const KIND: BoardKind = BoardKind {
    name: "virt",
    arch: Arch::Riscv64,
    doc: "1 to 8 harts, PLIC, ACLINT, 16550A, virtio; the memory map of QEMU's virt",
    build: |parts| Ok(Box::new(Virt::new(parts)?)),
    frontend: || Arc::new(Riscv64::new()),
};

struct Virt {
    frontend: Arc<dyn Frontend>,
    machine: Riscv64Virt,
    firmware: Sbi,
    /// The functions of the PCIe bus, from slot 1 on.
    functions: Vec<&'static str>,
    /// Whether the built-in firmware is in force: if not, all harts run from the start.
    direct: bool,
}

impl Virt {
    fn new(parts: Parts) -> Result<Self, MachineError> {
        let isa = profile::isa();
        let cpus = parts.cpus;
        let functions = parts.virtio.iter().map(|device| device.kind()).collect();
        let machine = Riscv64Virt::new(Config {
            cpus,
            ram_bytes: parts.ram_bytes,
            cpu: CpuDescription {
                isa: isa.string(),
                mmu: isa.mmu.to_owned(),
                cache_block: isa.cache_block_bytes,
            },
            console: parts.console,
            virtio_mmio: Vec::new(),
            pci: parts.virtio.into_iter().map(function).collect(),
            fw_cfg: FwCfg::new(),
            flash: [None, None],
            sswi: false,
            epoch_ns: parts.epoch_ns,
        })?;
        let firmware = Sbi::new(cpus as usize);
        Ok(Self {
            frontend: Arc::new(Riscv64::new()),
            machine,
            firmware,
            functions,
            direct: true,
        })
    }
}

/// A virtio device on the PCIe bus, for which stock kernels have the transport built in.
fn function(device: Box<dyn VirtioDevice>) -> Box<dyn Function> {
    Box::new(PciFunction::new(device))
}

impl Board for Virt {
    fn frontend(&self) -> Arc<dyn Frontend> {
        self.frontend.clone()
    }

    fn bus(&mut self) -> &mut Bus {
        &mut self.machine.bus
    }

    fn ram_regions(&self) -> Vec<(GuestPhys, u64)> {
        self.machine.ram_regions().to_vec()
    }

    fn console_devices(&self) -> Vec<DeviceId> {
        vec![self.machine.serial, self.machine.pcie]
    }

    fn functions(&self) -> Vec<(u8, &'static str)> {
        (1..).zip(self.functions.iter().copied()).collect()
    }

    fn load(
        &mut self,
        ram: &GuestRam,
        images: &Images,
        mode: Mode,
        command_line: &str,
        entropy: &mut Entropy,
    ) -> Result<StartRegisters, MachineError> {
        let start = self
            .machine
            .load(ram, images, mode, command_line, entropy)?;
        let mut registers = start.registers;
        for cpu in &mut registers {
            cpu.push(("firmware", u64::from(mode == Mode::Direct)));
        }
        Ok(registers)
    }

    fn describe(&self, command_line: &str) -> Node {
        let command_line = command_line.to_owned();
        self.machine.tree(&Chosen {
            command_line,
            ..Chosen::default()
        })
    }

    fn runs(&self, cpu: usize) -> bool {
        !self.direct || self.firmware.runs(cpu)
    }

    fn call(
        &mut self,
        cpu: usize,
        cpus: &mut [Box<dyn Vcpu>],
        ram: &GuestRam,
        console: &mut dyn Console,
    ) -> Outcome {
        self.firmware
            .call(cpu, cpus, &mut FirmwareCx { ram, console })
    }

    fn call_text(&self, cpu: &dyn Vcpu) -> String {
        Call::read(cpu).to_string()
    }

    fn takes_interrupts(&self, cpu: &dyn Vcpu) -> bool {
        // Volume II, "Machine Interrupt Registers": those of a mode above are always taken,
        // those of the mode that runs if its bit of `mstatus` permits it.
        let register = |name: &str| cpu.register(name).unwrap_or(u64::MAX);
        let (status, enabled) = (register("mstatus"), register("mie"));
        let delegated = register("mideleg");
        let (machine, supervisor) = (enabled & !delegated != 0, enabled & delegated != 0);
        match register("priv") {
            3 => machine && status & 1 << 3 != 0,
            1 => machine || supervisor && status & 1 << 1 != 0,
            _ => machine || supervisor,
        }
    }

    fn woken(&mut self, cpu: usize) {
        self.firmware.resumed(cpu);
    }

    fn reset(&mut self, direct: bool) {
        self.direct = direct;
        self.machine.bus.reset();
        self.firmware.reset();
    }

    fn save(&self, out: &mut Section) {
        out.bool("direct", self.direct);
        self.firmware.save(out);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.direct = from.bool("direct")?;
        self.firmware.restore(from)
    }
}
