//! Which address space and mode a CPU is in, and what that means for its caches.
#![expect(unsafe_code, reason = "asks the machine's blocks; see UNSAFETY")]
// UNSAFETY: `blocks` is followed while handlers run, as in `slow`.

use vm_mem::Forgotten;

use super::Slow;
use crate::blocks::Key;
use crate::cpu::Cpu;
use crate::flat::Code;

impl Slow {
    /// Puts the TLB table and jump cache of the current address space and mode in force.
    pub fn enter_context(&mut self, cpu: &mut Cpu) {
        self.context = self.frontend.context(&cpu.words[..self.slots]);
        let chosen = self.tlb.select(self.context.key);
        let table = chosen.index;
        self.table = table;
        if chosen.is_new {
            self.jumps.forget(table, Forgotten::All);
        }
        cpu.tlb = self.tlb.table(table).entries.as_mut_ptr();
        let force = self.jumps.select(table, self.context.code);
        (cpu.jumps, cpu.jump_mask) = (force.entries, force.mask);
    }

    /// What the dispatcher would do behind an instruction that may have changed everything; false
    /// if it is needed itself.
    ///
    /// Whatever stops a run between two instructions is noted in `after`, is an interrupt, or is
    /// found by a look-up: breakpoints are in no jump cache.
    pub fn goes_on(&mut self, cpu: &mut Cpu) -> bool {
        let slots = &cpu.words[..self.slots];
        let waits = self.after.is_some() || !self.answers.0.is_empty() || self.traces_modes;
        if waits || self.frontend.interrupt(slots).is_some() {
            return false;
        }
        if self.context != self.frontend.context(slots) {
            self.enter_context(cpu);
        }
        true
    }

    /// The code at a program counter that the jump cache does not know, if it has been made and
    /// stands on one page; all else is the dispatcher's business, as are traps.
    pub fn found(&mut self, cpu: &mut Cpu) -> Option<*const Code> {
        if self.stops.has_breaks() {
            return None;
        }
        let (phys, true) = self.fetch(cpu, cpu.pc).ok()? else {
            return None;
        };
        let key = Key {
            phys: phys.0,
            mode: self.context.code,
            single: false,
        };
        // SAFETY: the blocks are valid while handlers run, and no one else uses them meanwhile.
        let blocks = unsafe { &mut *self.blocks };
        let (code, _) = blocks.find(key)?;
        if blocks.second_page(key).is_some() {
            return None;
        }
        self.remember(cpu, code);
        Some(code)
    }
}
