//! The arena: windows, placing, eviction, reclamation.

use thiserror::Error;
use vm_mem::{DualMap, DualMapError};

use crate::epochs::Epochs;
use crate::padding::PADDING;
use crate::policy::Policy;
use crate::ways::Ways;
use crate::window::{State, Unit, Window};

/// The length of a window.
pub const WINDOW_BYTES: usize = 256 << 10;

/// Every unit begins at a multiple of this.
pub const ALIGN: usize = 16;

/// The fewest windows: one open, one on its way out, one on its way back, one full.
const LEAST: u64 = 4;

/// The most windows.
// LIMIT: 4 GiB of host code is more than any guest's text, and offsets stay below 32 bits.
const MOST: u64 = 1 << 14;

/// Why there is no arena.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArenaError {
    /// The size makes no sense.
    #[error("a code cache of {bytes} bytes is not possible: it has {least} to {most} bytes")]
    Size {
        /// What was asked for.
        bytes: u64,
        /// The smallest size.
        least: u64,
        /// The largest size.
        most: u64,
    },
    /// The host gives no memory for it.
    #[error(transparent)]
    Memory(#[from] DualMapError),
}

impl ArenaError {
    /// Whether another size would do.
    #[must_use]
    pub const fn is_about_size(&self) -> bool {
        matches!(self, Self::Size { .. })
    }
}

/// Why a unit was not placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// Every window is full or waiting: evict, or reclaim, and try again later.
    Full,
    /// A unit is never longer than a window.
    TooLong,
}

/// Which unit; never the same for two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnitId {
    pub(crate) window: u32,
    pub(crate) index: u32,
    generation: u32,
}

/// Where a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The host address of its first instruction.
    pub entry: u64,
    /// Its length.
    pub bytes: u32,
    /// Its name in this arena.
    pub id: UnitId,
}

/// A unit that has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departed<K> {
    /// What it was placed under.
    pub key: K,
    /// Where it stands; its bytes stay until the window is reclaimed.
    pub place: Place,
    /// What it cost to make.
    pub cost: u32,
    /// How often it was seen running lately.
    pub heat: u64,
}

/// A window that has to go. Its owner undoes all that leads to the units, then hands it to
/// [`Arena::retire`].
#[derive(Debug)]
#[must_use = "an evicted window comes back only if it is retired"]
pub struct Evicted<K> {
    window: usize,
    /// The units in it.
    pub units: Vec<Departed<K>>,
}

/// Counters for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Length of the arena.
    pub bytes: u64,
    /// Bytes that code can be placed in at once.
    pub free_bytes: u64,
    /// Bytes of units that are alive.
    pub live_bytes: u64,
    /// Bytes of units that were forgotten or evicted, of alignment, and at the ends of windows.
    pub dead_bytes: u64,
    /// Units that are alive.
    pub units: u64,
    /// Units placed so far.
    pub placed: u64,
    /// Units that found no room.
    pub refused: u64,
    /// Units forgotten so far.
    pub forgotten: u64,
    /// Units evicted so far.
    pub evicted: u64,
    /// Windows evicted so far.
    pub evictions: u64,
    /// Windows reclaimed so far.
    pub reclaimed: u64,
    /// Windows that wait for their owner or for the CPUs.
    pub waiting: u64,
}

/// Bounded memory for host code. It has one owner, who holds it under a lock: CPUs that run the
/// code never ask it.
pub struct Arena<K> {
    pub(crate) map: DualMap,
    pub(crate) windows: Vec<Window<K>>,
    open: Option<usize>,
    policy: Box<dyn Policy>,
    /// How many windows have been opened.
    order: u64,
    /// Grows with every unit placed or touched.
    tick: u64,
    counts: Stats,
}

impl<K: Copy> Arena<K> {
    /// An arena of this many bytes, rounded down to windows.
    pub fn new(bytes: u64, policy: Box<dyn Policy>) -> Result<Self, ArenaError> {
        Self::in_memory(bytes, policy, DualMap::new)
    }

    /// The same in memory that profilers take for code which was generated.
    pub fn without_file(bytes: u64, policy: Box<dyn Policy>) -> Result<Self, ArenaError> {
        Self::in_memory(bytes, policy, DualMap::without_file)
    }

