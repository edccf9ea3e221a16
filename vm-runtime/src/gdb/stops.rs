//! What the debugger has set: breakpoints and watchpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vm_core::{GuestVirt, Stops, Watchpoint};

use super::words::{pair, split};

/// How many of each kind there may be.
// LIMIT: GDB sets some hundred; each takes a few dozen bytes, and nothing grows slower with them.
const MOST: usize = 1 << 16;

/// What is set.
#[derive(Debug, Default)]
pub struct Points {
    software: BTreeSet<u64>,
    hardware: BTreeSet<u64>,
    watches: BTreeSet<Watchpoint>,
    /// Breakpoints of `monitor break`, with what they were called.
    pub own: BTreeMap<u64, String>,
    in_force: Arc<Stops>,
}

/// What came of setting or removing one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// It is done.
    Yes,
    /// There is no such kind.
    Unknown,
    /// The packet is wrong, or there are too many.
    No,
}

impl Points {
    /// Carries out what stands behind `Z` or `z`: a kind, an address, a length.
    pub fn change(&mut self, insert: bool, text: &[u8]) -> Done {
        let Some((kind, rest)) = split(text, b',') else {
            return Done::No;
        };
        // Conditions and commands behind a semicolon were not offered.
        let Some((addr, bytes)) = pair(rest, b',') else {
            return Done::No;
        };
        let watch = |loads, stores| Watchpoint {
            addr: GuestVirt(addr),
            bytes,
            loads,
            stores,
        };
        let changed = match kind {
            b"0" => change(&mut self.software, addr, insert),
            b"1" => change(&mut self.hardware, addr, insert),
            b"2" => change(&mut self.watches, watch(false, true), insert),
            b"3" => change(&mut self.watches, watch(true, false), insert),
            b"4" => change(&mut self.watches, watch(true, true), insert),
            _ => return Done::Unknown,
        };
        if changed { Done::Yes } else { Done::No }
    }

    /// Sets a breakpoint of the monitor's; false if there are too many.
    pub fn set_own(&mut self, addr: u64, name: String) -> bool {
        let room = self.own.len() < MOST;
        if room {
            self.own.insert(addr, name);
        }
        room
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self {
            in_force: std::mem::take(&mut self.in_force),
            ..Self::default()
        };
    }

    /// What a stop at a breakpoint is called in a reply.
    pub fn name(&self, addr: u64) -> &'static str {
        match () {
            () if self.software.contains(&addr) => "swbreak:;",
            () if self.hardware.contains(&addr) => "hwbreak:;",
            () => "",
        }
    }

    /// What is to be put in force, if it is not what is.
    pub fn changed(&mut self) -> Option<Arc<Stops>> {
        let breaks = self.software.union(&self.hardware).chain(self.own.keys());
        let watches = self.watches.iter().copied().collect();
        let stops = Stops::new(breaks.copied().collect(), watches);
        if *self.in_force == stops {
            return None;
        }
        self.in_force = Arc::new(stops);
        Some(self.in_force.clone())
    }
}

/// Inserts or removes; false if there are too many.
fn change<T: Ord>(set: &mut BTreeSet<T>, point: T, insert: bool) -> bool {
    if !insert {
        set.remove(&point);
        return true;
    }
    let room = set.len() < MOST;
    if room {
        set.insert(point);
    }
    room
}
