//! From a block that is hot to native code that is entered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use vm_core::Background;
use vm_engine_cache::{Arena, Epochs, NoRoom, Place};

use super::{Compiler, Listing, Looked, Native, NativeRegion, RegionCompiler, RegionWork};
use super::{Regions, Seen, Work};
use crate::blocks::Key;
use crate::interpreter::lock;

/// How many blocks may wait for the compiler.
// LIMIT: each waits with a copy of its guest code; a block that finds no place asks again when it
// has been entered as often once more.
const WAITING: u64 = 4096;

/// What makes native code, where, and from when on.
pub struct Tier {
    pub(crate) compiler: Arc<dyn Compiler>,
    background: Arc<dyn Background>,
    inbox: Arc<Inbox>,
    pub(crate) arena: Arena<Unit>,
    pub(crate) threshold: u32,
    pub(crate) regions: Option<Regions>,
    /// What makes code sooner, and from how many entries on.
    pub(crate) templates: Option<(Arc<dyn Compiler>, u32)>,
    pub(crate) stats: TierStats,
}

/// Counters for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierStats {
    /// Blocks that got their first native code by templates.
    pub templates: u64,
    /// Their guest instructions.
    pub template_insns: u64,
    /// Bytes of that code.
    pub template_bytes: u64,
    /// Blocks that templates could not do.
    pub template_refused: u64,
    /// Blocks handed to the compiler.
    pub asked: u64,
    /// Blocks that got native code.
    pub published: u64,
    /// Their guest instructions.
    pub insns: u64,
    /// Bytes of native code.
    pub bytes: u64,
    /// Blocks that the compiler could not compile.
    pub refused: u64,
    /// Native code that came too late: its block was gone.
    pub late: u64,
    /// Blocks that were compiled once more, since their accesses are not aligned.
    pub made_odd: u64,
    /// Blocks whose native code was given up, since that did not help.
    pub given_up: u64,
    /// Native code that found no room.
    pub no_room: u64,
    /// Times that blocks were looked at for a region.
    pub regions_asked: u64,
    /// Regions that may be entered, or might be once.
    pub regions: u64,
    /// Their guest instructions.
    pub region_insns: u64,
    /// Those of them that stand on several pages.
    pub wide_regions: u64,
    /// Bytes of their native code.
    pub region_bytes: u64,
}

/// Which block a piece of native code is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// Where the block is found.
    pub key: Key,
    /// The block's serial number: another one may stand there by now.
    pub serial: u64,
    /// It is for the region that has this block first.
    pub region: bool,
}

/// What the compiler has made of a block.
pub struct Done {
    /// The block.
    pub unit: Unit,
    /// What was made.
    pub native: Option<Made>,
    /// How, if that was wanted.
    pub listing: Option<Listing>,
}

/// What a compiler has made.
pub enum Made {
    /// Native code for the block.
    Block(Native),
    /// Native code for blocks around it, and all that were looked at.
    Region(NativeRegion, Vec<Looked>, Arc<Seen>),
}

#[derive(Default)]
struct Inbox {
    ready: AtomicBool,
    waiting: AtomicU64,
    done: Mutex<Vec<Done>>,
}

impl Tier {
    /// Native code for blocks that were entered `threshold` times, compiled by `background`.
    #[must_use]
    pub fn new(
        compiler: Arc<dyn Compiler>,
        background: Arc<dyn Background>,
        arena: Arena<Unit>,
        threshold: u32,
    ) -> Self {
        Self {
            compiler,
            background,
            inbox: Arc::default(),
            arena,
            threshold: threshold.max(1),
            regions: None,
            templates: None,
            stats: TierStats::default(),
        }
    }

    /// Makes regions, too, around blocks in which `threshold` slices have ended.
    #[must_use]
    pub fn with_regions(mut self, compiler: Arc<dyn RegionCompiler>, threshold: u32) -> Self {
        self.regions = Some(Regions {
            compiler,
            threshold: threshold.max(1),
            live: Vec::new(),
            asked: Vec::new(),
        });
        self
    }

    /// Lets blocks that were entered `threshold` times have code by a compiler that is quick
    /// enough to be waited for; the other one is for what that can not do.
    #[must_use]
    pub fn with_templates(mut self, templates: Arc<dyn Compiler>, threshold: u32) -> Self {
        self.templates = Some((templates, threshold.max(1)));
        self
    }

    /// Whether templates come first.
    pub(crate) fn has_templates(&self) -> bool {
        self.templates.is_some()
    }

