//! All flat code of a machine, by the physical address it was made from.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use vm_core::{GuestPhys, PAGE_BYTES};
use vm_mem::GuestRam;

use crate::Maker;
use crate::flat::Code;
use crate::native::{self, AVAILABLE, Made, Origin, Someone, Tier, Unit, Work};
use crate::near::Near;

use dead::Dead;

mod dead;
mod joins;
mod regions;
mod room;
#[cfg(test)]
mod tests;

pub use room::Limits;

/// What a piece of code is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    /// The physical address of its first byte.
    pub phys: u64,
    /// The mode bits it depends on.
    pub mode: u64,
    /// Whether it is one instruction alone.
    pub single: bool,
}

/// Multiplies and folds: keys are addresses, and need no protection against chosen ones, since a
/// guest can only slow itself down.
#[derive(Default, Clone, Copy)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<AddressHasher>>;

/// What is known about a page that holds translated code.
#[derive(Default)]
struct Page {
    /// Which 64-byte pieces hold translated code.
    granules: u64,
    keys: Vec<Key>,
}

/// How many bytes behind a block a lifter may look at: an instruction, on any guest.
pub const BEHIND: u64 = 16;

/// How many misaligned accesses native code may leave to the interpreter before it is made anew.
// LIMIT: together they cost a third of what compiling does.
const LEFT: u32 = 100;

/// Counters for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockStats {
    /// Blocks translated.
    pub made: u64,
    /// Guest instructions translated.
    pub insns: u64,
    /// Flat ops made.
    pub ops: u64,
    /// Times that a block was looked for, since no link or jump cache knew it.
    pub lookups: u64,
    /// Pages whose code was dropped because somebody wrote to it.
    pub dropped_pages: u64,
    /// Times that code had grown too large, and what is hardly ever run was dropped.
    pub thinned: u64,
    /// Times that everything was dropped, since that was not enough.
    pub flushes: u64,
}

/// The blocks.
#[derive(Default)]
pub struct Blocks {
    map: Map<Key, Box<Code>>,
    near: Near,
    pages: Map<u64, Page>,
    /// Blocks of one instruction that reaches into a second page, and that page.
    crossing: Map<Key, u64>,
    /// What may no longer be entered.
    pub dead: Dead,
    bytes: usize,
    /// Grows before dead blocks are freed: jump caches that have not seen it are emptied first.
    pub epoch: u64,
    /// Pages that hold code since some CPU last looked, as host addresses.
    pub protected: Vec<u64>,
    /// Grows when `protected` is emptied.
    pub protected_epoch: u64,
    /// The physical pages that breakpoints stand on: their blocks are not linked, since a link
    /// does not see at which virtual address it is followed.
    apart: HashSet<u64>,
    /// What happened so far.
    pub stats: BlockStats,
    /// How much may be kept.
    pub limits: Limits,
    /// What makes native code, if anything does.
    pub tier: Option<Tier>,
    /// Who is told what code is made, if anybody is.
    pub witness: Someone,
    serial: u64,
}

impl Blocks {
    /// The code for a key, and the length of its guest code.
    pub fn find(&mut self, key: Key) -> Option<(*const Code, u64)> {
        if let Some(found) = self.near.find(key) {
            return Some(found);
        }
        let code = self.map.get(&key)?;
        let (place, bytes) = (&raw const **code, u64::from(code.bytes));
        // What reaches into a second page has to be looked at every time.
        if self.second_page(key).is_none() {
            self.near.remember(key, place, bytes);
        }
        Some((place, bytes))
    }

    /// The physical address of the second page that a block reaches into.
    pub fn second_page(&self, key: Key) -> Option<u64> {
        if self.crossing.is_empty() {
            None
        } else {
            self.crossing.get(&key).copied()
        }
    }

    /// Adds code, and marks its pages.
    pub fn add(
        &mut self,
        ram: &GuestRam,
        key: Key,
        mut code: Code,
        second: Option<u64>,
    ) -> *const Code {
        self.remove(key);
        self.serial += 1;
        code.serial = self.serial;
        // One instruction is not worth it, and a block on two pages is looked up every time.
        if let (Some(tier), false, None) = (&self.tier, key.single, second) {
            code.heat = AtomicU32::new(tier.first_threshold());
        }
        self.stats.made += 1;
        self.stats.insns += code.sites.len() as u64;
        self.stats.ops += code.ops.len() as u64;
        self.bytes += room::bytes_of(&code);
        let in_first = u64::from(code.bytes).min(PAGE_BYTES - (key.phys & (PAGE_BYTES - 1)));
        self.mark(ram, GuestPhys(key.phys), in_first, key);
        if let Some(second) = second {
            self.mark(
                ram,
                GuestPhys(second),
                u64::from(code.bytes) - in_first,
                key,
            );
            self.crossing.insert(key, second);
            code.crosses = true;
        }
        let code = Box::new(code);
        let place = &raw const *code;
        self.map.insert(key, code);
        place
    }

