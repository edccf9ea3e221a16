//! The architecture as engines know it: a CPU in user mode on bare memory.

use vm_core::{GuestPhys, GuestVirt, PAGE_BITS, PAGE_BYTES, Trap};
use vm_ir::float::{RISCV, Rules};
use vm_ir::{Builder, Context, Frontend, Helper, Layout, Lifted, Text};
use vm_mem::{Access, GuestRam, PageEntry, Walk};

use crate::{disassemble, lift, slots};

/// Causes of exceptions: the exception classes of `ESR_EL1` (Arm Architecture Reference Manual,
/// "ESR_EL1, Exception Syndrome Register").
pub mod cause {
    /// The instruction is none, or not permitted here.
    pub const UNKNOWN: u32 = 0x00;
    /// `svc`; its value is the immediate.
    pub const SVC: u32 = 0x15;
    /// A fetch that memory does not answer.
    pub const INSTRUCTION_ABORT: u32 = 0x20;
    /// A data access that memory does not answer, or a misaligned atomic one.
    pub const DATA_ABORT: u32 = 0x24;
    /// `brk`; its value is the immediate.
    pub const BREAKPOINT: u32 = 0x3c;

    /// Each with its name.
    pub(crate) const NAMES: [(u32, &str); 5] = [
        (UNKNOWN, "unknown instruction"),
        (SVC, "svc"),
        (INSTRUCTION_ABORT, "instruction abort"),
        (DATA_ABORT, "data abort"),
        (BREAKPOINT, "brk"),
    ];
}

/// ARM64 in user mode.
#[derive(Debug)]
pub struct Arm64 {
    layout: Layout,
}

impl Default for Arm64 {
    fn default() -> Self {
        Self::new()
    }
}

impl Arm64 {
    /// The architecture.
    #[must_use]
    pub fn new() -> Self {
        Self {
            layout: slots::layout(),
        }
    }
}

/// The bits that a slot uses.
fn width(bits: u32) -> u64 {
    u64::MAX >> (64 - bits.clamp(1, 64))
}

impl Walk for Arm64 {
    /// Addresses are physical, and there is nothing but RAM.
    fn walk(
        &self,
        _: &[u64],
        ram: &GuestRam,
        addr: GuestVirt,
        _: u64,
        access: Access,
    ) -> Result<PageEntry, Trap> {
        let page = GuestPhys(addr.0).page();
        if !ram.contains(page, PAGE_BYTES) {
            return Err(self.bus_fault(access, addr.0));
        }
        Ok(PageEntry {
            page,
            read: true,
            write: true,
            execute: true,
            whole: true,
            bits: PAGE_BITS,
            global: false,
        })
    }
}

impl Frontend for Arm64 {
    fn name(&self) -> &'static str {
        "arm64"
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn helpers(&self) -> &'static [Helper] {
        &[]
    }

    /// No instruction of floating point is there, so no rule matters.
    fn float_rules(&self) -> Rules {
        RISCV
    }

    fn context(&self, _: &[u64]) -> Context {
        Context::default()
    }

    fn lift(&self, code: &[u8], _: u64, limit: u32, out: &mut Builder) -> Lifted {
        lift(code, limit, out)
    }

    fn max_insn_bytes(&self) -> usize {
        4
    }

    /// Exceptions stop the CPU: its state is the one before the instruction.
    fn deliver(&self, slots: &mut [u64], _: Trap, _: bool, pc: u64) -> bool {
        if let Some(slot) = slots.get_mut(usize::from(slots::PC.0)) {
            *slot = pc;
        }
        false
    }

    fn interrupt(&self, _: &[u64]) -> Option<Trap> {
        None
    }

    fn wakes(&self, _: &[u64]) -> bool {
        false
    }

    fn set_line(&self, _: &mut [u64], _: u32, _: bool) {}

    fn tick(&self, _: &mut [u64], _: u64) {}

    fn deadline_ns(&self, _: &[u64]) -> Option<u64> {
        None
    }

    fn reset(&self, slots: &mut [u64], _: u32) {
        slots.fill(0);
        if let Some(reserved) = slots.get_mut(usize::from(slots::RESERVATION.0)) {
            *reserved = u64::MAX;
        }
    }

    fn misaligned_atomic(&self, access: Access, addr: u64) -> Option<Trap> {
        Some(self.bus_fault(access, addr))
    }

    fn bus_fault(&self, access: Access, addr: u64) -> Trap {
        let cause = match access {
            Access::Fetch => cause::INSTRUCTION_ABORT,
            Access::Load | Access::Store => cause::DATA_ABORT,
        };
        Trap::new(cause, addr)
    }

    fn disassemble(&self, code: &[u8], pc: u64) -> Text {
        disassemble(code, pc)
    }

    fn trap_name(&self, cause: u32, _: bool) -> String {
        let known = cause::NAMES.iter().find(|(number, _)| *number == cause);
        known.map_or_else(
            || format!("exception class {cause:#x}"),
            |(_, name)| (*name).to_owned(),
        )
    }

    fn privilege(&self, _: &[u64]) -> u32 {
        0
    }

    fn set_register(&self, slots: &mut [u64], name: &str, value: u64) -> bool {
        let found = self.layout.slots.iter().zip(slots);
        match found.into_iter().find(|(info, _)| info.name == name) {
            Some((info, slot)) => {
                *slot = value & width(info.bits);
                true
            }
            None => false,
        }
    }

    fn check(&self, slots: &[u64]) -> Result<(), String> {
        if slots.len() != self.layout.slots.len() {
            return Err("slots".to_owned());
        }
        let wrong = |(info, value): &(&vm_ir::SlotInfo, &u64)| *value & !width(info.bits) != 0;
        match self.layout.slots.iter().zip(slots).find(wrong) {
            Some((info, _)) => Err(info.name.clone()),
            None => Ok(()),
        }
    }
}