    fn in_memory(
        bytes: u64,
        policy: Box<dyn Policy>,
        map: impl FnOnce(usize) -> Result<DualMap, DualMapError>,
    ) -> Result<Self, ArenaError> {
        let window = WINDOW_BYTES as u64;
        let count = bytes / window;
        if !(LEAST..=MOST).contains(&count) {
            let (least, most) = (LEAST * window, MOST * window);
            return Err(ArenaError::Size { bytes, least, most });
        }
        let count = count as usize;
        Ok(Self {
            map: map(count * WINDOW_BYTES)?,
            windows: (0..count).map(|_| Window::new()).collect(),
            open: None,
            policy,
            order: 0,
            tick: 0,
            counts: Stats::default(),
        })
    }

    /// Copies code in and publishes it. `cost` is what making it again would take, in any unit
    /// that its owner uses for all.
    pub fn place(&mut self, key: K, code: &[u8], cost: u32) -> Result<Place, NoRoom> {
        self.place_with(key, code, cost, None)
    }

    /// The same for code that says where its ways to other code are.
    pub fn place_with(
        &mut self,
        key: K,
        code: &[u8],
        cost: u32,
        ways: Option<Ways>,
    ) -> Result<Place, NoRoom> {
        if code.len() > WINDOW_BYTES {
            return Err(NoRoom::TooLong);
        }
        let Some((window, at)) = self.room(code.len()) else {
            self.counts.refused += 1;
            return Err(NoRoom::Full);
        };
        let offset = window * WINDOW_BYTES + at;
        self.map.write(offset, code);
        self.map.publish(offset, code.len());
        self.tick += 1;
        self.counts.placed += 1;
        let bytes = code.len() as u32;
        let unit = Unit {
            key,
            offset: at as u32,
            bytes,
            cost,
            heat: Default::default(),
            ways,
        };
        let index = self.windows[window].add(unit, self.tick);
        Ok(self.place_of(window, index, at as u32, bytes))
    }

    /// Notes that a unit was seen running; one that is gone is passed over.
    pub fn touch(&mut self, id: UnitId, weight: u32) {
        self.tick += 1;
        let (tick, era) = (self.tick, self.counts.evictions);
        if let Some(window) = self.living(id) {
            window.touch(id.index, weight, tick, era);
        }
    }

    /// Forgets a unit to which nothing leads any more, and which will not be placed again as it
    /// is: its guest code has changed. Its bytes come back with its window's. False if it is
    /// gone already.
    pub fn forget(&mut self, id: UnitId) -> bool {
        let gone = self.living(id).and_then(|window| window.forget(id.index));
        let Some(unit) = gone else { return false };
        self.divert(id.window as usize, &unit);
        self.counts.forgotten += 1;
        true
    }

    /// Whether a window should be evicted now, so that there is room when it is needed: what
    /// leaves is back only after a while.
    #[must_use]
    pub fn short(&self) -> bool {
        let coming = self.windows.iter().filter(|window| {
            matches!(
                window.state,
                State::Fresh | State::Free | State::Leaving | State::Retired(_)
            )
        });
        coming.count() < self.reserve()
    }

    /// Takes a window out of use: one in which nothing is alive, or else the one that the policy
    /// names. `None` if no window is full.
    pub fn evict(&mut self) -> Option<Evicted<K>> {
        let full: Vec<usize> = (0..self.windows.len())
            .filter(|at| self.windows[*at].state == State::Closed)
            .collect();
        let dead = full.iter().find(|at| self.windows[**at].live_bytes == 0);
        let window = match dead {
            Some(at) => *at,
            None => {
                let era = self.counts.evictions;
                let views: Vec<_> = full.iter().map(|at| self.windows[*at].view(era)).collect();
                let chosen = (!views.is_empty()).then(|| self.policy.victim(&views))?;
                *full.get(chosen).expect("a policy names one of the windows")
            }
        };
        let era = self.counts.evictions;
        let mut units = Vec::new();
        self.part(window);
        for index in 0..self.windows[window].units.len() as u32 {
            let Some(unit) = self.windows[window].forget(index) else {
                continue;
            };
            units.push(Departed {
                key: unit.key,
                place: self.place_of(window, index, unit.offset, unit.bytes),
                cost: unit.cost,
                heat: unit.heat.at(era),
            });
        }
        self.windows[window].state = State::Leaving;
        self.counts.evictions += 1;
        self.counts.evicted += units.len() as u64;
        Some(Evicted { window, units })
    }

