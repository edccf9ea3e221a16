//! A virtual CPU that is interpreted.
#![expect(unsafe_code, reason = "enters handlers; see UNSAFETY")]
// UNSAFETY: handlers follow pointers to the CPU, its slow paths, its TLB table, its jump cache and
// the machine's blocks; `run_code` sets all of them from data that outlives the call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_core::{Exit, GuestPhys, GuestVirt, Kick, PAGE_MASK, Stopped, TraceEvent, TraceKinds, Trap};
use vm_ir::Frontend;

use crate::blocks::{Blocks, Key};
use crate::cpu::{Cpu, Stop};
use crate::engine::{Shared, SharedTrace};
use crate::flat::Code;
use crate::modes::Modes;
use crate::native;
use crate::observe::Before;
use crate::slow::Slow;

/// One interpreted CPU.
pub struct Interpreter {
    pub(crate) cpu: Box<Cpu>,
    pub(crate) slow: Box<Slow>,
    pub(crate) shared: Arc<Mutex<Shared>>,
    pub(crate) number: u32,
    pub(crate) retired: u64,
    /// The access that was handed out and has no answer yet.
    pub(crate) asked: Option<vm_core::Access>,
    pub(crate) kick: Kick,
    /// How far this CPU has followed the blocks' epochs and list of protected pages.
    pub(crate) seen: (u64, u64, usize),
    /// What was retired when the slice began whose end was noted last.
    pub(crate) sampled: u64,
    pub(crate) trace: Option<SharedTrace>,
    pub(crate) stepped: bool,
    /// Slices end at their last instruction, not at the last block that fits.
    pub(crate) exact: bool,
    /// What was left of the slice was too short for a block.
    pub(crate) short: bool,
    /// What a trace of modes has to remember.
    pub(crate) modes: Option<Modes>,
}

/// Another thread's panic can not leave anything half done here that a lock would have to guard:
/// all of it is a cache.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Traps in a row, with no instruction executed between them, after which a slice is over.
// LIMIT: a handler that can not be fetched traps for ever without using up its budget; real
// guests nest a few traps at most.
const STORM: u32 = 1000;

/// How many pages that the CPU has been on lately are counted, and how many a region may have.
// LIMIT: loops that matter are on two or three; each page is lifted by the region's compiler.
const PAGES: usize = 16;
const REGION_PAGES: usize = 4;

impl Interpreter {
    pub(crate) fn slots(&mut self) -> &mut [u64] {
        &mut self.cpu.words[..self.slow.slots]
    }

    fn pc_slot(&self) -> usize {
        usize::from(self.slow.frontend.layout().pc.0)
    }

