//! The world that random blocks run in: slots, helpers and a page of memory.

use vm_core::{RegisterKind, Trap};

use crate::reference::{Outside, Purpose};
use crate::{Effects, Helper, HelperCx, Layout, MemArg, SlotId, SlotInfo, Type};

/// A layout with 64 plain slots `s0` to `s63`, then `pc`, `flags` and the reservation.
#[must_use]
pub fn layout() -> Layout {
    let plain = (0..64).map(|i| format!("s{i}"));
    let others = ["pc", "flags", "res_addr", "res_value", "res_bytes"];
    let slot = |name| SlotInfo {
        name,
        kind: RegisterKind::General,
        bits: 64,
    };
    Layout {
        slots: plain.chain(others.map(String::from)).map(slot).collect(),
        pc: SlotId(64),
        fp_flags: SlotId(65),
        reservation: SlotId(66),
    }
}

/// Helpers of all kinds: `sum` touches nothing, `peek` reads slots, `poke` writes them and
/// `refuse` traps if its first word is odd.
pub const HELPERS: &[Helper] = &[
    helper("sum", sum, [false, false, false]),
    helper("peek", peek, [true, false, false]),
    helper("poke", poke, [true, true, false]),
    helper("refuse", refuse, [false, false, true]),
];

type Run = fn(&mut HelperCx, [u64; 4]) -> Result<u64, Trap>;

const fn helper(name: &'static str, run: Run, [reads, writes, traps]: [bool; 3]) -> Helper {
    let effects = Effects {
        reads,
        writes,
        traps,
    };
    Helper { name, run, effects }
}

fn sum(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(0, cx.slots, args)
}

fn peek(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(1, cx.slots, args)
}

fn poke(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(2, cx.slots, args)
}

fn refuse(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(3, cx.slots, args)
}

/// What the helpers do.
fn call(helper: u32, slots: &mut [u64], args: [u64; 4]) -> Result<u64, Trap> {
    let [a, b, c, d] = args;
    let slot = (a & 7) as usize;
    match helper {
        1 => Ok(slots[slot]),
        2 => Ok(std::mem::replace(&mut slots[slot], b)),
        3 if a & 1 == 1 => Err(Trap::new(3, a)),
        _ => Ok(a.wrapping_add(b).wrapping_add(c).wrapping_add(d)),
    }
}

/// A page of memory that is everywhere, with holes; it remembers what was done to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// The page.
    pub bytes: Vec<u8>,
    /// One address in so many traps; zero: none does.
    pub holes: u64,
    /// What was written and called: address or helper, value.
    pub log: Vec<(u64, u64)>,
}

/// The size of the page.
const PAGE: u64 = 4096;

impl World {
    /// A page of zeroes.
    #[must_use]
    pub fn new(holes: u64) -> Self {
        Self {
            bytes: vec![0; PAGE as usize],
            holes,
            log: Vec::new(),
        }
    }

    fn places(addr: u64, ty: Type, arg: MemArg) -> impl Iterator<Item = (usize, u64)> {
        let last = ty.bytes() - 1;
        (0..=last).map(move |i| {
            let at = addr.wrapping_add(i) % PAGE;
            let significance = if arg.big_endian { last - i } else { i };
            (at as usize, 8 * significance)
        })
    }
}

impl Outside for World {
    fn load(&mut self, addr: u64, ty: Type, arg: MemArg) -> Result<u64, Trap> {
        self.probe(addr, ty, Purpose::Load)?;
        let places = Self::places(addr, ty, arg);
        Ok(places.fold(0, |value, (at, shift)| {
            value | u64::from(self.bytes[at]) << shift
        }))
    }

    fn store(&mut self, addr: u64, ty: Type, arg: MemArg, value: u64) -> Result<(), Trap> {
        self.probe(addr, ty, Purpose::Store)?;
        for (at, shift) in Self::places(addr, ty, arg) {
            self.bytes[at] = (value >> shift) as u8;
        }
        self.log.push((addr, value));
        Ok(())
    }

    fn probe(&mut self, addr: u64, _: Type, purpose: Purpose) -> Result<u64, Trap> {
        if (addr >> 3).checked_rem(self.holes) == Some(1) {
            return Err(Trap::new(13 + purpose as u32, addr));
        }
        Ok(addr % PAGE)
    }

    fn call(
        &mut self,
        helper: u32,
        slots: &mut [u64],
        pc: u64,
        args: [u64; 4],
    ) -> Result<u64, Trap> {
        self.log.push((u64::from(helper), pc));
        call(helper, slots, args)
    }
}