    /// Notes a write by a CPU; drops the page's code if the write touches any.
    pub fn written(&mut self, ram: &GuestRam, at: GuestPhys, bytes: u64) {
        let Some(page) = self.pages.get(&at.page_number()) else {
            return;
        };
        if page.granules & granules(at, bytes) != 0 {
            self.drop_page(ram, at.page_number());
        }
    }

    /// Whether the blocks of a page are to stay unlinked.
    pub fn is_apart(&self, at: GuestPhys) -> bool {
        !self.apart.is_empty() && self.apart.contains(&at.page_number())
    }

    /// Keeps the blocks of a page unlinked from now on.
    pub fn set_apart(&mut self, ram: &GuestRam, at: GuestPhys) {
        if self.apart.insert(at.page_number()) {
            self.drop_page(ram, at.page_number());
        }
    }

    /// Every CPU forgets its jumps; with `link`, blocks of every page may be linked again.
    pub fn forget_jumps(&mut self, link: bool) {
        self.epoch += 1;
        if link {
            self.apart.clear();
        }
    }

    /// Drops the code of a page.
    pub fn drop_page(&mut self, ram: &GuestRam, number: u64) {
        let Some(page) = self.pages.remove(&number) else {
            return;
        };
        self.stats.dropped_pages += 1;
        self.forget_regions(Some(number));
        for key in page.keys {
            self.remove(key);
        }
        ram.mark_code(GuestPhys(number * PAGE_BYTES), false);
    }

    /// Drops one block, and its name from the pages that it stands on.
    fn remove(&mut self, key: Key) {
        let Some(code) = self.map.remove(&key) else {
            return;
        };
        self.near.forget(key);
        self.bury(code);
        // A block on one page goes with all others of its page.
        if let Some(second) = self.crossing.remove(&key) {
            for number in [
                GuestPhys(key.phys).page_number(),
                GuestPhys(second).page_number(),
            ] {
                if let Some(page) = self.pages.get_mut(&number) {
                    page.keys.retain(|other| *other != key);
                }
            }
        }
    }

    /// Has writes to a page noticed from now on; comes before its bytes are read, so that none
    /// falls between the reading and the noticing.
    pub fn watch(&mut self, ram: &GuestRam, at: GuestPhys) {
        if let Entry::Vacant(page) = self.pages.entry(at.page_number()) {
            page.insert(Page::default());
            ram.mark_code(at, true);
            if let Some(page) = ram.page(at) {
                self.protected.push(page.host);
            }
        }
    }

    fn mark(&mut self, ram: &GuestRam, at: GuestPhys, bytes: u64, key: Key) {
        self.watch(ram, at);
        let page = self.pages.entry(at.page_number()).or_default();
        page.keys.push(key);
        page.granules |= granules(at, bytes);
    }

    fn bury(&mut self, mut code: Box<Code>) {
        self.bytes -= room::bytes_of(&code);
        if let (Some(unit), Some(tier)) = (code.unit.take(), &mut self.tier) {
            tier.arena.forget(unit);
        }
        self.dead.bury(code);
    }

    /// A block has been entered often: hands it to the compiler.
    pub fn heated(&mut self, ram: &GuestRam, code: &Code) {
        code.heat.store(u32::MAX, Relaxed);
        let Some(tier) = &mut self.tier else { return };
        let has = code.unit.is_some() || code.samples.entered;
        if !AVAILABLE || has || code.toll.is_dead() {
            return;
        }
        // As much as the lifter saw before.
        let in_page = PAGE_BYTES - GuestPhys(code.phys).page_offset();
        let length = in_page.min(u64::from(code.bytes) + BEHIND);
        let mut bytes = vec![0; length as usize];
        if ram.read(GuestPhys(code.phys), &mut bytes).is_err() {
            return;
        }
        let unit = Unit {
            key: Key {
                phys: code.phys,
                mode: code.mode,
                single: false,
            },
            serial: code.serial,
            region: false,
        };
        let work = Work {
            bytes,
            length: code.bytes,
            insns: code.sites.len() as u32,
            page_offset: GuestPhys(code.phys).page_offset(),
            mode: code.mode,
            odd: code.odd,
        };
        if !code.untold && tier.templates.is_some() {
            return self.template(unit, &work);
        }
        let wanted = native::wants(&self.witness, || Origin::of(code));
        if !tier.ask(unit, work, wanted) {
            code.heat.store(tier.threshold, Relaxed);
        }
    }

