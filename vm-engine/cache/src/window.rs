//! One window: what stands in it and how much it was used.

use crate::arena::WINDOW_BYTES;
use crate::epochs::Stamp;
use crate::policy::WindowView;
use crate::ways::{WayIn, Ways};

/// A number that halves with every eviction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fading {
    value: u64,
    era: u64,
}

impl Fading {
    /// What it is worth now.
    pub fn at(self, era: u64) -> u64 {
        let halvings = u32::try_from(era - self.era).unwrap_or(u32::MAX);
        self.value.checked_shr(halvings).unwrap_or(0)
    }

    /// Adds to it.
    pub fn add(&mut self, era: u64, more: u64) {
        self.value = self.at(era).saturating_add(more);
        self.era = era;
    }
}

/// A piece of code.
#[derive(Debug)]
pub struct Unit<K> {
    pub key: K,
    pub offset: u32,
    pub bytes: u32,
    pub cost: u32,
    pub heat: Fading,
    pub ways: Option<Ways>,
}

/// What a window is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never used; the host has not given its pages yet.
    Fresh,
    /// Empty, and filled with padding.
    Free,
    /// Code is placed here.
    Open,
    /// Full.
    Closed,
    /// Evicted; its owner is undoing what leads here.
    Leaving,
    /// Waiting for the CPUs.
    Retired(Stamp),
}

/// A window.
#[derive(Debug)]
pub struct Window<K> {
    pub state: State,
    /// Bytes taken from the start, alignment included.
    pub used: u32,
    pub live_bytes: u32,
    /// Tells units of this filling from those of earlier ones.
    pub generation: u32,
    /// `None` is a unit that was forgotten.
    pub units: Vec<Option<Unit<K>>>,
    /// Jumps that lead here.
    pub ways_in: Vec<WayIn>,
    opened: u64,
    touched: u64,
    heat: Fading,
    worth: Fading,
}

impl<K> Window<K> {
    pub fn new() -> Self {
        Self {
            state: State::Fresh,
            used: 0,
            live_bytes: 0,
            generation: 0,
            units: Vec::new(),
            ways_in: Vec::new(),
            opened: 0,
            touched: 0,
            heat: Fading::default(),
            worth: Fading::default(),
        }
    }

    /// Begins a new filling.
    pub fn open(&mut self, order: u64) {
        let generation = self.generation.wrapping_add(1);
        *self = Self {
            state: State::Open,
            generation,
            opened: order,
            ..Self::new()
        };
    }

    /// Where a unit of this length would stand.
    pub fn room(&self, bytes: usize, align: usize) -> Option<usize> {
        let at = (self.used as usize).next_multiple_of(align);
        (at + bytes <= WINDOW_BYTES).then_some(at)
    }

    /// Adds a unit at the offset that `room` gave; its index.
    pub fn add(&mut self, unit: Unit<K>, tick: u64) -> u32 {
        self.used = unit.offset + unit.bytes;
        self.live_bytes += unit.bytes;
        self.touched = tick;
        self.units.push(Some(unit));
        self.units.len() as u32 - 1
    }

    /// Notes that a unit was seen running.
    pub fn touch(&mut self, index: u32, weight: u32, tick: u64, era: u64) {
        let Some(Some(unit)) = self.units.get_mut(index as usize) else {
            return;
        };
        unit.heat.add(era, u64::from(weight));
        self.heat.add(era, u64::from(weight));
        self.worth
            .add(era, u64::from(weight) * u64::from(unit.cost));
        self.touched = tick;
    }

    /// Forgets a unit.
    pub fn forget(&mut self, index: u32) -> Option<Unit<K>> {
        let unit = self.units.get_mut(index as usize)?.take()?;
        self.live_bytes -= unit.bytes;
        Some(unit)
    }

    /// What a policy sees.
    pub fn view(&self, era: u64) -> WindowView {
        WindowView {
            opened: self.opened,
            touched: self.touched,
            heat: self.heat.at(era),
            worth: self.worth.at(era),
            live_bytes: self.live_bytes,
        }
    }
}
