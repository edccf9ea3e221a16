//! Atomic memory operations and cache blocks.

use vm_ir::Type::{I8, I64};
use vm_ir::{MemArg, Op, Order, Type, Val};

use super::{Lift, Xpr};
use crate::helper_ids::CACHE_BLOCK;

/// The bytes of a cache block, as `cbo.zero` clears them.
const BLOCK_BYTES: i64 = 64;

/// The ordering that the bits `aq` and `rl` ask for.
const fn ordered(bits: u32) -> u64 {
    let order = match bits {
        0 => Order::Relaxed,
        1 => Order::Release,
        2 => Order::Acquire,
        _ => Order::Sequential,
    };
    MemArg::ordered(order).pack()
}

impl<'a> Lift<'a> {
    /// Exchanges memory in one step; what it held.
    #[must_use]
    pub fn amo(&self, op: Op, addr: Xpr, value: Val<'a>, order: u32) -> Val<'a> {
        self.out
            .amo(op, self.x(addr), value, MemArg::unpack(ordered(order)))
    }

    /// Loads and reserves.
    #[must_use]
    pub fn load_reserved(&self, ty: Type, addr: Xpr, order: u32) -> Val<'a> {
        let addr = self.x(addr);
        self.out.push(Op::LoadRes, ty, &[addr.id], ordered(order))
    }

    /// Stores if the reservation holds; whether it did.
    #[must_use]
    pub fn store_conditional(&self, addr: Xpr, value: Val<'a>, order: u32) -> Val<'a> {
        let addr = self.x(addr);
        let ids = [addr.id, value.id];
        self.out.push(Op::StoreCond, value.ty, &ids, ordered(order))
    }

    /// Cleans, flushes or drops the cache block at an address, if that is permitted here.
    pub fn cache_block(&self, addr: Xpr, permitted: bool) {
        if permitted {
            self.call(CACHE_BLOCK, &[self.x(addr)]);
        } else {
            self.illegal();
        }
    }

    /// Clears the cache block at an address, if that is permitted here.
    pub fn zero_block(&self, addr: Xpr, permitted: bool) {
        if !permitted {
            return self.illegal();
        }
        // A fault is reported at the address given, and a block lies in one page.
        let addr = self.x(addr);
        let plain = MemArg::plain(0).pack();
        self.out.push(Op::ProbeStore, I8, &[addr.id], plain);
        let (start, zero) = (addr & -BLOCK_BYTES, self.out.constant(I64, 0));
        for word in 0..BLOCK_BYTES / 8 {
            self.out.store(start, zero, MemArg::plain(word as i32 * 8));
        }
    }
}
