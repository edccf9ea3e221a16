//! The test guest's memory, as the reference run sees it.

use vm_core::{PAGE_BYTES, PAGE_MASK, Trap};
use vm_mem::Access;

use super::World;
use super::guest::{DATA, Kind, bus_fault};
use crate::reference::{Outside, Purpose};
use crate::{MemArg, Type};

/// A page that is everywhere, with the kinds of [`Kind`].
#[derive(Debug)]
pub struct Memory(pub World);

impl Memory {
    /// The trap of an access, the first page's first.
    fn refuse(addr: u64, bytes: u64, access: Access) -> Result<(), Trap> {
        let behind = (addr | !PAGE_MASK).wrapping_add(1);
        let reaches = addr & !PAGE_MASK > PAGE_BYTES - bytes;
        let second = if reaches {
            Kind::refuses(behind, access)
        } else {
            None
        };
        Kind::refuses(addr, access).or(second).map_or(Ok(()), Err)
    }
}

impl Outside for Memory {
    fn load(&mut self, addr: u64, ty: Type, arg: MemArg) -> Result<u64, Trap> {
        Self::refuse(addr, ty.bytes(), Access::Load)?;
        self.0.load(addr, ty, arg)
    }

    fn store(&mut self, addr: u64, ty: Type, arg: MemArg, value: u64) -> Result<(), Trap> {
        Self::refuse(addr, ty.bytes(), Access::Store)?;
        self.0.store(addr, ty, arg, value)
    }

    fn probe(&mut self, addr: u64, ty: Type, purpose: Purpose) -> Result<u64, Trap> {
        let access = match purpose {
            Purpose::Load | Purpose::Reserve => Access::Load,
            Purpose::Store | Purpose::Atomic => Access::Store,
        };
        let bytes = ty.bytes();
        // No memory does two pages in one step.
        let one_step = matches!(purpose, Purpose::Atomic | Purpose::Reserve);
        if one_step && addr & !PAGE_MASK > PAGE_BYTES - bytes {
            return Err(bus_fault(access, addr));
        }
        Self::refuse(addr, bytes, access)?;
        Ok(DATA.0 + (addr & !PAGE_MASK))
    }

    fn call(
        &mut self,
        helper: u32,
        slots: &mut [u64],
        pc: u64,
        args: [u64; 4],
    ) -> Result<u64, Trap> {
        self.0.call(helper, slots, pc, args)
    }
}
