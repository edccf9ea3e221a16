//! Jumps that lead straight from one piece of code to another.
//!
//! A cell between two pieces is read each time, and what it says is cold in a large program; a
//! jump whose distance stands in the code itself is known to the host's predictor beforehand.
//!
//! **Invariant**: whatever leads into a window is led back before the window is retired.

use crate::arena::{Arena, UnitId, WINDOW_BYTES};
use crate::window::{State, Unit, Window};

/// How many ways out a piece of code may have.
pub const EXITS: usize = 3;

/// Where the ways into a piece of code and out of it are, in bytes from its beginning.
///
/// Distances are those of x86-64: 32 bits, from behind the distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Where the distances of its jumps to other pieces stand, at multiples of four; zero if there
    /// is no such jump.
    pub exits: [u16; EXITS],
    /// Where those jumps lead while they lead to no other piece.
    pub stubs: [u16; EXITS],
    /// Where others may enter it, at a multiple of eight.
    pub entry: u16,
    /// Where those are sent who come when it has been forgotten.
    pub away: u16,
}

/// A jump that was led somewhere.
#[derive(Clone, Copy, Debug)]
pub struct WayIn {
    /// Where its distance stands in the arena.
    at: u32,
    /// What the distance is if it leads to no other piece.
    back: [u8; 4],
    /// That of the window in which it stands.
    generation: u32,
}

/// The opcode of a jump with a distance of 32 bits.
const JUMP: u8 = 0xe9;

/// The distance that stands at `at` and leads to `to`.
fn distance(at: usize, to: usize) -> [u8; 4] {
    // An arena is shorter than what 32 bits count.
    (to.wrapping_sub(at + 4) as i32).to_le_bytes()
}

impl<K> Window<K> {
    fn ways_of(&self, id: UnitId) -> Option<(usize, Ways)> {
        let unit = self.units.get(id.index as usize)?.as_ref()?;
        Some((unit.offset as usize, unit.ways?))
    }
}

impl<K: Copy> Arena<K> {
    /// Leads an exit of one piece straight to another; false if either is gone, or has no ways.
    pub fn join(&mut self, from: UnitId, exit: usize, to: UnitId) -> bool {
        let Some((target, ways)) = self.living(to).and_then(|window| window.ways_of(to)) else {
            return false;
        };
        let target = to.window as usize * WINDOW_BYTES + target + usize::from(ways.entry);
        let Some(window) = self.living(from) else {
            return false;
        };
        let generation = window.generation;
        let Some((source, ways)) = window.ways_of(from) else {
            return false;
        };
        if ways.exits[exit] == 0 {
            return false;
        }
        let source = from.window as usize * WINDOW_BYTES + source;
        let at = source + usize::from(ways.exits[exit]);
        let back = distance(at, source + usize::from(ways.stubs[exit]));
        self.map.store32(at, distance(at, target));
        self.windows[to.window as usize].ways_in.push(WayIn {
            at: at as u32,
            back,
            generation,
        });
        true
    }

    /// Leads all jumps back that were led somewhere.
    pub fn part_all(&mut self) {
        (0..self.windows.len()).for_each(|window| self.part(window));
    }

    /// Leads all jumps back that lead into a window.
    pub(crate) fn part(&mut self, window: usize) {
        for way in std::mem::take(&mut self.windows[window].ways_in) {
            let at = way.at as usize;
            let home = &self.windows[at / WINDOW_BYTES];
            let there = matches!(home.state, State::Open | State::Closed | State::Leaving);
            let same = there && home.generation == way.generation;
            if same && self.target(at) / WINDOW_BYTES == window {
                self.map.store32(at, way.back);
            }
        }
    }

    /// Sends whoever comes to a piece that was forgotten away.
    pub(crate) fn divert(&mut self, window: usize, unit: &Unit<K>) {
        let Some(ways) = unit.ways else { return };
        let first = window * WINDOW_BYTES + unit.offset as usize;
        let entry = first + usize::from(ways.entry);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.map.read(entry, 8));
        bytes[0] = JUMP;
        let to = first + usize::from(ways.away);
        bytes[1..5].copy_from_slice(&distance(entry + 1, to));
        self.map.store64(entry, bytes);
    }

    /// Where the jump leads whose distance stands at `at`.
    fn target(&self, at: usize) -> usize {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.map.read(at, 4));
        (at + 4).wrapping_add_signed(i32::from_le_bytes(bytes) as isize)
    }
}
