//! Where a CPU went last: always written down, never state.

use vm_core::{GuestVirt, Recent};

/// How many entries are kept: as many as a byte can number, so that writing one down takes three
/// instructions of the host and no comparison.
// LIMIT: 2 KiB a CPU, which stay in the host's first cache.
const ENTRIES: usize = 256;

/// An entry that was never written: an odd address that no guest has.
const NOTHING: u64 = u64::MAX;
/// What the uppermost byte of an entry is that stands for a trap: no architecture runs code at
/// such addresses. A guest that does nevertheless spoils only what is told about it.
const TRAP: u64 = 0x5a << 56;
const INTERRUPT: u64 = 1 << 32;

/// What is known before an instruction runs by itself.
#[derive(Clone, Copy, Debug)]
pub struct Alone {
    goes_on: bool,
    next: u8,
}

/// The last places at which code was entered, and the traps between them.
#[repr(C)]
#[derive(Debug)]
pub struct Ring {
    entries: [u64; ENTRIES],
    /// Where the next entry goes: behind the newest one, at the oldest one.
    next: u8,
    /// The address behind the instruction that ran alone last, or of the one that is to.
    alone: u64,
}

impl Ring {
    /// Where the entries stand in it, and the number of the next.
    pub const ENTRIES_AT: usize = std::mem::offset_of!(Self, entries);
    /// See [`Ring::ENTRIES_AT`].
    pub const NEXT_AT: usize = std::mem::offset_of!(Self, next);

    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            entries: [NOTHING; ENTRIES],
            next: 0,
            alone: NOTHING,
        }
    }

    /// Code is entered at an address.
    #[inline(always)]
    pub const fn note(&mut self, pc: u64) {
        self.entries[self.next as usize] = pc;
        self.next = self.next.wrapping_add(1);
    }

    /// A trap is taken; of equal ones in a row the first is noted.
    pub fn note_trap(&mut self, cause: u32, interrupt: bool) {
        let entry = TRAP | u64::from(cause) | if interrupt { INTERRUPT } else { 0 };
        if self.entries[usize::from(self.next.wrapping_sub(1))] != entry {
            self.note(entry);
        }
    }

    /// The instruction at `pc` is about to run by itself.
    pub const fn before_alone(&self, pc: u64) -> Alone {
        let goes_on = self.alone == pc;
        Alone {
            goes_on,
            next: self.next,
        }
    }

    /// It has: its entry goes if it only went on with what was.
    pub const fn after_alone(&mut self, alone: Alone) {
        if alone.goes_on && self.next == alone.next.wrapping_add(1) {
            self.next = alone.next;
            self.entries[alone.next as usize] = NOTHING;
        }
    }

    /// If the instruction at `pc` runs by itself next, it goes on with what was.
    pub const fn expect_alone(&mut self, pc: u64) {
        self.alone = pc;
    }

    /// Where code was entered, the newest last.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        let (new, old) = self.entries.split_at(usize::from(self.next));
        let entries = old.iter().chain(new).copied();
        entries.filter(|entry| *entry != NOTHING && entry >> 56 != TRAP >> 56)
    }

    /// What happened, the newest last.
    pub fn oldest_first(&self) -> Vec<Recent> {
        let (new, old) = self.entries.split_at(usize::from(self.next));
        let entries = old.iter().chain(new).filter(|entry| **entry != NOTHING);
        entries.map(|entry| read(*entry)).collect()
    }
}

const fn read(entry: u64) -> Recent {
    if entry >> 56 == TRAP >> 56 {
        Recent::Trap {
            cause: entry as u32,
            interrupt: entry & INTERRUPT != 0,
        }
    } else {
        Recent::Block(GuestVirt(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(pc: u64) -> Recent {
        Recent::Block(GuestVirt(pc))
    }

    #[test]
    fn the_newest_entries_stay_in_their_order() {
        let mut ring = Ring::new();
        assert_eq!(ring.oldest_first(), []);
        ring.note(4);
        ring.note(2);
        assert_eq!(ring.oldest_first(), [block(4), block(2)]);
        for pc in 0..1000 {
            ring.note(pc);
        }
        let want: Vec<Recent> = (1000 - ENTRIES as u64..1000).map(block).collect();
        assert_eq!(ring.oldest_first(), want);
    }

    #[test]
    fn traps_stand_between_blocks_and_equal_ones_once() {
        let mut ring = Ring::new();
        let trap = |cause, interrupt| Recent::Trap { cause, interrupt };
        ring.note(8);
        for _ in 0..3 {
            ring.note_trap(5, false);
        }
        ring.note_trap(5, true);
        ring.note_trap(u32::MAX, true);
        let want = [
            block(8),
            trap(5, false),
            trap(5, true),
            trap(u32::MAX, true),
        ];
        assert_eq!(ring.oldest_first(), want);
    }

    #[test]
    fn instructions_alone_are_noted_where_they_jump_to() {
        let mut ring = Ring::new();
        let alone = |ring: &mut Ring, pc, behind| {
            let alone = ring.before_alone(pc);
            ring.note(pc);
            ring.after_alone(alone);
            ring.expect_alone(behind);
        };
        for (pc, behind) in [(0, 4), (4, 8), (8, 12), (100, 104), (104, 106)] {
            alone(&mut ring, pc, behind);
        }
        assert_eq!(ring.oldest_first(), [block(0), block(100)]);
        ring.expect_alone(300);
        alone(&mut ring, 300, 304);
        alone(&mut ring, 302, 304);
        assert_eq!(ring.oldest_first(), [block(0), block(100), block(302)]);
    }
}
