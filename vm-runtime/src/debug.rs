//! Where a debugger takes hold of a machine: between two turns.
//!
//! A [`Debugger`] is asked after every turn whether the guest may go on, and is told when a CPU
//! met something that it waits for.
//! A stop may come in the middle of a turn; what is left of the turn is kept, so that a guest
//! that was stopped and went on does exactly what it would have done.

use std::sync::Arc;

use vm_core::{GuestVirt, Stopped, Stops, Translation};
use vm_ir::Target;

use crate::{Outcome, Symbols, Vm, VmError};

/// What happened to the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DebugEvent {
    /// A CPU stopped for the debugger.
    Stopped {
        /// Which CPU.
        cpu: usize,
        /// Why.
        why: Stopped,
    },
    /// The run is about to end; the machine can still be looked at.
    Ending(Outcome),
}

/// What the debugger wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// The guest goes on.
    Go,
    /// The run ends.
    End,
    /// The machine starts again from power-on; the debugger is asked again before it runs.
    Restart,
}

/// Somebody who stops and looks at a machine.
pub trait Debugger: Send {
    /// Is asked between two turns, and may keep the guest waiting as long as it likes.
    fn attend(&mut self, vm: &mut Vm, event: Option<DebugEvent>) -> Wish;
}

/// How a machine runs for its debugger.
#[derive(Debug, Default)]
pub(crate) struct Halting {
    /// The CPU that makes one step, and how many instructions it had retired before.
    stepping: Option<(usize, u64)>,
    /// CPUs that are held while others run.
    held: Vec<bool>,
    stopped: Option<(usize, Stopped)>,
}

impl Halting {
    /// Whether a CPU is held.
    pub(crate) fn holds(&self, cpu: usize) -> bool {
        self.held.get(cpu).copied().unwrap_or(false)
    }

    /// Whether a CPU makes one step.
    pub(crate) fn steps(&self, cpu: usize) -> bool {
        self.stepping.is_some_and(|(stepping, _)| stepping == cpu)
    }

    /// A CPU stopped.
    pub(crate) fn stop(&mut self, cpu: usize, why: Stopped) {
        self.stopped = Some((cpu, why));
    }
}

impl Vm {
    /// Hands the machine to a debugger.
    pub fn set_debugger(&mut self, debugger: Box<dyn Debugger>) {
        self.debugger = Some(debugger);
    }

    /// Says where all CPUs stop.
    pub fn set_stops(&mut self, stops: &Arc<Stops>) {
        for cpu in &mut self.cpus {
            cpu.set_stops(stops);
        }
    }

    /// Says how the machine goes on: with one step of a CPU, and with some CPUs held.
    pub fn go_on(&mut self, step: Option<usize>, held: Vec<bool>) {
        self.halting.stepping = step.map(|cpu| (cpu, self.cpus[cpu].retired()));
        self.halting.held = held;
        // The turn of a CPU that is held is over.
        if self.turn_left > 0 && self.halting.holds(self.turn_of) {
            self.turn_left = 0;
            self.turn_of += 1;
        }
    }

    /// How many CPUs there are.
    #[must_use]
    pub fn cpus(&self) -> usize {
        self.cpus.len()
    }

    /// Sets a CPU's register by its name; false if there is none.
    pub fn set_register(&mut self, cpu: usize, name: &str, value: u64) -> bool {
        let cpu = self.cpus.get_mut(cpu);
        cpu.is_some_and(|cpu| cpu.set_register(name, value))
    }

    /// Where a virtual address of a CPU leads.
    #[must_use]
    pub fn translate(&self, cpu: usize, addr: u64) -> Translation {
        let cpu = self.cpus.get(cpu);
        cpu.map_or_else(Translation::default, |cpu| cpu.translate(GuestVirt(addr)))
    }

    /// Where a CPU stands.
    #[must_use]
    pub fn pc(&self, cpu: usize) -> u64 {
        self.register(cpu, &self.pc_name()).unwrap_or(0)
    }

    /// The name of the program counter.
    #[must_use]
    pub fn pc_name(&self) -> String {
        let frontend = self.board.frontend();
        let layout = frontend.layout();
        let slot = layout.slots.get(usize::from(layout.pc.0));
        slot.map_or_else(String::new, |slot| slot.name.clone())
    }

    /// How debuggers know the architecture.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        self.board.frontend().target()
    }

    /// Guest time in nanoseconds.
    #[must_use]
    pub fn guest_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Sets guest time back to what it was when the machine was stopped.
    pub(crate) fn set_guest_ns(&self, ns: u64) {
        self.clock.restore(ns);
    }

    /// Whether somebody wants the run to end.
    pub(crate) fn quits(&self) -> bool {
        self.control.quits()
    }

    /// Gives the machine the symbols of its program.
    pub fn set_symbols(&mut self, symbols: Arc<Symbols>) {
        self.symbols = Some(symbols);
    }

    /// The symbols that were given.
    #[must_use]
    pub fn symbols(&self) -> Option<&Symbols> {
        self.symbols.as_deref()
    }

    /// What a CPU does.
    #[must_use]
    pub fn cpu_state(&self, cpu: usize) -> &'static str {
        match () {
            () if !self.board.runs(cpu) => "stopped",
            () if self.waiting.get(cpu).copied().unwrap_or(false) => "waiting",
            () => "running",
        }
    }

    /// Lets the debugger look; an outcome if it ends the run.
    pub(crate) fn attend(&mut self) -> Result<Option<Outcome>, VmError> {
        let stopped = self.halting.stopped.take();
        let stepped = || {
            let (cpu, before) = self.halting.stepping?;
            (self.cpus[cpu].retired() != before).then_some((cpu, Stopped::Step))
        };
        let event = stopped.or_else(stepped);
        if event.is_some() {
            self.halting.stepping = None;
        }
        self.ask_debugger(event.map(|(cpu, why)| DebugEvent::Stopped { cpu, why }))
    }

    /// Lets the debugger look at the machine a last time.
    pub(crate) fn attend_ending(&mut self, outcome: Outcome) -> Result<Outcome, VmError> {
        // It may restart the machine no more, only leave.
        let asked = self.ask_debugger(Some(DebugEvent::Ending(outcome)))?;
        Ok(asked.unwrap_or(outcome))
    }

    fn ask_debugger(&mut self, event: Option<DebugEvent>) -> Result<Option<Outcome>, VmError> {
        let Some(mut debugger) = self.debugger.take() else {
            return Ok(None);
        };
        let mut wish = debugger.attend(self, event);
        while wish == Wish::Restart && !matches!(event, Some(DebugEvent::Ending(_))) {
            self.halting = Halting::default();
            self.reset()?;
            wish = debugger.attend(self, None);
        }
        self.debugger = Some(debugger);
        Ok((wish == Wish::End).then_some(Outcome::Interrupted))
    }
}
