//! Looks into a machine between two runs, and changes it: for debuggers and for tests.

use vm_core::GuestPhys;
use vm_mem::RamFault;

use crate::Vm;
use crate::symbols::{SymbolError, Symbols};

impl Vm {
    /// Changes after how many instructions, of all CPUs together, a run ends.
    pub fn set_limit(&mut self, insns: Option<u64>) {
        self.config.limit_insns = insns;
    }

    /// The value of a CPU's register by its name.
    #[must_use]
    pub fn register(&self, cpu: usize, name: &str) -> Option<u64> {
        self.cpus.get(cpu)?.register(name)
    }

    /// Reads guest RAM at a physical address.
    pub fn read_memory(&self, addr: u64, out: &mut [u8]) -> Result<(), RamFault> {
        self.ram.read(GuestPhys(addr), out)
    }

    /// Writes guest RAM at a physical address, as a device would.
    pub fn write_memory(&mut self, addr: u64, bytes: &[u8]) -> Result<(), RamFault> {
        self.ram.write(GuestPhys(addr), bytes)
    }

    /// The symbols of the Linux kernel that stands in guest RAM, with its addresses as they are.
    pub fn guest_symbols(&self) -> Result<Symbols, SymbolError> {
        let mut symbols = Symbols::from_kallsyms(&self.ram)?;
        symbols.settle(&self.ram, &|_| None);
        Ok(symbols)
    }
}