    /// Gives a block code by templates, if they can do it.
    fn template(&mut self, unit: Unit, work: &Work) {
        let found = self.map.get_mut(&unit.key);
        let found = found.filter(|code| code.serial == unit.serial);
        let (Some(tier), Some(code)) = (&mut self.tier, found) else {
            return;
        };
        let address = (&raw const **code).addr() as u64;
        match tier.template(unit, work, address) {
            Ok((native, place)) => {
                code.gain_native(&native, place);
                let wanted = native::wants(&self.witness, || Origin::of(code));
                let listing = wanted.then(|| tier.explain_template(work)).flatten();
                let place = Some((place.entry, native.bytes.len()));
                let witness = &mut self.witness;
                native::tell(witness, Maker::Template, code, place, listing.as_ref());
            }
            Err(true) => code.heat.store(tier.first_threshold(), Relaxed),
            Err(false) => {
                code.untold = true;
                code.heat.store(tier.threshold, Relaxed);
                native::tell(&mut self.witness, Maker::Template, code, None, None);
            }
        }
    }

    /// Native code has left a misaligned access to the interpreter. Where that is the rule, the
    /// block is compiled once more, with another check; if that does not help, it is better left
    /// to the interpreter as a whole.
    pub fn misaligned(&mut self, code: &Code) {
        let serial = code.serial;
        let key = Key {
            phys: code.phys,
            mode: code.mode,
            single: false,
        };
        let Some(code) = self.map.get_mut(&key).filter(|code| code.serial == serial) else {
            return;
        };
        code.left += 1;
        if code.left == LEFT && code.samples.inside {
            code.samples.unfit = true;
            return self.forget_regions(Some(GuestPhys(key.phys).page_number()));
        }
        if code.left == LEFT
            && let (Some(unit), Some(tier)) = (code.unit, &mut self.tier)
        {
            tier.arena.forget(unit);
            let first = !std::mem::replace(&mut code.odd, true);
            if first {
                tier.stats.made_odd += 1;
                code.left = 0;
            } else {
                tier.stats.given_up += 1;
            }
            code.lose_native(serial, if first { 1 } else { u32::MAX });
        }
    }

    /// Lets blocks be entered by the native code that has been made for them.
    pub fn publish(&mut self) {
        let Some(tier) = &mut self.tier else { return };
        for done in tier.take() {
            if let (true, Some(regions)) = (done.unit.region, &mut tier.regions) {
                regions.asked.retain(|(unit, _)| *unit != done.unit);
            }
            let found = self.map.get_mut(&done.unit.key);
            let Some(code) = found.filter(|code| code.serial == done.unit.serial) else {
                tier.stats.late += 1;
                continue;
            };
            let mut native = match done.native {
                // A region has come before.
                Some(Made::Block(_)) if code.samples.entered => continue,
                Some(Made::Block(native)) => native,
                Some(Made::Region(native, looked, seen)) => {
                    let listing = done.listing.as_ref();
                    let told = (&mut self.witness, listing);
                    regions::publish(&mut self.map, tier, &native, (&looked, seen), told);
                    continue;
                }
                None => {
                    tier.stats.refused += 1;
                    let maker = if done.unit.region {
                        Maker::Region
                    } else {
                        Maker::Block
                    };
                    native::tell(&mut self.witness, maker, code, None, None);
                    continue;
                }
            };
            native.belongs_to((&raw const **code).addr() as u64);
            match tier.place(done.unit, &native, code.sites.len() as u64) {
                Some(place) => {
                    code.gain_native(&native, place);
                    let place = Some((place.entry, native.bytes.len()));
                    let listing = done.listing.as_ref();
                    native::tell(&mut self.witness, Maker::Block, code, place, listing);
                }
                None => code.heat.store(tier.threshold, Relaxed),
            }
        }
    }
}

/// The 64-byte pieces of its page that a range touches.
fn granules(at: GuestPhys, bytes: u64) -> u64 {
    let first = at.page_offset() / 64;
    let last = (at.page_offset() + bytes.max(1) - 1).min(PAGE_BYTES - 1) / 64;
    (u64::MAX >> (63 - (last - first))) << first
}
