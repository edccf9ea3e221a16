//! Which address space and mode a CPU is in, and what that means for its caches.

use vm_mem::{Forgotten, Start};

use super::Slow;
use crate::cpu::Cpu;

impl Slow {
    /// Puts the TLB table and jump cache of the current address space and mode in force.
    pub fn enter_context(&mut self, cpu: &mut Cpu) {
        self.context = self.frontend.context(&cpu.words[..self.slots]);
        let chosen = self.tlb.select(self.context);
        let table = chosen.index;
        self.table = table;
        match chosen.start {
            Start::Kept => {}
            Start::Empty => self.jumps.forget(table, Forgotten::All),
            Start::HeirOf(other) => self.jumps.inherit(table, other),
        }
        cpu.tlb = self.tlb.table(table).entries.as_mut_ptr();
        cpu.jumps = self.jumps.entries(table);
    }

    /// What the dispatcher would do behind an instruction that may have changed everything; false
    /// if it is needed itself.
    ///
    /// Whatever stops a run between two instructions is noted in `after`, is an interrupt, or is
    /// found by a look-up: breakpoints are in no jump cache.
    pub fn goes_on(&mut self, cpu: &mut Cpu) -> bool {
        let slots = &cpu.words[..self.slots];
        let waits = self.after.is_some() || !self.answers.0.is_empty();
        if waits || self.frontend.interrupt(slots).is_some() {
            return false;
        }
        if self.context != self.frontend.context(slots) {
            self.enter_context(cpu);
        }
        true
    }
}