    /// Runs until something needs the owner.
    pub(crate) fn run_slice(&mut self, shared: &mut Shared, budget: u64) -> Exit {
        let mut fuel = budget.min(i64::MAX as u64 / 4) as i64;
        let pc = self.pc_slot();
        self.cpu.pc = self.cpu.words[pc];
        self.slow.slice = (self.retired, fuel);
        let mut start = (self.retired, fuel);
        let mut trapped = None;
        self.slow.after = None;
        self.slow.traces_modes = self.modes.is_some();
        self.follow_blocks(&mut shared.blocks);
        // From here on, what jump caches and links lead to is not freed.
        let epochs = shared.blocks.dead.cpus.clone();
        let _inside = epochs.enter(self.number as usize);
        let now = self.slow.clock.now_ns();
        let frontend = self.slow.frontend.clone();
        frontend.tick(self.slots(), now);
        let mut fresh = true;
        let (mut storm, mut trapped_at) = (0, i64::MAX);
        let mut refused = false;
        let exit = loop {
            if fresh {
                self.slow.linked = None;
                // An interrupt is told with the instructions that came before it.
                self.retired = start.0.wrapping_add((start.1 - fuel) as u64);
                self.slow.enter_context(&mut self.cpu);
                if self.modes.is_some() {
                    self.trace_mode();
                }
                if self.take_interrupt() {
                    if self.slow.stops.stepping {
                        break Exit::Stopped(Stopped::Step);
                    }
                    continue;
                }
            }
            if let Some(exit) = self.slow.after.take() {
                break exit;
            }
            if fuel <= 0 {
                break Exit::Budget;
            }
            let answered = !self.slow.answers.0.is_empty();
            // Each is asked, whatever the others say: they note what is the matter.
            let passes = self.passes_stop(start, fuel);
            let refused_it = std::mem::take(&mut refused);
            let alone = self.stepped || answered || passes || refused_it;
            let stop = self.step(shared, alone, &mut fuel);
            shared.counts.stopped(&stop);
            match stop {
                // What an instruction did to a device shows right behind it.
                Stop::Fuel | Stop::Lookup | Stop::LookupIndirect => fresh = answered,
                Stop::Next => fresh = true,
                Stop::Alone => (fresh, refused) = (false, true),
                Stop::Trap(trap) => {
                    if trapped == Some(fuel) {
                        // A trap right behind a trap: nothing is retired, but a guest whose
                        // handler can not even begin must not keep the run from ending.
                        fuel -= 1;
                        start.1 -= 1;
                        self.slow.slice.1 -= 1;
                    }
                    trapped = Some(fuel);
                    if !self.trap(trap, start, fuel) {
                        break Exit::Stuck;
                    }
                    storm = if trapped_at == fuel { storm + 1 } else { 0 };
                    if storm == STORM {
                        break Exit::Budget;
                    }
                    (fresh, trapped_at) = (true, fuel);
                    if self.slow.stops.stepping {
                        break Exit::Stopped(Stopped::Step);
                    }
                }
                Stop::Stopped(why) => break Exit::Stopped(why),
                Stop::Access(access) => {
                    self.asked = Some(access);
                    break Exit::Access(access);
                }
            }
        };
        self.retired = start.0.wrapping_add((start.1 - fuel) as u64);
        self.cpu.words[pc] = self.cpu.pc;
        shared.counts.walks += std::mem::take(&mut self.slow.walks);
        let short = std::mem::take(&mut self.short);
        shared.counts.ended(if short { Exit::Budget } else { exit });
        self.remember_stop(exit);
        exit
    }

    /// Runs from the program counter until handlers stop; links what can be linked.
    fn step(&mut self, shared: &mut Shared, alone: bool, fuel: &mut i64) -> Stop {
        let linked = self.slow.linked.take();
        let known = match linked {
            _ if alone => None,
            Some((pc, code)) if pc == self.cpu.pc => Some(code),
            _ => self.known(),
        };
        let (code, cacheable) = match known {
            Some(code) => (code, false),
            None => match self.find(shared, alone) {
                Ok(found) => found,
                Err(stop) => return stop,
            },
        };
        // SAFETY: the block was just found, so it is alive.
        let insns = unsafe { (*code).toll.fuel() };
        let (code, alone) = if *fuel < insns && !alone {
            self.sample(shared, code);
            if !self.exact && *fuel < self.slow.slice.1 {
                // What is left is left for the next slice.
                (self.slow.after, self.short) = (Some(Exit::Kicked), true);
                return Stop::Fuel;
            }
            // The rest of the slice is shorter than the block: one instruction at a time.
            match self.find(shared, true) {
                Ok((code, _)) => (code, true),
                Err(stop) => return stop,
            }
        } else {
            (code, alone)
        };
        if alone {
            return self.run_alone(shared, code, fuel);
        }
        if cacheable {
            let page = self.slow.tlb.table(self.slow.table).code_page(self.cpu.pc);
            self.slow.remember(&mut self.cpu, code, page);
        }
        let stop = self.run_code(shared, code, fuel);
        if let Stop::Lookup = stop {
            self.link(shared);
        }
        stop
    }

