//! Accesses that are more than a plain load or store: ordered, swapped, atomic.
//!
//! An atomic operation is one operation of the host, so CPUs on several threads could run them
//! side by side; `reservation.rs` has the rule for pairs of a load and a store.

use std::sync::atomic::Ordering::{AcqRel, SeqCst};
use std::sync::atomic::fence;
use std::sync::{Mutex, PoisonError};

use vm_core::Width;
use vm_ir::{MemArg, Op, Order, Type};
use vm_mem::{Access, Exchange as _, HostCell};

use super::{Place, Slow, cell, copy_in, copy_out, crosses};
use crate::cpu::{Cpu, Stop};
use crate::flat::Flat;
use crate::reservation;

/// Held over an atomic operation on a value that is not aligned: those are atomic among
/// themselves.
static SPLIT: Mutex<()> = Mutex::new(());

impl Slow {
    /// Every memory operation that is not a plain load or store.
    pub fn special(
        &mut self,
        cpu: &mut Cpu,
        ip: *const Flat,
        op: Op,
        ty: Type,
        addr: u64,
        values: [u64; 2],
        imm: u64,
    ) -> Result<u64, Stop> {
        if op == Op::Fence {
            order_all(imm);
            return Ok(0);
        }
        let arg = MemArg::unpack(imm);
        let addr = addr.wrapping_add_signed(i64::from(arg.offset));
        let swap = Swap(arg.big_endian.then_some(ty.bytes()));
        match op {
            Op::Load => self.load(cpu, ip, addr, ty).map(|value| swap.of(value)),
            Op::Store => {
                self.store(cpu, ip, addr, ty, swap.of(values[0]))?;
                if arg.order == Order::Sequential {
                    // Loads that come later wait for the store, on every host.
                    fence(SeqCst);
                }
                Ok(0)
            }
            Op::ProbeLoad => self.probe(cpu, addr, ty.bytes(), Access::Load).map(|()| 0),
            Op::ProbeStore => self.probe(cpu, addr, ty.bytes(), Access::Store).map(|()| 0),
            _ => self.atomic(cpu, ip, op, ty, addr, values, swap),
        }
    }

    /// Reads, changes and writes one value, with nothing between.
    fn atomic(
        &mut self,
        cpu: &mut Cpu,
        ip: *const Flat,
        op: Op,
        ty: Type,
        addr: u64,
        values: [u64; 2],
        swap: Swap,
    ) -> Result<u64, Stop> {
        let bytes = ty.bytes();
        let access = if op == Op::LoadRes {
            Access::Load
        } else {
            Access::Store
        };
        if !addr.is_multiple_of(bytes)
            && let Some(trap) = self.frontend.misaligned_atomic(access, addr)
        {
            return Err(Stop::Trap(trap));
        }
        if crosses(addr, bytes) {
            return Err(Stop::Trap(self.frontend.bus_fault(access, addr)));
        }
        if op != Op::StoreCond {
            self.ask_watch(cpu, addr, bytes, Access::Load)?;
        }
        if op != Op::LoadRes {
            self.ask_watch(cpu, addr, bytes, Access::Store)?;
        }
        let (host, at) = match self.place(cpu, addr, bytes, access)? {
            Place::Ram(host, at) => (host, at),
            Place::Device(_) => return Err(Stop::Trap(self.frontend.bus_fault(access, addr))),
        };
        let target = Target::new(host, bytes);
        let words = cpu.words[self.reservation..].first_chunk_mut();
        let reserved = words.expect("a layout has three words for it");
        if op == Op::StoreCond {
            let stored = reservation::store(reserved, at.0, bytes, |value| {
                target.exchange(swap.of(value), swap.of(values[0]))
            });
            if stored {
                self.wrote(at, bytes);
                self.watched(cpu, ip, addr, bytes, values[0], true);
            }
            return Ok(u64::from(stored));
        }
        let (old, new) = target.update(|raw| {
            let old = swap.of(raw);
            let new = match op {
                Op::LoadRes => None,
                Op::Cas => (old == values[0]).then_some(values[1]),
                _ => Some(exchanged(op, ty, old, values[0])),
            };
            new.map(|new| swap.of(new))
        });
        let old = swap.of(old);
        if op == Op::LoadRes {
            *reserved = reservation::of(at.0, old, bytes);
        }
        self.watched(cpu, ip, addr, bytes, old, false);
        if let Some(new) = new {
            self.wrote(at, bytes);
            self.watched(cpu, ip, addr, bytes, swap.of(new), true);
        }
        Ok(old)
    }
}

/// Between the guest's byte order and that of memory: how many bytes change places, if any.
#[derive(Clone, Copy)]
struct Swap(Option<u64>);

impl Swap {
    fn of(self, value: u64) -> u64 {
        match self.0 {
            Some(bytes) => value.swap_bytes() >> (64 - 8 * bytes),
            None => value,
        }
    }
}

/// What an atomic operation works on.
enum Target {
    Aligned(HostCell),
    Split(*mut u8, u64),
}

impl Target {
    fn new(host: *mut u8, bytes: u64) -> Self {
        let whole = Width::of_bytes(bytes).and_then(|width| cell(host, width));
        whole.map_or(Self::Split(host, bytes), Self::Aligned)
    }

    /// Changes the value to what a function makes of it; the old one, and the new one if there
    /// is one.
    fn update(&self, mut change: impl FnMut(u64) -> Option<u64>) -> (u64, Option<u64>) {
        let (host, bytes) = match *self {
            Self::Aligned(cell) => return cell.update(change),
            Self::Split(host, bytes) => (host, bytes),
        };
        let _alone = SPLIT.lock().unwrap_or_else(PoisonError::into_inner);
        let old = copy_out(host, bytes);
        let new = change(old);
        if let Some(new) = new {
            copy_in(host, bytes, new);
        }
        (old, new)
    }

    fn exchange(&self, old: u64, new: u64) -> bool {
        let (_, stored) = self.update(|now| (now == old).then_some(new));
        stored.is_some()
    }
}

/// Keeps the accesses before a fence from those behind it.
fn order_all(order: u64) {
    const RELAXED: u64 = Order::Relaxed as u64;
    const SEQUENTIAL: u64 = Order::Sequential as u64;
    match order {
        RELAXED => {}
        SEQUENTIAL => fence(SeqCst),
        // Plain accesses acquire and release already, and the host's compiler may not move them.
        _ => fence(AcqRel),
    }
}

/// What an atomic operation leaves in memory.
fn exchanged(op: Op, ty: Type, old: u64, value: u64) -> u64 {
    let by = match op {
        Op::AmoAdd => Op::Add,
        Op::AmoAnd => Op::And,
        Op::AmoOr => Op::Or,
        Op::AmoXor => Op::Xor,
        Op::AmoMinS => Op::MinS,
        Op::AmoMaxS => Op::MaxS,
        Op::AmoMinU => Op::MinU,
        Op::AmoMaxU => Op::MaxU,
        _ => return value,
    };
    by.eval(ty, ty, old, value, 0).unwrap_or(value)
}
