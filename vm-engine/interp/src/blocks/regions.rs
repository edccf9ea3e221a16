//! Blocks that become parts of regions, and regions that go.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use vm_core::{GuestPhys, PAGE_BYTES, PAGE_MASK};
use vm_mem::GuestRam;

use super::{Blocks, Key, LEFT, Table};
use crate::checkpoint::Maker;
use crate::native::{
    self, AVAILABLE, Birth, Listing, Looked, Member, NativeRegion, Origin, Region, RegionPage,
    RegionWork, Seen, Someone, Span, SpanPage, Tier, Unit,
};

/// The most blocks that are looked at.
// LIMIT: what is looked at is lifted; a region has far fewer.
const LOOKED_AT: usize = 256;

impl Blocks {
    /// Who runs the code of a key.
    pub fn maker(&self, key: Key) -> Maker {
        let Some(code) = self.map.get(key) else {
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

    /// A slice has ended in a block: if enough have that those around it should become a region, or
    /// a larger one, how many instructions that may have.
    pub fn sampled(&mut self, key: Key) -> Option<u32> {
        let Some(Tier {
            regions: Some(regions),
            ..
        }) = &self.tier
        else {
            return None;
        };
        let page = GuestPhys(key.phys).page();
        // Another block of the loop may have asked for the same just now.
        let mut asked = regions.asked.iter();
        let waits = asked.any(|(unit, pages)| unit.key.mode == key.mode && pages.contains(&page.0));
        if !AVAILABLE || waits || self.is_apart(page) {
            return None;
        }
        self.map.find_mut(key)?.samples.note(regions.threshold)
    }

    /// Hands the blocks around one that is hot to the compiler of regions.
    ///
    /// `pages` are those that the CPU has been on lately, by virtual and physical address, that
    /// of the block in front; `went` says where jumps have led to.
    pub fn ask_region(
        &mut self,
        ram: &GuestRam,
        (hot, most): (Key, u32),
        pages: &[(u64, u64)],
        went: impl Iterator<Item = u64>,
    ) {
        let Some(stays) = self.map.get(hot).map(|code| code.samples.stays) else {
            return;
        };
        let Some(here) = pages.first().map(|page| page.0) else {
            return;
        };
        let mut work = RegionWork {
            pages: Vec::new(),
            mode: hot.mode,
            members: Vec::new(),
            hot: 0,
            most,
            went: Vec::new(),
            seen: Arc::default(),
        };
        let mut looked = Vec::new();
        // Where in the address space each member is.
        let mut places = HashMap::new();
        let count = if stays { 1 } else { pages.len() };
        for (virt, phys) in &pages[..count] {
            let mut bytes = vec![0; PAGE_BYTES as usize];
            let apart = self.is_apart(GuestPhys(*phys));
            if apart || ram.read(GuestPhys(*phys), &mut bytes).is_err() {
                continue;
            }
            let distance = virt.wrapping_sub(here) as i64;
            let number = work.pages.len();
            for (unit, member) in self.candidates(hot, *phys, LOOKED_AT - looked.len()) {
                places.insert(virt.wrapping_add(member.page_offset), looked.len());
                looked.push(Looked { unit, distance });
                work.members.push(Member {
                    page: number,
                    ..member
                });
            }
            work.pages.push(RegionPage { bytes, distance });
        }
        let Some(at) = looked.iter().position(|looked| looked.unit.key == hot) else {
            return;
        };
        work.hot = at;
        work.went = went.map(|pc| places.get(&pc).copied()).collect();
        let wanted = self.witness.is_some() && looked.iter().any(|looked| self.is_wanted(looked));
        if let Some(tier) = &mut self.tier {
            tier.ask_region(looked, work, wanted);
        }
    }

    /// Whether somebody wants to know how a region with this block is made.
    fn is_wanted(&self, looked: &Looked) -> bool {
        let code = self.map.get(looked.unit.key);
        code.is_some_and(|code| native::wants(&self.witness, || Origin::of(code)))
    }

    /// The blocks of a page that may become parts of a region, the hot one among them.
    fn candidates(&self, hot: Key, page: u64, most: usize) -> Vec<(Unit, Member)> {
        let mut found = Vec::new();
        let known = self.pages.get(&GuestPhys(page).page_number());
        let keys = known.map_or(&[][..], |known| &known.keys);
        for key in keys.iter().filter(|key| key.mode == hot.mode) {
            let Some(code) = self.map.get(*key) else {
                continue;
            };
            // Counting goes on from the largest number when it was asked for.
            let asked = code.heat.load(Relaxed) > u32::MAX / 2 && code.left < LEFT;
            let here = *key == hot;
            let apart = key.single || code.samples.unfit || code.crosses;
            let elsewhere = key.phys & PAGE_MASK != page;
            let full = found.len() + 1 >= most && !here;
            if apart || elsewhere || !(asked || here) || full {
                continue;
            }
            let unit = Unit {
                key: *key,
                serial: code.serial,
                region: false,
            };
            let member = Member {
                page: 0,
                page_offset: GuestPhys(key.phys).page_offset(),
                length: code.bytes,
                insns: code.sites.len() as u32,
                code: code.place().addr() as u64,
                region: code.samples.inside.then(|| {
                    let (number, blocks) = code.samples.region;
                    (u64::from(number), blocks as usize)
                }),
            };
            found.push((unit, member));
        }
        found
    }

    /// The regions of a page, or all of them, are entered no more.
    pub(super) fn forget_regions(&mut self, page: Option<u64>) {
        self.forget_those(|region| page.is_none_or(|page| region.pages.contains(&page)));
    }

    /// A region's pages are hardly ever where it wants them: it is entered no more, and its
    /// blocks become parts of regions of one page only.
    pub fn forget_span(&mut self, span: &Arc<Span>) {
        let Some(regions) = self.tier.as_ref().and_then(|tier| tier.regions.as_ref()) else {
            return;
        };
        let map = &self.map;
        let has = |unit: &Unit| {
            let code = map.get(unit.key).filter(|code| code.serial == unit.serial);
            let own = code.and_then(|code| code.samples.span.as_ref());
            own.is_some_and(|own| Arc::ptr_eq(own, span))
        };
        let mut live = regions.live.iter();
        let Some(region) = live.find(|region| region.blocks.iter().any(has)) else {
            return;
        };
        let name = region.name;
        for unit in region.blocks.clone() {
            if let Some(code) = self.map.find_mut(unit.key) {
                code.samples.stays = true;
            }
        }
        self.forget_those(|region| region.name == name);
    }

    fn forget_those(&mut self, goes: impl Fn(&Region) -> bool) {
        let Some(tier) = &mut self.tier else { return };
        let (map, threshold) = (&mut self.map, tier.first_threshold());
        let Some(regions) = &mut tier.regions else {
            return;
        };
        let arena = &mut tier.arena;
        regions.live.retain(|region| {
            let goes = goes(region);
            if goes {
                arena.forget(region.id);
                release(map, region, threshold, false);
            }
            !goes
        });
    }

    /// Makes room for native code, if there is too little.
    pub(super) fn make_room(&mut self) {
        let Some(tier) = &mut self.tier else { return };
        let (map, threshold) = (&mut self.map, tier.first_threshold());
        let mut regions = tier.regions.take();
        tier.make_room(&self.dead.cpus, |unit| {
            if let Some(regions) = &mut regions
                && let Some(at) = regions.live.iter().position(|r| r.name == unit)
            {
                let region = regions.live.swap_remove(at);
                release(map, &region, threshold, false);
            } else if let Some(code) = map.find_mut(unit.key) {
                code.lose_native(unit.serial, threshold);
            }
        });
        tier.regions = regions;
    }
}

/// Lets the blocks of a region be entered without it; they ask for another one as if they had not
/// asked for this one, unless they get it now.
fn release(map: &mut Table, region: &Region, threshold: u32, now: bool) {
    for unit in &region.blocks {
        if let Some(code) = map.find_mut(unit.key).filter(|c| c.serial == unit.serial)
            && std::mem::take(&mut code.samples.inside)
        {
            code.samples.span = None;
            if !now {
                code.samples.attempts = 0;
            }
            if code.samples.entered {
                code.samples.entered = false;
                code.become_flat(threshold);
            }
        }
    }
}

/// The pages of a region, by its blocks, the heads of which stand at the addresses.
fn pages(blocks: &[Looked], heads: &[u64]) -> Vec<SpanPage> {
    let mut pages: Vec<SpanPage> = Vec::new();
    for (block, head) in blocks.iter().zip(heads) {
        let of = (block.page(), block.distance);
        let known = pages
            .iter()
            .position(|page| (page.phys, page.distance) == of);
        let at = known.unwrap_or_else(|| {
            pages.push(SpanPage {
                phys: of.0,
                distance: of.1,
                blocks: Vec::new(),
            });
            pages.len() - 1
        });
        pages[at].blocks.push((block.offset(), *head));
    }
    pages
}

/// Makes room for a region among the others: those whose blocks it has all go; false if it has
/// blocks of one that has others, too.
fn replaces(map: &mut Table, tier: &mut Tier, blocks: &[Looked]) -> bool {
    let threshold = tier.first_threshold();
    let has = |unit: &Unit| blocks.iter().any(|block| block.unit == *unit);
    let Some(regions) = &mut tier.regions else {
        return false;
    };
    let mut touched = regions.live.iter().filter(|r| r.blocks.iter().any(has));
    if !touched.all(|region| region.blocks.iter().all(has)) {
        return false;
    }
    let arena = &mut tier.arena;
    regions.live.retain(|region| {
        let goes = region.blocks.iter().any(has);
        if goes {
            arena.forget(region.id);
            release(map, region, threshold, true);
        }
        !goes
    });
    true
}

/// Lets a region be entered; `looked` are the members that the compiler was given.
pub(super) fn publish(
    map: &mut Table,
    tier: &mut Tier,
    native: &NativeRegion,
    (looked, seen): (&[Looked], Arc<Seen>),
    (witness, listing): (&mut Someone, Option<&Listing>),
) {
    let blocks: Vec<Looked> = native.blocks.iter().map(|b| looked[b.member]).collect();
    let head = |block: &Looked| {
        let code = map.get(block.unit.key)?;
        (code.serial == block.unit.serial).then(|| code.place().addr() as u64)
    };
    let heads: Option<Vec<u64>> = blocks.iter().map(head).collect();
    let (Some(first), Some(heads)) = (blocks.first(), heads) else {
        tier.stats.late += 1;
        return;
    };
    if !replaces(map, tier, &blocks) {
        tier.stats.late += 1;
        return;
    }
    let name = Unit {
        region: true,
        ..first.unit
    };
    let Ok(place) = tier.arena.place(name, &native.bytes, native.insns) else {
        tier.stats.no_room += 1;
        return;
    };
    // None of them asks for less than what there is now.
    let attempts = blocks.iter().filter_map(|block| map.get(block.unit.key));
    let attempts = attempts.map(|code| code.samples.attempts).max();
    let pages = pages(&blocks, &heads);
    let numbers = pages.iter().map(|page| page.phys / PAGE_BYTES).collect();
    let span = (pages.len() > 1).then(|| Arc::new(Span::new(seen, pages)));
    for (block, looked) in native.blocks.iter().zip(&blocks) {
        let Some(code) = map.find_mut(looked.unit.key) else {
            continue;
        };
        code.samples.inside = true;
        code.samples.attempts = attempts.unwrap_or_default();
        code.samples.region = (tier.stats.regions as u32, blocks.len() as u32);
        // Its own native code, if there is any, leaves by the same exits to the same places.
        code.go_by(block.distances);
        if let Some(entry) = block.entry {
            if let Some(unit) = code.unit.take() {
                tier.arena.forget(unit);
            }
            code.samples.entered = true;
            code.samples.span.clone_from(&span);
            code.lead_to(place.entry + entry as u64);
        }
    }
    tier.stats.regions += 1;
    tier.stats.wide_regions += u64::from(span.is_some());
    tier.stats.region_insns += u64::from(native.insns);
    tier.stats.region_bytes += native.bytes.len() as u64;
    if let Some(witness) = witness {
        let code = blocks.iter().filter_map(|block| map.get(block.unit.key));
        let origins: Vec<Origin> = code.map(|code| Origin::of(code)).collect();
        witness.made(&Birth {
            maker: Maker::Region,
            blocks: &origins,
            place: Some((place.entry, native.bytes.len())),
            listing,
        });
    }
    if let Some(regions) = &mut tier.regions {
        regions.live.push(Region {
            id: place.id,
            pages: numbers,
            name,
            blocks: blocks.iter().map(|block| block.unit).collect(),
        });
    }
}