    /// Takes an evicted window back, to which no shared way leads any more.
    pub fn retire(&mut self, evicted: Evicted<K>, epochs: &Epochs) {
        let Evicted { window, units } = evicted;
        drop(units);
        let window = &mut self.windows[window];
        assert_eq!(window.state, State::Leaving, "a window is retired once");
        window.state = State::Retired(epochs.retire());
        window.units = Vec::new();
    }

    /// Makes retired windows free that no CPU can be in any more; how many.
    pub fn reclaim(&mut self, epochs: &Epochs) -> usize {
        let mut count = 0;
        for (at, window) in self.windows.iter_mut().enumerate() {
            if let State::Retired(stamp) = window.state
                && epochs.passed(stamp)
            {
                // Whoever came here in spite of all would trap at once.
                self.map
                    .fill(at * WINDOW_BYTES, window.used as usize, PADDING);
                window.state = State::Free;
                count += 1;
            }
        }
        self.counts.reclaimed += count as u64;
        count
    }

    /// The bytes of a unit that is alive.
    #[must_use]
    pub fn code(&self, place: &Place) -> Option<&[u8]> {
        let window = self.windows.get(place.id.window as usize)?;
        let same = window.generation == place.id.generation;
        let unit = window.units.get(place.id.index as usize)?.as_ref()?;
        let offset = place.id.window as usize * WINDOW_BYTES + unit.offset as usize;
        same.then(|| self.map.read(offset, unit.bytes as usize))
    }

    /// The host addresses at which code may stand.
    #[must_use]
    pub fn span(&self) -> std::ops::Range<u64> {
        self.map.execute_at(0)..self.map.execute_at(self.map.bytes())
    }

    /// What happened so far, and how things stand.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.counts;
        stats.bytes = self.map.bytes() as u64;
        for window in &self.windows {
            let free = match window.state {
                State::Fresh | State::Free => WINDOW_BYTES as u64,
                State::Open => WINDOW_BYTES as u64 - u64::from(window.used),
                _ => 0,
            };
            stats.free_bytes += free;
            stats.live_bytes += u64::from(window.live_bytes);
            stats.units += window.units.iter().flatten().count() as u64;
            stats.waiting += u64::from(matches!(window.state, State::Leaving | State::Retired(_)));
        }
        stats.dead_bytes = stats.bytes - stats.free_bytes - stats.live_bytes;
        stats
    }

    /// How many windows are kept ready.
    fn reserve(&self) -> usize {
        (self.windows.len() / 32).clamp(1, 8)
    }

    /// A window, and an offset in it, with room for so many bytes.
    fn room(&mut self, bytes: usize) -> Option<(usize, usize)> {
        if let Some(open) = self.open {
            if let Some(at) = self.windows[open].room(bytes, ALIGN) {
                return Some((open, at));
            }
            self.windows[open].state = State::Closed;
            self.open = None;
        }
        // One that was used before has its pages already.
        let is = |state| move |window: &Window<K>| window.state == state;
        let next = self.windows.iter().position(is(State::Free));
        let next = next.or_else(|| {
            let fresh = self.windows.iter().position(is(State::Fresh))?;
            self.map.open(fresh * WINDOW_BYTES);
            self.map.fill(fresh * WINDOW_BYTES, WINDOW_BYTES, PADDING);
            Some(fresh)
        })?;
        self.order += 1;
        self.windows[next].open(self.order);
        self.open = Some(next);
        Some((next, 0))
    }

    fn place_of(&self, window: usize, index: u32, offset: u32, bytes: u32) -> Place {
        Place {
            entry: self.map.execute_at(window * WINDOW_BYTES + offset as usize),
            bytes,
            id: UnitId {
                window: window as u32,
                index,
                generation: self.windows[window].generation,
            },
        }
    }

    /// The window of a unit, if it has not gone.
    pub(crate) fn living(&mut self, id: UnitId) -> Option<&mut Window<K>> {
        let window = self.windows.get_mut(id.window as usize)?;
        let same = window.generation == id.generation;
        (same && matches!(window.state, State::Open | State::Closed)).then_some(window)
    }
}
