//! The architecture as engines know it: each question goes to the module that answers it.

use vm_core::{GuestVirt, Translation, Trap};
use vm_ir::float::{RISCV, Rules};
use vm_ir::{Builder, Context, Frontend, Helper, Layout, Lifted, SlotId, Target, Text, Vitals};
use vm_mem::{Access, GuestRam, PageEntry, Walk};

use crate::cells::cell;
use crate::slots;
use crate::{csr, disassemble, helpers, lift, mmu, mode, state, target, trap, vitals};

/// The longest instruction that there is.
const MAX_INSN_BYTES: usize = 4;

/// RISC-V64: RVA22S64 and more, see [`crate::profile::isa`].
#[derive(Debug)]
pub struct Riscv64 {
    layout: Layout,
}

impl Default for Riscv64 {
    fn default() -> Self {
        Self::new()
    }
}

impl Riscv64 {
    /// The architecture.
    #[must_use]
    pub fn new() -> Self {
        Self {
            layout: slots::layout(),
        }
    }
}

impl Walk for Riscv64 {
    fn walk(
        &self,
        slots: &[u64],
        ram: &GuestRam,
        addr: GuestVirt,
        bytes: u64,
        access: Access,
    ) -> Result<PageEntry, Trap> {
        mmu::walk(slots, ram, addr, bytes, access)
    }
}

impl Frontend for Riscv64 {
    fn name(&self) -> &'static str {
        "riscv64"
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn helpers(&self) -> &'static [Helper] {
        &helpers::HELPERS
    }

    fn float_rules(&self) -> Rules {
        RISCV
    }

    fn context(&self, slots: &[u64]) -> Context {
        mode::context(slots)
    }

    fn lift(&self, code: &[u8], mode: u64, limit: u32, out: &mut Builder) -> Lifted {
        lift(code, mode, limit, out)
    }

    fn max_insn_bytes(&self) -> usize {
        MAX_INSN_BYTES
    }

    fn deliver(&self, slots: &mut [u64], trap: Trap, interrupt: bool, pc: u64) -> bool {
        trap::deliver(slots, trap, interrupt, pc);
        true
    }

    fn interrupt(&self, slots: &[u64]) -> Option<Trap> {
        trap::interrupt(slots)
    }

    fn wakes(&self, slots: &[u64]) -> bool {
        trap::wakes(slots)
    }

    fn set_line(&self, slots: &mut [u64], line: u32, level: bool) {
        trap::set_line(slots, line, level);
    }

    fn tick(&self, slots: &mut [u64], now_ns: u64) {
        csr::tick(slots, now_ns);
    }

    fn deadline_ns(&self, slots: &[u64]) -> Option<u64> {
        trap::deadline_ns(slots)
    }

    fn reset(&self, slots: &mut [u64], cpu: u32) {
        state::reset(slots, cpu);
    }

    fn misaligned_atomic(&self, access: Access, addr: u64) -> Option<Trap> {
        Some(trap::misaligned(access, addr))
    }

    fn bus_fault(&self, access: Access, addr: u64) -> Trap {
        trap::access_fault(access, addr)
    }

    fn disassemble(&self, code: &[u8], pc: u64) -> Text {
        disassemble(code, pc)
    }

    fn trap_name(&self, cause: u32, interrupt: bool) -> String {
        trap::name(cause, interrupt)
    }

    fn privilege(&self, slots: &[u64]) -> u32 {
        cell(slots, slots::PRIV) as u32
    }

    fn register(&self, slots: &[u64], name: &str) -> Option<u64> {
        state::register(&self.layout, slots, name)
    }

    fn text_name(&self, slot: SlotId) -> &str {
        state::text_name(&self.layout, slot)
    }

    fn set_register(&self, slots: &mut [u64], name: &str, value: u64) -> bool {
        state::set_register(&self.layout, slots, name, value)
    }

    fn examine(&self, slots: &[u64], ram: &GuestRam, addr: GuestVirt) -> Translation {
        mmu::examine(slots, ram, addr.0)
    }

    fn target(&self) -> Option<Target> {
        Some(target::target())
    }

    fn vitals(&self) -> Option<&'static Vitals> {
        Some(&vitals::VITALS)
    }

    fn check(&self, slots: &[u64]) -> Result<(), String> {
        state::check(&self.layout, slots)
    }
}
