//! The architecture as engines know it: each question goes to the module that answers it.

use vm_core::{GuestPhys, GuestVirt, PAGE_BYTES, PAGE_MASK, Trap};
use vm_ir::float::{Rules, X86};
use vm_ir::{Builder, Context, Frontend, Helper, Layout, Lifted, Text};
use vm_mem::{Access, GuestRam, PageEntry, Walk};

use crate::disasm::MAX_INSN_BYTES;
use crate::{disassemble, lift, slots, state, trap};

/// The most bits of an address that a page entry describes at once: one page.
const PAGE_BITS: u32 = 12;

/// x86-64 in 64-bit mode, as a program sees it.
#[derive(Debug)]
pub struct X86_64 {
    layout: Layout,
}

impl Default for X86_64 {
    fn default() -> Self {
        Self::new()
    }
}

impl X86_64 {
    /// The architecture.
    #[must_use]
    pub fn new() -> Self {
        Self {
            layout: slots::layout(),
        }
    }
}

impl Walk for X86_64 {
    /// Every address in RAM is its own physical address, and all is permitted; the rest is as
    /// pages that a program has not mapped.
    fn walk(
        &self,
        _: &[u64],
        ram: &GuestRam,
        addr: GuestVirt,
        _: u64,
        _: Access,
    ) -> Result<PageEntry, Trap> {
        let page = GuestPhys(addr.0 & PAGE_MASK);
        if !ram.contains(page, PAGE_BYTES) {
            return Err(Trap::new(trap::PAGE_FAULT, addr.0));
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

impl Frontend for X86_64 {
    fn name(&self) -> &'static str {
        "x86_64"
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn helpers(&self) -> &'static [Helper] {
        &[]
    }

    fn float_rules(&self) -> Rules {
        X86
    }

    fn context(&self, _: &[u64]) -> Context {
        Context::default()
    }

    fn lift(&self, code: &[u8], _: u64, limit: u32, out: &mut Builder) -> Lifted {
        lift(code, limit, out)
    }

    fn max_insn_bytes(&self) -> usize {
        MAX_INSN_BYTES
    }

    fn deliver(&self, slots: &mut [u64], trap: Trap, _: bool, pc: u64) -> bool {
        state::stop(slots, trap.cause, trap.value, pc);
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
        state::reset(slots);
    }

    fn bus_fault(&self, _: Access, addr: u64) -> Trap {
        Trap::new(trap::PAGE_FAULT, addr)
    }

    fn disassemble(&self, code: &[u8], pc: u64) -> Text {
        disassemble(code, pc)
    }

    fn trap_name(&self, cause: u32, _: bool) -> String {
        trap::name(cause)
    }

    fn privilege(&self, _: &[u64]) -> u32 {
        0
    }

    fn register(&self, slots: &[u64], name: &str) -> Option<u64> {
        state::register(&self.layout, slots, name)
    }

    fn set_register(&self, slots: &mut [u64], name: &str, value: u64) -> bool {
        state::set_register(&self.layout, slots, name, value)
    }

    fn check(&self, slots: &[u64]) -> Result<(), String> {
        state::check(&self.layout, slots)
    }
}