    /// Says in which block the slice ends.
    fn sample(&mut self, shared: &mut Shared, code: *const Code) {
        if std::mem::replace(&mut self.sampled, self.slow.slice.0) == self.slow.slice.0 {
            return;
        }
        // SAFETY: the block was just found, so it is alive.
        let (phys, mode) = unsafe { ((*code).phys, (*code).mode) };
        let single = false;
        let key = Key { phys, mode, single };
        shared.counts.residency.note(shared.blocks.maker(key));
        if let Some(most) = shared.blocks.sampled(key) {
            let (pages, went) = (self.pages_of_late(phys, mode), self.cpu.recent.addresses());
            let blocks = &mut shared.blocks;
            blocks.ask_region(&self.slow.ram, (key, most), &pages, went);
        }
    }

    /// The pages that the CPU has jumped to lately, by virtual and physical address: that of the
    /// program counter, then others, those that it was on most often in front.
    fn pages_of_late(&mut self, phys: u64, mode: u64) -> Vec<(u64, u64)> {
        let mut pages: Vec<(usize, u64, u64)> = Vec::new();
        let here = self.cpu.pc & PAGE_MASK;
        let went: Vec<u64> = self.cpu.recent.addresses().collect();
        for pc in went {
            let page = pc & PAGE_MASK;
            if let Some(known) = pages.iter_mut().find(|known| known.1 == page) {
                known.0 += 1;
            } else if let (Some(code), true) = (
                self.slow.jumps.entry(pc),
                page != here && pages.len() < PAGES,
            ) {
                // SAFETY: jump caches lead to blocks that are not freed before they are emptied.
                let (alive, code) = unsafe { (!(*code).toll.is_dead(), &*code) };
                let found = code.phys & PAGE_MASK;
                // A page that is mapped twice is one.
                let new = found != phys & PAGE_MASK && pages.iter().all(|known| known.2 != found);
                if alive && code.mode == mode && new {
                    pages.push((1, page, found));
                }
            }
        }
        pages.sort_by_key(|page| std::cmp::Reverse(page.0));
        pages.truncate(REGION_PAGES - 1);
        let others = pages.into_iter().map(|(_, page, phys)| (page, phys));
        let own = std::iter::once((here, phys & PAGE_MASK));
        own.chain(others).collect()
    }

    /// The code at the program counter, if the jump cache knows it and it may still be entered.
    fn known(&mut self) -> Option<*const Code> {
        let jump = self.slow.jumps.entry(self.cpu.pc)?;
        // SAFETY: jump caches lead to blocks that are not freed before the caches are emptied.
        let alive = unsafe { !(*jump).toll.is_dead() };
        alive.then_some(jump)
    }

    fn find(&mut self, shared: &mut Shared, single: bool) -> Result<(*const Code, bool), Stop> {
        // The mode now: handlers go on behind what changes it.
        let mode = self.slow.context.code;
        let Shared {
            blocks, translator, ..
        } = shared;
        self.slow.blocks = blocks;
        let apart = self.ask_break(blocks)?;
        let mut found = translator.find(&mut self.cpu, &mut self.slow, blocks, mode, single)?;
        if apart && !single && self.breaks_inside(found.bytes) {
            found = translator.find(&mut self.cpu, &mut self.slow, blocks, mode, true)?;
            found.cacheable = false;
        }
        // A new block may have made its page a code page, which must not be written unnoticed.
        self.protect(blocks);
        Ok((found.code, found.cacheable))
    }

