//! An architecture whose traps are not taken: they stop the CPU and are remembered.

use std::sync::{Arc, Mutex, PoisonError};

use vm_core::{GuestVirt, Trap};
use vm_ir::float::Rules;
use vm_ir::{Builder, Context, Frontend, Helper, Layout, Lifted, Text};
use vm_mem::{Access, GuestRam, PageEntry, Walk};

/// An architecture without trap handlers, timers and interrupts.
pub struct Stopped {
    inner: Arc<dyn Frontend>,
    trap: Mutex<Option<Trap>>,
}

impl Stopped {
    /// The architecture, stopped.
    pub fn new(inner: Arc<dyn Frontend>) -> Self {
        Self {
            inner,
            trap: Mutex::new(None),
        }
    }

    /// The trap that stopped the CPU, once.
    pub fn take_trap(&self) -> Option<Trap> {
        self.trap
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Walk for Stopped {
    fn walk(
        &self,
        slots: &[u64],
        ram: &GuestRam,
        addr: GuestVirt,
        bytes: u64,
        access: Access,
    ) -> Result<PageEntry, Trap> {
        self.inner.walk(slots, ram, addr, bytes, access)
    }
}

impl Frontend for Stopped {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn layout(&self) -> &Layout {
        self.inner.layout()
    }

    fn helpers(&self) -> &'static [Helper] {
        self.inner.helpers()
    }

    fn float_rules(&self) -> Rules {
        self.inner.float_rules()
    }

    fn context(&self, slots: &[u64]) -> Context {
        self.inner.context(slots)
    }

    fn lift(&self, code: &[u8], mode: u64, limit: u32, out: &mut Builder) -> Lifted {
        self.inner.lift(code, mode, limit, out)
    }

    fn max_insn_bytes(&self) -> usize {
        self.inner.max_insn_bytes()
    }

    fn deliver(&self, slots: &mut [u64], trap: Trap, _: bool, pc: u64) -> bool {
        slots[usize::from(self.layout().pc.0)] = pc;
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(trap);
        false
    }

    fn interrupt(&self, _: &[u64]) -> Option<Trap> {
        None
    }

    fn wakes(&self, slots: &[u64]) -> bool {
        self.inner.wakes(slots)
    }

    fn set_line(&self, _: &mut [u64], _: u32, _: bool) {}

    fn tick(&self, _: &mut [u64], _: u64) {}

    fn deadline_ns(&self, _: &[u64]) -> Option<u64> {
        None
    }

    fn reset(&self, slots: &mut [u64], cpu: u32) {
        self.inner.reset(slots, cpu);
    }

    fn misaligned_atomic(&self, access: Access, addr: u64) -> Option<Trap> {
        self.inner.misaligned_atomic(access, addr)
    }

    fn bus_fault(&self, access: Access, addr: u64) -> Trap {
        self.inner.bus_fault(access, addr)
    }

    fn disassemble(&self, code: &[u8], pc: u64) -> Text {
        self.inner.disassemble(code, pc)
    }

    fn trap_name(&self, cause: u32, interrupt: bool) -> String {
        self.inner.trap_name(cause, interrupt)
    }

    fn privilege(&self, slots: &[u64]) -> u32 {
        self.inner.privilege(slots)
    }

    fn register(&self, slots: &[u64], name: &str) -> Option<u64> {
        self.inner.register(slots, name)
    }

    fn set_register(&self, slots: &mut [u64], name: &str, value: u64) -> bool {
        self.inner.set_register(slots, name, value)
    }

    fn check(&self, slots: &[u64]) -> Result<(), String> {
        self.inner.check(slots)
    }
}
