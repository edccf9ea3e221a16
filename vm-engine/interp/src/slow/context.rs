//! Which address space and mode a CPU is in, and what that means for its caches.
#![expect(unsafe_code, reason = "asks the machine's blocks; see UNSAFETY")]
// UNSAFETY: `blocks` is followed while handlers run, as in `slow`.

use vm_core::{GuestPhys, PAGE_MASK};
use vm_mem::Forgotten;

use super::Slow;
use crate::blocks::{Key, Known};
use crate::cpu::Cpu;
use crate::flat::Code;
use crate::native::SpanPage;
use crate::translate::second_page_of;

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
        cpu.tlb = self.tlb.table(table).as_mut_ptr();
        let force = self.jumps.select(table, self.context.code);
        force.put(cpu);
    }

    /// What the dispatcher would do behind an instruction that may have changed everything; false
    /// if it is needed itself.
    ///
    /// Whatever stops a run between two instructions is noted in `after`, is an interrupt, or is
    /// found by a look-up: breakpoints are in no jump cache.
    pub fn goes_on(&mut self, cpu: &mut Cpu) -> bool {
        // The guest may have asked for code that others have written.
        vm_engine_cache::heed();
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

    /// Whether the pages of the region that a block belongs to are mapped, in the context in
    /// force, where the region wants them; the block stands at `pc`.
    ///
    /// Nothing is looked up that is not known already: a region has no right to fetch from a page
    /// before the guest does.
    pub fn sees_pages(&mut self, code: &Code, pc: u64) -> bool {
        let Some(span) = code.samples.span.clone() else {
            return false;
        };
        let Some(own) = span.distance_of(code.phys) else {
            return false;
        };
        let base = (pc & PAGE_MASK).wrapping_sub(own as u64);
        let all = span.pages.iter().all(|page| {
            let at = base.wrapping_add(page.distance as u64);
            page.distance == own || self.sees_page(page, at)
        });
        if all {
            span.found(self.jumps.state(self.table), base);
            for page in &span.pages {
                let at = base.wrapping_add(page.distance as u64);
                self.jumps.rely(self.table, at);
            }
        } else if span.missed() {
            // SAFETY: as above.
            let blocks = unsafe { &mut *self.blocks };
            blocks.forget_span(&span);
        }
        all
    }

    fn sees_page(&mut self, page: &SpanPage, at: u64) -> bool {
        let entered = page.blocks.iter().any(|(offset, code)| {
            let known = self.jumps.entry(at.wrapping_add(*offset));
            known.is_some_and(|known| known.addr() as u64 == *code)
        });
        // Where breakpoints stand is found out when a page is looked up, not by the TLB.
        if entered || self.stops.has_breaks() {
            return entered;
        }
        let entry = self.tlb.table(self.table).entry(at);
        let phys = self.ram.guest_of(at.wrapping_add(entry.addend));
        entry.execute == at && phys == Some(GuestPhys(page.phys))
    }

    /// The code at a program counter that the jump cache does not know, if it has been made; all
    /// else is the dispatcher's business, as are traps.
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
        let Known { code, second, .. } = blocks.find(key)?;
        let known = |slow: &mut Self, at| slow.tlb.table(slow.table).code_page(at);
        let mut page = known(self, cpu.pc);
        if let Some(second) = second {
            let behind = second_page_of(cpu.pc);
            let (at, whole) = self.fetch(cpu, behind).ok()?;
            if !whole || at != GuestPhys(second) {
                return None;
            }
            page = page.with(known(self, behind));
        }
        self.remember(cpu, code, page);
        Some(code)
    }
}
