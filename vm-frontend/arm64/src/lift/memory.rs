//! Loads, stores, pairs, exclusives and atomics.
//!
//! State is written behind the last access, so that an access that faults leaves none changed.

use vm_ir::Type::{I32, I64};
use vm_ir::{MemArg, Op, Order, Type, Val};

use super::{Gpr, Lift, Spr};
use crate::isa::Index;

/// Where an access goes, and what becomes of the base register.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// At the base plus an offset.
    Offset(i64),
    /// The same, and the base becomes the address.
    Pre(i64),
    /// At the base, to which the offset is added then.
    Post(i64),
}

impl Mode {
    const fn offset(self) -> i32 {
        match self {
            Self::Offset(offset) | Self::Pre(offset) => offset as i32,
            Self::Post(_) => 0,
        }
    }
}

/// What a loaded value becomes.
#[derive(Clone, Copy, Debug)]
pub enum Widen {
    /// Zero-extended.
    Zero,
    /// Sign-extended to 32 bits.
    Sign32,
    /// Sign-extended to 64 bits.
    Sign64,
}

/// The ordering that the bits for acquire (2) and release (1) ask for.
///
/// Accesses that acquire or release are in one order that all CPUs agree on, so a stronger one is
/// asked for than the words say.
const fn ordered(bits: u32) -> MemArg {
    MemArg::ordered(match bits {
        0 => Order::Relaxed,
        _ => Order::Sequential,
    })
}

impl<'a> Lift<'a> {
    fn widen(&self, value: Val<'a>, how: Widen) -> Val<'a> {
        match how {
            Widen::Zero => value,
            Widen::Sign32 => value.sext(I32),
            Widen::Sign64 => value.sext(I64),
        }
    }

    /// The base register's new value, if it gets one.
    fn write_back(&self, base: Spr, mode: Mode) {
        match mode {
            Mode::Offset(_) => {}
            Mode::Pre(offset) | Mode::Post(offset) => {
                self.set_sp(base, self.sp(I64, base) + offset);
            }
        }
    }

    /// Loads into a register.
    pub fn load(&self, ty: Type, how: Widen, d: Gpr, base: Spr, mode: Mode) {
        let arg = MemArg::plain(mode.offset());
        let value = self.out.load(ty, self.sp(I64, base), arg);
        let value = self.widen(value, how);
        self.load_done(d, value, base, mode);
    }

    /// The base register has the last word if it is loaded too.
    fn load_done(&self, d: Gpr, value: Val<'a>, base: Spr, mode: Mode) {
        let next = match mode {
            Mode::Offset(_) => None,
            Mode::Pre(offset) | Mode::Post(offset) => Some(self.sp(I64, base) + offset),
        };
        self.set(d, value);
        if let Some(next) = next {
            self.set_sp(base, next);
        }
    }

    /// Stores a register.
    pub fn store(&self, ty: Type, r: Gpr, base: Spr, mode: Mode) {
        let arg = MemArg::plain(mode.offset());
        self.out.store(self.sp(I64, base), self.r(ty, r), arg);
        self.write_back(base, mode);
    }

    fn indexed(&self, base: Spr, index: Index) -> Val<'a> {
        self.sp(I64, base) + self.extended(I64, index)
    }

    /// Loads from a base plus a register.
    pub fn load_at(&self, ty: Type, how: Widen, d: Gpr, base: Spr, index: Index) {
        let addr = self.indexed(base, index);
        let value = self.out.load(ty, addr, MemArg::plain(0));
        self.set(d, self.widen(value, how));
    }

    /// Stores to a base plus a register.
    pub fn store_at(&self, ty: Type, r: Gpr, base: Spr, index: Index) {
        let addr = self.indexed(base, index);
        self.out.store(addr, self.r(ty, r), MemArg::plain(0));
    }

    /// Loads from near the instruction.
    pub fn load_near(&self, ty: Type, how: Widen, d: Gpr, distance: i64) {
        let value = self.out.load(ty, self.pc(distance), MemArg::plain(0));
        self.set(d, self.widen(value, how));
    }

    /// Loads two registers.
    pub fn load_pair(&self, ty: Type, how: Widen, d: [Gpr; 2], base: Spr, mode: Mode) {
        let addr = self.sp(I64, base);
        let [low, high] = self.pair_args(ty, mode);
        let first = self.out.load(ty, addr, low);
        let second = self.out.load(ty, addr, high);
        let next = match mode {
            Mode::Offset(_) => None,
            Mode::Pre(offset) | Mode::Post(offset) => Some(addr + offset),
        };
        self.set(d[0], self.widen(first, how));
        self.set(d[1], self.widen(second, how));
        if let Some(next) = next {
            self.set_sp(base, next);
        }
    }

    /// Stores two registers.
    pub fn store_pair(&self, ty: Type, r: [Gpr; 2], base: Spr, mode: Mode) {
        let addr = self.sp(I64, base);
        let [low, high] = self.pair_args(ty, mode);
        self.out.store(addr, self.r(ty, r[0]), low);
        self.out.store(addr, self.r(ty, r[1]), high);
        self.write_back(base, mode);
    }

    fn pair_args(&self, ty: Type, mode: Mode) -> [MemArg; 2] {
        let low = mode.offset();
        [low, low + ty.bytes() as i32].map(MemArg::plain)
    }

    /// Loads, later accesses staying later.
    pub fn load_acquire(&self, ty: Type, d: Gpr, base: Spr) {
        let value = self.out.load(ty, self.sp(I64, base), ordered(2));
        self.set(d, value);
    }

    /// Stores, earlier accesses staying earlier.
    pub fn store_release(&self, ty: Type, r: Gpr, base: Spr) {
        self.out
            .store(self.sp(I64, base), self.r(ty, r), ordered(1));
    }

    /// Loads and reserves.
    pub fn load_exclusive(&self, ty: Type, d: Gpr, base: Spr, acquire: u32) {
        let (addr, arg) = (self.sp(I64, base), ordered(acquire));
        let value = self.out.push(Op::LoadRes, ty, &[addr.id], arg.pack());
        self.set(d, value);
    }

    /// Stores if the reservation holds; writes zero if it did.
    pub fn store_exclusive(&self, ty: Type, status: Gpr, r: Gpr, base: Spr, release: u32) {
        let (addr, value) = (self.sp(I64, base), self.r(ty, r));
        let arg = ordered(release).pack();
        let stored = self.out.push(Op::StoreCond, ty, &[addr.id, value.id], arg);
        self.set(status, (!stored).zext(I32));
    }

    /// Exchanges memory in one step; writes what it held.
    pub fn atomic(&self, op: Op, d: Gpr, base: Spr, value: Val<'a>, order: u32) {
        let old = self.out.amo(op, self.sp(I64, base), value, ordered(order));
        self.set(d, old);
    }

    /// Stores if memory holds what a register says; writes there what it held.
    pub fn compare_and_swap(&self, ty: Type, s: Gpr, r: Gpr, base: Spr, order: u32) {
        let (addr, wanted, new) = (self.sp(I64, base), self.r(ty, s), self.r(ty, r));
        let ids = [addr.id, wanted.id, new.id];
        let old = self.out.push(Op::Cas, ty, &ids, ordered(order).pack());
        self.set(s, old);
    }
}