    /// Links the exit that was just left by, if its target stands on the same page: the same
    /// virtual one too, since another one may be mapped elsewhere at another time.
    fn link(&mut self, shared: &mut Shared) {
        let (from, exit, pc) = (self.cpu.code, self.cpu.ip, self.cpu.pc);
        // SAFETY: blocks that ran in this slice are not freed before the next one begins, and
        // the exit is an op of the block.
        let (alive, phys, by) =
            unsafe { (!(*from).toll.is_dead(), (*from).phys, (*exit).distance()) };
        let left = GuestVirt(pc.wrapping_sub(by as u64));
        if !alive || left.page_number() != GuestVirt(pc).page_number() {
            return;
        }
        let Ok((target, cacheable)) = self.find(shared, false) else {
            return;
        };
        // SAFETY: as above; the target was just found.
        let same = unsafe { GuestPhys((*target).phys).page() == GuestPhys(phys).page() };
        // SAFETY: as above.
        let still = unsafe { !(*from).toll.is_dead() };
        if same && cacheable && still && !shared.blocks.is_apart(GuestPhys(phys)) {
            crate::link::link(exit, from, target);
            self.slow.linked = Some((pc, target));
        }
    }

    /// Enters a block, and gives back the fuel of what was not executed.
    fn run_code(&mut self, shared: &mut Shared, code: *const Code, fuel: &mut i64) -> Stop {
        self.slow.blocks = &raw mut shared.blocks;
        self.cpu.slow = &raw mut *self.slow;
        let cpu = &raw mut *self.cpu;
        let pc = self.cpu.pc;
        // SAFETY: see UNSAFETY; the code stands at the program counter.
        *fuel = unsafe { native::run(cpu, code, pc, *fuel) };
        let stop = self.cpu.stop();
        if let Stop::Trap(_) | Stop::Access(_) | Stop::Stopped(_) | Stop::Alone = stop {
            // SAFETY: blocks that ran in this slice are not freed before the next one begins.
            let code = unsafe { &*self.cpu.code };
            let (index, offset) = code.site_of(self.cpu.ip);
            *fuel += (code.sites.len() - index) as i64;
            self.cpu.pc = self.cpu.pc.wrapping_add(offset);
            self.cpu.recent.expect_alone(self.cpu.pc);
        }
        stop
    }

    /// Runs one instruction, with the answers that devices have given so far, and its witness.
    fn run_alone(&mut self, shared: &mut Shared, code: *const Code, fuel: &mut i64) -> Stop {
        let frontend = self.slow.frontend.clone();
        let (first, budget) = self.slow.slice;
        self.retired = first.wrapping_add((budget - *fuel) as u64);
        let before = self.witness(&*frontend);
        self.slow.answers.1 = 0;
        // What an instruction did that trapped, waited for a device or was filtered out is not
        // what this one does.
        if let Some(watch) = &mut self.slow.watch {
            watch.seen.clear();
        }
        // One instruction's worth of fuel, so that what it jumps to is not entered.
        let mut one = 1;
        // Helpers tell the time by the fuel that a slice has used up.
        self.slow.slice.1 = budget - *fuel + one;
        // SAFETY: the block was just found.
        let (phys, bytes) = unsafe { ((*code).phys, (*code).bytes) };
        let alone = self.cpu.recent.before_alone(self.cpu.pc);
        let behind = self.cpu.pc.wrapping_add(u64::from(bytes));
        let stop = self.run_code(shared, code, &mut one);
        self.cpu.recent.after_alone(alone);
        self.slow.slice.1 = budget;
        *fuel -= 1 - one;
        if !matches!(stop, Stop::Access(_) | Stop::Stopped(_)) {
            self.cpu.recent.expect_alone(behind);
            self.slow.answers.0.clear();
            if let (Some(before), true) = (before, one == 0) {
                self.report(&*frontend, &before, phys, bytes);
            }
        }
        stop
    }

    fn witness(&mut self, frontend: &dyn Frontend) -> Option<Before> {
        let pc = self.cpu.pc;
        if !self.stepped {
            return None;
        }
        let before = Before::new(frontend, &self.cpu.words[..self.slow.slots], pc);
        let trace = self.trace.as_ref()?;
        let wanted = lock(trace).wants(self.number, GuestVirt(pc), before.privilege, self.retired);
        wanted.then_some(before)
    }

