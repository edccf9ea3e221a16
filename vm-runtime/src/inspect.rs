//! Looks into a machine between two runs, and changes it: for debuggers and for tests.

use std::ops::Range;

use vm_core::{GuestPhys, PAGE_BYTES};
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

    /// Reads at a virtual address of a CPU, whatever its rights; how many bytes there are.
    pub fn read_virtual(&self, cpu: usize, addr: u64, out: &mut [u8]) -> usize {
        let mut done = 0;
        for (at, part) in pages(addr, out.len()) {
            let found = self.translate(cpu, at).phys;
            let place = out.get_mut(part);
            let read = found.zip(place).is_some_and(|(phys, place)| {
                let bytes = place.len();
                self.ram
                    .read(phys, place)
                    .is_ok()
                    .then(|| done += bytes)
                    .is_some()
            });
            if !read {
                break;
            }
        }
        done
    }

    /// Writes at a virtual address of a CPU, whatever its rights; how many bytes were written.
    pub fn write_virtual(&mut self, cpu: usize, addr: u64, bytes: &[u8]) -> usize {
        let mut done = 0;
        for (at, part) in pages(addr, bytes.len()) {
            let found = self.translate(cpu, at).phys;
            let content = bytes.get(part);
            let written = found.zip(content).is_some_and(|(phys, content)| {
                let written = self.ram.write(phys, content).is_ok();
                done += if written { content.len() } else { 0 };
                written
            });
            if !written {
                break;
            }
        }
        done
    }

    /// The symbols of the Linux kernel that stands in guest RAM, with its addresses as they are.
    pub fn guest_symbols(&self) -> Result<Symbols, SymbolError> {
        let mut symbols = Symbols::from_kallsyms(&self.ram)?;
        self.settle_symbols(&mut symbols);
        Ok(symbols)
    }

    /// Finds out where the program of these symbols stands in the guest.
    pub fn settle_symbols(&self, symbols: &mut Symbols) -> bool {
        let translate = |addr| (0..self.cpus()).find_map(|cpu| self.translate(cpu, addr).phys);
        symbols.settle(&self.ram, &|addr| translate(addr).map(|phys| phys.0))
    }
}

/// A range of addresses cut where pages end: each part's address, and which bytes it is.
fn pages(addr: u64, bytes: usize) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let here = addr.wrapping_add(at as u64);
        let room = PAGE_BYTES - (here & (PAGE_BYTES - 1));
        let part = at..bytes.min(at + room as usize);
        at = part.end;
        (!part.is_empty()).then_some((here, part))
    })
}
