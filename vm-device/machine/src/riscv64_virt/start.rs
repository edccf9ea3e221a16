//! Starting the machine `virt`: memory filled, and every hart's first registers.

use vm_core::{Entropy, GuestPhys};
use vm_device_boot::rom::{self, ROM_BASE};
use vm_device_boot::{BootError, Images, Layout, Mode, Plan, fdt};
use vm_device_bus::Node;
use vm_mem::GuestRam;

use super::{Chosen, RAM_BASE, Riscv64Virt};
use crate::{MachineError, start_state};

/// How many bytes of chance a kernel gets.
const SEED_BYTES: usize = 32;

/// A machine that is ready to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// What was put where.
    pub plan: Plan,
    /// The device tree that the guest reads.
    pub tree: Node,
    /// What each hart's registers are to be set to, by [`crate::enter`] after its reset.
    ///
    /// With the built-in firmware only hart 0 has any: the others stand still until
    /// [`crate::Sbi`] starts them.
    pub registers: Vec<Vec<(&'static str, u64)>>,
}

impl Riscv64Virt {
    /// Fills memory for a run from power-on; for a restart, do it again.
    pub fn load(
        &self,
        ram: &GuestRam,
        images: &Images,
        mode: Mode,
        command_line: &str,
        entropy: &mut Entropy,
    ) -> Result<Start, MachineError> {
        let layout = Layout {
            ram: RAM_BASE,
            bytes: self.ram_bytes,
        };
        let plan = Plan::riscv64(layout, images, mode)?;
        let mut seed = vec![0; SEED_BYTES];
        entropy.fill(&mut seed);
        let tree = self.tree(&Chosen {
            command_line: command_line.to_owned(),
            initrd: plan.initrd.clone(),
            seed,
        });
        plan.load(ram, images, &fdt::blob(&tree)?)?;
        let code = rom::riscv64(plan.start, plan.fdt, plan.next);
        ram.write(GuestPhys(ROM_BASE), &code)
            .map_err(|fault| BootError::OutsideRam {
                what: "boot ROM",
                addr: fault.addr.0,
                bytes: fault.bytes,
                ram: RAM_BASE,
                ram_end: RAM_BASE.saturating_add(self.ram_bytes),
            })?;
        let registers = (0..self.cpus).map(|cpu| match (mode, cpu) {
            (Mode::Direct, 0) => start_state(0, plan.start, plan.fdt),
            (Mode::Direct, _) => Vec::new(),
            (Mode::Firmware | Mode::Bare, _) => vec![("pc", ROM_BASE)],
        });
        Ok(Start {
            registers: registers.collect(),
            plan,
            tree,
        })
    }
}