    fn report(&mut self, frontend: &dyn Frontend, before: &Before, phys: u64, bytes: u32) {
        let mut code = vec![0; bytes as usize];
        let _ = self.slow.ram.read(GuestPhys(phys), &mut code);
        let slots = &self.cpu.words[..self.slow.slots];
        let event = before.event(frontend, slots, &code);
        let accesses = self
            .slow
            .watch
            .as_mut()
            .map(|w| std::mem::take(&mut w.seen));
        let at = self.moment();
        let Some(trace) = &self.trace else { return };
        let mut trace = lock(trace);
        let kinds = trace.kinds();
        if kinds.any(TraceKinds::BLOCK) {
            let event = TraceEvent::Block {
                pc: GuestVirt(before.pc),
                insns: 1,
            };
            trace.event(at, &event);
        }
        if kinds.any(TraceKinds::INSN) {
            trace.event(at, &event);
        }
        for access in accesses.into_iter().flatten() {
            trace.event(at, &access);
        }
    }

    /// Delivers a trap; false if the CPU is stuck.
    fn trap(&mut self, trap: Trap, start: (u64, i64), fuel: i64) -> bool {
        self.slow.answers.0.clear();
        self.retired = start.0.wrapping_add((start.1 - fuel) as u64);
        self.deliver(trap, false)
    }

    fn deliver(&mut self, trap: Trap, interrupt: bool) -> bool {
        let frontend = self.slow.frontend.clone();
        let pc = self.cpu.pc;
        self.trace_trap(&*frontend, trap, interrupt, pc);
        self.cpu.recent.note_trap(trap.cause, interrupt);
        let from = frontend.privilege(self.slots());
        let done = frontend.deliver(self.slots(), trap, interrupt, pc);
        self.cpu.pc = self.cpu.words[self.pc_slot()];
        self.remember_trap(pc, from);
        done
    }

    fn trace_trap(&self, frontend: &dyn Frontend, trap: Trap, interrupt: bool, pc: u64) {
        let Some(trace) = &self.trace else { return };
        let mut trace = lock(trace);
        let kind = if interrupt {
            TraceKinds::IRQ
        } else {
            TraceKinds::TRAP
        };
        let privilege = frontend.privilege(&self.cpu.words[..self.slow.slots]);
        let (at, pc) = (self.moment(), GuestVirt(pc));
        if trace.kinds().any(kind) && trace.wants(self.number, pc, privilege, self.retired) {
            let name = frontend.trap_name(trap.cause, interrupt);
            let event = TraceEvent::Trap {
                pc,
                trap,
                interrupt,
                name,
            };
            trace.event(at, &event);
        }
    }

    fn take_interrupt(&mut self) -> bool {
        // An instruction that waits for a device's answer is not torn in two.
        if !self.slow.answers.0.is_empty() {
            return false;
        }
        let slots = &self.cpu.words[..self.slow.slots];
        match self.slow.frontend.interrupt(slots) {
            Some(trap) => self.deliver(trap, true),
            None => false,
        }
    }

    /// Catches up with what happened to the machine's blocks while this CPU did not run.
    fn follow_blocks(&mut self, blocks: &mut Blocks) {
        for page in self.slow.ram.take_stale() {
            blocks.drop_page(&self.slow.ram, page.page_number());
        }
        blocks.tidy(&self.slow.ram);
        blocks.publish();
        if self.seen.0 != blocks.epoch {
            self.seen.0 = blocks.epoch;
            self.slow.jumps.clear_all();
        }
        self.protect(blocks);
    }

    /// Takes back the right to write unnoticed to pages that have become code pages.
    fn protect(&mut self, blocks: &Blocks) {
        if self.seen.1 != blocks.protected_epoch {
            (self.seen.1, self.seen.2) = (blocks.protected_epoch, 0);
            self.slow.tlb.protect_all();
        }
        for page in &blocks.protected[self.seen.2..] {
            self.slow.tlb.protect(*page);
        }
        self.seen.2 = blocks.protected.len();
    }
}
