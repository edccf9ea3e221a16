//! How much is kept, and what goes when that is not enough.

use vm_core::{GuestPhys, PAGE_BYTES};
use vm_mem::GuestRam;

use super::{Blocks, Key};
use crate::flat::Code;
use crate::link;

/// How much translated code is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes flat code may take.
    pub bytes: usize,
    /// How many dead blocks are kept before they are freed together.
    pub dead: usize,
    /// How many newly protected pages are listed before everything is protected anew.
    pub protected: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // LIMIT: a boot of Debian makes some 120 MiB, a third of it run often; the bound for
            // all memory beside the guest's is 256 MiB.
            bytes: 128 << 20,
            // LIMIT: each keeps a few hundred bytes; freeing costs emptied jump caches.
            dead: 16 << 10,
            // LIMIT: 8 bytes each.
            protected: 1 << 16,
        }
    }
}

impl Blocks {
    /// Frees what is dead and, if there is too much, what is hardly ever run, as soon as no CPU
    /// can be in it.
    pub fn tidy(&mut self, ram: &GuestRam) {
        if self.bytes > self.limits.bytes {
            self.thin(ram);
            self.stats.thinned += 1;
            if self.bytes > self.limits.bytes / 4 * 3 {
                self.clear(ram);
                self.stats.flushes += 1;
            }
        }
        self.make_room();
        if self.dead.count() > self.limits.dead {
            self.epoch += 1;
            self.dead.retire();
        }
        self.dead.free();
        if self.protected.len() > self.limits.protected {
            self.protected.clear();
            self.protected_epoch += 1;
        }
    }

    /// Drops the blocks that have no native code: most of a program is run once.
    ///
    /// What stays is unlinked, since it may lead to what goes.
    fn thin(&mut self, ram: &GuestRam) {
        let map = &mut self.map;
        let goes = |code: &Code| code.unit.is_none() && !code.samples.inside;
        for (_, code) in map.extract_if(|_, code| goes(code)) {
            self.dead.bury(code);
        }
        for code in map.values() {
            link::unlink(code);
        }
        if let Some(tier) = &mut self.tier {
            tier.arena.part_all();
        }
        self.crossing.retain(|key, _| map.contains_key(key));
        self.pages.retain(|number, page| {
            page.keys.retain(|key| map.contains_key(key));
            let empty = page.keys.is_empty();
            if empty {
                ram.mark_code(GuestPhys(number * PAGE_BYTES), false);
            }
            !empty
        });
        self.bytes = map.values().map(|code| bytes_of(code)).sum();
        self.near.clear();
        self.epoch += 1;
        self.dead.retire();
    }

    /// Drops everything.
    pub fn clear(&mut self, ram: &GuestRam) {
        for number in self.pages.keys() {
            ram.mark_code(GuestPhys(number * PAGE_BYTES), false);
        }
        self.pages.clear();
        self.forget_regions(None);
        if let Some(tier) = &mut self.tier {
            for unit in self.map.values().filter_map(|code| code.unit) {
                tier.arena.forget(unit);
            }
        }
        for (_, code) in self.map.drain() {
            self.dead.bury(code);
        }
        self.near.clear();
        self.crossing.clear();
        self.bytes = 0;
        self.epoch += 1;
        self.dead.retire();
    }
}

/// How much memory a block takes, with its names.
pub(super) fn bytes_of(code: &Code) -> usize {
    size_of_val(code) + size_of_val(&*code.ops) + size_of_val(&*code.sites) + 3 * size_of::<Key>()
}
