//! Blocks that become parts of regions, and regions that go.

use std::sync::atomic::Ordering::Relaxed;

use vm_core::{GuestPhys, PAGE_BYTES};
use vm_mem::GuestRam;

use super::{Blocks, Key, LEFT, Map};
use crate::checkpoint::Maker;
use crate::flat::Code;
use crate::native::{AVAILABLE, Member, NativeRegion, Region, RegionWork, Tier, Unit};

/// The most blocks of a page that are looked at.
// LIMIT: what is looked at is lifted; a region has far fewer.
const LOOKED_AT: usize = 256;

impl Blocks {
    /// Who runs the code of a key.
    pub fn maker(&self, key: Key) -> Maker {
        let Some(code) = self.map.get(&key) else {
            return Maker::Handlers;
        };
        let templates = self.tier.as_ref().is_some_and(Tier::has_templates);
        match code.unit {
            _ if code.samples.inside => Maker::Region,
            None => Maker::Handlers,
            Some(_) if templates && !code.untold => Maker::Template,
            Some(_) => Maker::Block,
        }
    }

    /// A slice has ended in a block: if enough have, those around it may become a region.
    pub fn sampled(&mut self, ram: &GuestRam, key: Key) {
        let Some(tier) = &mut self.tier else { return };
        let Some(regions) = &tier.regions else {
            return;
        };
        let Some(code) = self.map.get_mut(&key) else {
            return;
        };
        let page = GuestPhys(key.phys).page();
        // Another block of the loop may have asked for the same just now.
        let waits = regions.asked.contains(&(page.page_number(), key.mode));
        if !AVAILABLE || waits || !code.samples.note(regions.threshold) {
            return;
        }
        let (mode, serial) = (code.mode, code.serial);
        let mut bytes = vec![0; PAGE_BYTES as usize];
        let Some(known) = self.pages.get(&page.page_number()) else {
            return;
        };
        if ram.read(page, &mut bytes).is_err() {
            return;
        }
        let (mut units, mut members, mut hot) = (Vec::new(), Vec::new(), None);
        for key in known.keys.iter().filter(|key| key.mode == mode) {
            let Some(code) = self.map.get(key) else {
                continue;
            };
            // Counting goes on from the largest number when it was asked for.
            let asked = code.heat.load(Relaxed) > u32::MAX / 2 && code.left < LEFT;
            let here = code.serial == serial;
            let apart = key.single || code.samples.unfit || self.crossing.contains_key(key);
            if apart || !(asked || here) || (members.len() == LOOKED_AT && !here) {
                continue;
            }
            if here {
                hot = Some(members.len());
            }
            units.push(Unit {
                key: *key,
                serial: code.serial,
                region: false,
            });
            members.push(Member {
                page_offset: GuestPhys(key.phys).page_offset(),
                length: code.bytes,
                insns: code.sites.len() as u32,
                code: (&raw const **code).addr() as u64,
            });
        }
        let Some(hot) = hot else { return };
        let work = RegionWork {
            bytes,
            mode,
            members,
            hot,
        };
        tier.ask_region(units, work);
    }

    /// The regions of a page, or all of them, are entered no more.
    pub(super) fn forget_regions(&mut self, page: Option<u64>) {
        let Some(tier) = &mut self.tier else { return };
        let (map, threshold) = (&mut self.map, tier.first_threshold());
        let Some(regions) = &mut tier.regions else {
            return;
        };
        let arena = &mut tier.arena;
        regions.live.retain(|region| {
            let stays = page.is_some_and(|page| region.page != page);
            if !stays {
                arena.forget(region.id);
                release(map, region, threshold);
            }
            stays
        });
    }

    /// Makes room for native code, if there is too little.
    pub(super) fn make_room(&mut self) {
        let Some(tier) = &mut self.tier else { return };
        let (map, threshold) = (&mut self.map, tier.first_threshold());
        let mut regions = tier.regions.take();
        tier.make_room(|unit| {
            if let Some(regions) = &mut regions
                && let Some(at) = regions.live.iter().position(|r| r.name == unit)
            {
                let region = regions.live.swap_remove(at);
                release(map, &region, threshold);
            } else if let Some(code) = map.get_mut(&unit.key) {
                code.lose_native(unit.serial, threshold);
            }
        });
        tier.regions = regions;
    }
}

/// The number of the page that a unit stands on.
pub(super) fn page_of(unit: &Unit) -> u64 {
    GuestPhys(unit.key.phys).page_number()
}

/// Lets the blocks of a region be entered without it.
fn release(map: &mut Map<Key, Box<Code>>, region: &Region, threshold: u32) {
    for unit in &region.blocks {
        if let Some(code) = map.get_mut(&unit.key).filter(|c| c.serial == unit.serial)
            && std::mem::take(&mut code.samples.inside)
        {
            code.samples.attempts = 0;
            if code.samples.entered {
                code.samples.entered = false;
                code.become_flat(threshold);
            }
        }
    }
}

/// Lets a region be entered; `units` are the members that the compiler was given.
pub(super) fn publish(
    map: &mut Map<Key, Box<Code>>,
    tier: &mut Tier,
    native: &NativeRegion,
    units: &[Unit],
) {
    let blocks: Vec<Unit> = native.blocks.iter().map(|b| units[b.member]).collect();
    let free = |unit: &Unit| {
        let code = map.get(&unit.key);
        code.is_some_and(|code| code.serial == unit.serial && !code.samples.inside)
    };
    let (Some(first), true) = (blocks.first(), blocks.iter().all(free)) else {
        tier.stats.late += 1;
        return;
    };
    let name = Unit {
        region: true,
        ..*first
    };
    let Ok(place) = tier.arena.place(name, &native.bytes, native.insns) else {
        tier.stats.no_room += 1;
        return;
    };
    let page = page_of(first);
    for (block, unit) in native.blocks.iter().zip(&blocks) {
        let Some(code) = map.get_mut(&unit.key) else {
            continue;
        };
        code.samples.inside = true;
        // Its own native code, if there is any, leaves by the same exits to the same places.
        code.distances = block.distances;
        if let Some(entry) = block.entry {
            if let Some(unit) = code.unit.take() {
                tier.arena.forget(unit);
            }
            code.samples.entered = true;
            code.lead_to(place.entry + entry as u64);
        }
    }
    tier.stats.regions += 1;
    tier.stats.region_insns += u64::from(native.insns);
    tier.stats.region_bytes += native.bytes.len() as u64;
    if let Some(regions) = &mut tier.regions {
        regions.live.push(Region {
            id: place.id,
            page,
            name,
            blocks,
        });
    }
}
