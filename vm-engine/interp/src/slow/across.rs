//! Accesses that reach from one page into the next.

use vm_mem::Access;

use super::{Place, Slow, copy_out};
use crate::cpu::{Cpu, Stop};

impl Slow {
    /// Loads from two pages; a trap of the second one comes before anything is read.
    pub(super) fn load_across(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
    ) -> Result<u64, Stop> {
        // Both pages first: if the second one traps, nothing has happened.
        self.probe(cpu, addr, bytes, Access::Load)?;
        let mut value = 0;
        for i in 0..bytes {
            let byte = match self.place(cpu, addr.wrapping_add(i), 1, Access::Load)? {
                Place::Ram(host, _) => copy_out(host, 1),
                Place::Device(at) => self.device(at, addr.wrapping_add(i), 1, None)?,
            };
            value |= byte << (8 * i);
        }
        Ok(value)
    }

    /// Stores to two pages; a trap of the second one comes before anything is written.
    pub(super) fn store_across(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
        value: u64,
    ) -> Result<(), Stop> {
        self.probe(cpu, addr, bytes, Access::Store)?;
        for i in 0..bytes {
            let byte = value >> (8 * i) & 0xff;
            match self.place(cpu, addr.wrapping_add(i), 1, Access::Store)? {
                Place::Ram(host, at) => self.write(host, at, 1, byte),
                Place::Device(at) => {
                    self.device(at, addr.wrapping_add(i), 1, Some(byte))?;
                }
            }
        }
        Ok(())
    }
}
