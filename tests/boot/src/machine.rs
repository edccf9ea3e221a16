//! A machine with its listener.

use std::path::Path;

use vm_runtime::{Config, ConsoleHub, Ending, SharedTrace, Snapshot, Vm, VmError, Waker};

use crate::{Deed, Listener};

/// A machine that was built and can be run in parts.
pub struct Machine {
    /// The machine.
    pub vm: Vm,
    listener: Listener,
    hub: ConsoleHub,
}

impl Machine {
    /// Builds one.
    pub fn new(config: Config, script: Vec<(String, Deed)>) -> Result<Self, VmError> {
        Self::traced(config, script, None)
    }

    /// Builds one whose events somebody watches.
    pub fn traced(
        config: Config,
        script: Vec<(String, Deed)>,
        trace: Option<SharedTrace>,
    ) -> Result<Self, VmError> {
        let listener = Listener::new(script);
        let hub = listener.console();
        let vm = Vm::new(config, hub.clone(), trace)?;
        listener.begin(vm.control());
        Ok(Self { vm, listener, hub })
    }

    /// Builds one that goes on from a saved state.
    pub fn restored(
        config: Config,
        script: Vec<(String, Deed)>,
        from: &Snapshot,
    ) -> Result<Self, VmError> {
        let mut machine = Self::new(config, script)?;
        machine.vm.restore(from, Path::new("the saved state"))?;
        Ok(machine)
    }

    /// Runs until so many instructions have been executed since power-on, or something else
    /// ends the run.
    pub fn run_to(&mut self, insns: u64) -> Result<Ending, VmError> {
        self.vm.set_limit(Some(insns));
        self.vm.run()
    }

    /// Wakes the machine when it waits.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.hub.waker()
    }

    /// Everything that was printed.
    #[must_use]
    pub fn text(&self) -> String {
        self.listener.text()
    }

    /// The marks that were not reached.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        self.listener.left()
    }
}
