//! Memory and helpers for the reference run: guest RAM as the CPU sees it without translation.

use std::sync::Arc;

use vm_core::{Clock, GuestPhys, Trap};
use vm_ir::reference::{Outside, Purpose};
use vm_ir::{Frontend, HelperCx, MemArg, Type};
use vm_mem::{Access, GuestRam};

/// Guest RAM by physical address, and the architecture's helpers.
pub struct Memory {
    /// The architecture.
    pub frontend: Arc<dyn Frontend>,
    /// The RAM.
    pub ram: GuestRam,
    /// The clock that helpers see.
    pub clock: Arc<Clock>,
}

impl Memory {
    fn bytes(addr: u64, ty: Type) -> (GuestPhys, usize) {
        (GuestPhys(addr), ty.bytes() as usize)
    }

    fn fault(&self, access: Access, addr: u64) -> Trap {
        self.frontend.bus_fault(access, addr)
    }
}

impl Outside for Memory {
    fn load(&mut self, addr: u64, ty: Type, arg: MemArg) -> Result<u64, Trap> {
        let (at, count) = Self::bytes(addr, ty);
        let mut bytes = [0; 8];
        let part = &mut bytes[..count];
        if self.ram.read(at, part).is_err() {
            return Err(self.fault(Access::Load, addr));
        }
        if arg.big_endian {
            part.reverse();
        }
        Ok(u64::from_le_bytes(bytes))
    }

    fn store(&mut self, addr: u64, ty: Type, arg: MemArg, value: u64) -> Result<(), Trap> {
        let (at, count) = Self::bytes(addr, ty);
        let mut bytes = value.to_le_bytes();
        let part = &mut bytes[..count];
        if arg.big_endian {
            part.reverse();
        }
        if self.ram.write(at, part).is_err() {
            return Err(self.fault(Access::Store, addr));
        }
        Ok(())
    }

    fn probe(&mut self, addr: u64, ty: Type, purpose: Purpose) -> Result<u64, Trap> {
        let access = match purpose {
            Purpose::Load | Purpose::Reserve => Access::Load,
            Purpose::Store | Purpose::Atomic => Access::Store,
        };
        let atomic = matches!(purpose, Purpose::Atomic | Purpose::Reserve);
        if atomic
            && !addr.is_multiple_of(ty.bytes())
            && let Some(trap) = self.frontend.misaligned_atomic(access, addr)
        {
            return Err(trap);
        }
        if self.ram.contains(GuestPhys(addr), ty.bytes()) {
            Ok(addr)
        } else {
            Err(self.fault(access, addr))
        }
    }

    fn call(
        &mut self,
        helper: u32,
        slots: &mut [u64],
        pc: u64,
        args: [u64; 4],
    ) -> Result<u64, Trap> {
        let helper = &self.frontend.helpers()[helper as usize];
        let mut cx = HelperCx {
            slots,
            ram: &self.ram,
            clock: &self.clock,
            pc,
            retired: 0,
            in_slice: 0,
            requests: &mut Vec::new(),
        };
        (helper.run)(&mut cx, args)
    }
}