    /// How often a block is entered before it gets its first native code.
    pub fn first_threshold(&self) -> u32 {
        let templates = self.templates.as_ref();
        templates.map_or(self.threshold, |(_, threshold)| *threshold)
    }

    /// Code by templates, in its place; whether there may be some at another time, if there is
    /// none now.
    pub fn template(
        &mut self,
        unit: Unit,
        work: &Work,
        code: u64,
    ) -> Result<(Native, Place), bool> {
        let Some((templates, _)) = &self.templates else {
            return Err(false);
        };
        let Some(mut native) = templates.compile(work) else {
            self.stats.template_refused += 1;
            return Err(false);
        };
        native.belongs_to(code);
        let placed = self
            .arena
            .place_with(unit, &native.bytes, work.insns, native.ways);
        let Ok(place) = placed else {
            self.stats.no_room += 1;
            return Err(true);
        };
        self.stats.templates += 1;
        self.stats.template_insns += u64::from(work.insns);
        self.stats.template_bytes += native.bytes.len() as u64;
        Ok((native, place))
    }

    /// How templates make native code.
    pub fn explain_template(&self, work: &Work) -> Option<Listing> {
        self.templates.as_ref()?.0.explain(work)
    }

    /// Hands a block to the compiler, which is also to say how it compiles it if that is wanted;
    /// false if too many wait already.
    pub fn ask(&mut self, unit: Unit, work: Work, wanted: bool) -> bool {
        let compiler = self.compiler.clone();
        let asked = self.submit(unit, move || {
            let made = compiler.compile(&work).map(Made::Block);
            let listing = wanted.then(|| compiler.explain(&work)).flatten();
            (made, listing)
        });
        self.stats.asked += u64::from(asked);
        asked
    }

    /// Hands blocks to the compiler of regions; `looked` are the members of `work`.
    pub fn ask_region(&mut self, looked: Vec<Looked>, work: RegionWork, wanted: bool) {
        let Some(regions) = &self.regions else { return };
        let compiler = regions.compiler.clone();
        let mut pages: Vec<u64> = looked.iter().map(Looked::page).collect();
        pages.dedup();
        let unit = Unit {
            region: true,
            ..looked[work.hot].unit
        };
        let asked = self.submit(unit, move || {
            let made = compiler.compile(&work);
            let listing = wanted.then(|| compiler.explain(&work)).flatten();
            (
                made.map(|made| Made::Region(made, looked, work.seen)),
                listing,
            )
        });
        self.stats.regions_asked += u64::from(asked);
        if let (true, Some(regions)) = (asked, &mut self.regions) {
            regions.asked.push((unit, pages));
        }
    }

    fn submit(
        &mut self,
        unit: Unit,
        make: impl FnOnce() -> (Option<Made>, Option<Listing>) + Send + 'static,
    ) -> bool {
        if self.inbox.waiting.load(Ordering::Relaxed) >= WAITING {
            return false;
        }
        self.inbox.waiting.fetch_add(1, Ordering::Relaxed);
        let inbox = self.inbox.clone();
        self.background.submit(Box::new(move || {
            let (native, listing) = make();
            lock(&inbox.done).push(Done {
                unit,
                native,
                listing,
            });
            inbox.ready.store(true, Ordering::Release);
        }));
        true
    }

    /// What the compiler has made since the last call.
    pub fn take(&mut self) -> Vec<Done> {
        let ready = &self.inbox.ready;
        if !ready.load(Ordering::Relaxed) || !ready.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        let done = std::mem::take(&mut *lock(&self.inbox.done));
        let count = done.len() as u64;
        self.inbox.waiting.fetch_sub(count, Ordering::Relaxed);
        done
    }

    /// Finds room for native code, and writes it there.
    pub fn place(&mut self, unit: Unit, native: &Native, insns: u64) -> Option<Place> {
        match self.arena.place(unit, &native.bytes, insns as u32) {
            Ok(place) => {
                self.stats.published += 1;
                self.stats.insns += insns;
                self.stats.bytes += native.bytes.len() as u64;
                Some(place)
            }
            Err(NoRoom::Full | NoRoom::TooLong) => {
                self.stats.no_room += 1;
                None
            }
        }
    }

    /// Makes room; the blocks whose native code is to be forgotten first.
    pub fn make_room(&mut self, epochs: &Epochs, mut forget: impl FnMut(Unit)) {
        while self.arena.short() {
            let Some(evicted) = self.arena.evict() else {
                break;
            };
            for departed in &evicted.units {
                forget(departed.key);
            }
            self.arena.retire(evicted, epochs);
            self.arena.reclaim(epochs);
        }
    }
}
