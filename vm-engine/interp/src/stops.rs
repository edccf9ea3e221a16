//! What a debugger waits for: breakpoints and watched memory, outside guest memory.
//!
//! Code runs as fast as ever while a debugger waits.
//! A breakpoint is asked about where code is looked up ([`Interpreter::ask_break`]); blocks on
//! its page are found through the dispatcher or the jump cache, which know virtual addresses,
//! and are not linked; a block that has it inside is left for single instructions.
//! The pages of watched memory are never entered in the TLB, so that every access to them comes
//! by the slow paths, which ask.

use std::sync::Arc;

use vm_core::{Exit, GuestPhys, Stopped, Stops};
use vm_mem::Access;

use crate::blocks::Blocks;
use crate::cpu::{Cpu, Stop};
use crate::interpreter::{Interpreter, lock};
use crate::slow::Slow;

/// What one CPU's debugger waits for.
#[derive(Debug, Default)]
pub struct Stopping {
    stops: Arc<Stops>,
    /// Instructions retired and program counter when the CPU last stopped: the instruction that
    /// stands there is executed when the CPU goes on.
    stopped: Option<(u64, u64)>,
    /// The instruction at hand stops for no breakpoint.
    passes_break: bool,
    /// The instruction at hand stops for no watched memory.
    passes_watch: bool,
    /// One instruction or one trap is wanted.
    pub stepping: bool,
}

impl Stopping {
    /// Whether anything on the page of an address is watched.
    #[inline]
    pub fn watches_page(&self, addr: u64) -> bool {
        !self.stops.watches().is_empty() && self.stops.watches_page(addr)
    }

    /// Whether there is any breakpoint.
    #[inline]
    pub fn has_breaks(&self) -> bool {
        !self.stops.breaks().is_empty()
    }

    /// Forgets where the CPU stopped: it stands elsewhere now.
    pub fn forget(&mut self) {
        self.stopped = None;
    }
}

impl Interpreter {
    /// Waits for these from now on.
    pub(crate) fn wait_for(&mut self, stops: &Arc<Stops>) {
        let old = std::mem::replace(&mut self.slow.stops.stops, stops.clone());
        if old.breaks() != stops.breaks() {
            let link = stops.breaks().is_empty();
            lock(&self.shared).blocks.forget_jumps(link);
        }
        if old.watches() != stops.watches() {
            self.slow.flush(vm_core::Flush::All);
        }
    }

    /// One instruction, or one trap.
    pub(crate) fn step_alone(&mut self) -> Exit {
        self.slow.stops.stepping = true;
        let exit = vm_core::Vcpu::run(self, 1);
        self.slow.stops.stepping = false;
        exit
    }

    /// Whether the instruction at hand is one that the CPU has already stopped at, or that is
    /// stepped: it is then executed alone.
    #[inline]
    pub(crate) fn passes_stop(&mut self, start: (u64, i64), fuel: i64) -> bool {
        let stops = &self.slow.stops;
        if stops.stopped.is_none() && !stops.stepping && !stops.passes_break {
            return false;
        }
        let retired = start.0.wrapping_add((start.1 - fuel) as u64);
        let stops = &mut self.slow.stops;
        let again = stops.stopped == Some((retired, self.cpu.pc));
        if !again {
            stops.stopped = None;
        }
        stops.passes_watch = again;
        stops.passes_break = again || stops.stepping;
        stops.passes_break
    }

    /// Notes where the CPU stopped.
    pub(crate) fn remember_stop(&mut self, exit: Exit) {
        if let Exit::Stopped(Stopped::Breakpoint | Stopped::Watchpoint(_)) = exit {
            self.slow.stops.stopped = Some((self.retired, self.cpu.pc));
        }
    }

    /// Stops at a breakpoint; whether the page of the program counter has any.
    pub(crate) fn ask_break(&mut self, blocks: &mut Blocks) -> Result<bool, Stop> {
        let pc = self.cpu.pc;
        let stops = &self.slow.stops.stops;
        if stops.breaks().is_empty() || !stops.breaks_on_page(pc) {
            return Ok(false);
        }
        let hit = !self.slow.stops.passes_break && stops.breaks_at(pc);
        // A fetch that traps comes first.
        let (phys, _) = self.slow.fetch(&mut self.cpu, pc)?;
        if hit {
            return Err(Stop::Stopped(Stopped::Breakpoint));
        }
        blocks.set_apart(&self.slow.ram, GuestPhys(phys.0));
        Ok(true)
    }

    /// Whether a block of so many bytes at the program counter has a breakpoint behind its first
    /// instruction.
    pub(crate) fn breaks_inside(&self, bytes: u64) -> bool {
        let pc = self.cpu.pc;
        let last = pc.saturating_add(bytes.saturating_sub(1));
        self.slow
            .stops
            .stops
            .breaks_within(pc.saturating_add(1), last)
    }
}

impl Slow {
    /// Stops before an access to watched memory, unless the access traps.
    #[inline]
    pub(crate) fn ask_watch(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
        access: Access,
    ) -> Result<(), Stop> {
        let stops = &self.stops;
        if stops.stops.watches().is_empty() || stops.passes_watch {
            return Ok(());
        }
        let (load, store) = (access == Access::Load, access == Access::Store);
        let Some(met) = stops.stops.watched(addr, bytes, load, store) else {
            return Ok(());
        };
        self.probe(cpu, addr, bytes, access)?;
        Err(Stop::Stopped(Stopped::Watchpoint(met)))
    }
}
