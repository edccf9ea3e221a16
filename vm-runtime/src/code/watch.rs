//! Who is told what code the engine makes.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_engine_interp::Maker;
use vm_engine_interp::native::{Birth, Listing, Origin, Witness};

use super::dump::{CodeDump, tier};
use super::perf::PerfMap;
use crate::{Symbols, Vm};

/// How many pieces of code are kept.
// LIMIT: a few tiers of a few blocks were asked for; each may have some hundred KiB of text.
const KEPT: usize = 64;

/// A piece of code at an address that somebody wants to know about.
pub(super) struct Kept {
    pub maker: Maker,
    pub blocks: Vec<Origin>,
    pub host_at: Option<u64>,
    pub listing: Option<Listing>,
    pub times: u64,
}

/// What is known so far; shared with the engine.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Notes>>);

struct Notes {
    kept: Vec<Kept>,
    left_out: u64,
    map: Option<PerfMap>,
}

/// What the engine tells.
struct Watcher {
    addresses: Vec<u64>,
    symbols: Option<Arc<Symbols>>,
    notes: Watch,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// What native code is called in a map: who made it, and of what.
    fn name(&self, birth: &Birth) -> String {
        let pc = birth.blocks.first().map_or(0, |block| block.pc);
        let place = self.symbols.as_ref().and_then(|all| all.lookup(pc));
        let tier = tier(birth.maker);
        match place {
            Some(place) => format!("[{tier}] {place}"),
            None => format!("[{tier}] {pc:#x}"),
        }
    }
}

impl Witness for Watcher {
    fn wants(&self, block: &Origin) -> bool {
        self.addresses.iter().any(|addr| block.has(*addr))
    }

    fn made(&mut self, birth: &Birth) {
        let mut notes = self.notes.lock();
        if let (Some(place), Some(map)) = (birth.place, &mut notes.map) {
            map.add(place, &self.name(birth));
        }
        if birth.blocks.iter().any(|block| self.wants(block)) {
            notes.keep(birth);
        }
    }
}

impl Notes {
    /// Keeps what was told, instead of what the same tier has made of the same block before.
    fn keep(&mut self, birth: &Birth) {
        let same = |kept: &&mut Kept| {
            let first = kept.blocks.first();
            kept.maker == birth.maker && first == birth.blocks.first()
        };
        if let Some(kept) = self.kept.iter_mut().find(same) {
            kept.times += 1;
            // What could be made once may be refused later; that it could is worth more.
            if birth.listing.is_some() {
                kept.blocks = birth.blocks.to_vec();
                kept.host_at = birth.place.map(|place| place.0);
                kept.listing = birth.listing.cloned();
            }
        } else if self.kept.len() < KEPT {
            self.kept.push(Kept {
                maker: birth.maker,
                blocks: birth.blocks.to_vec(),
                host_at: birth.place.map(|place| place.0),
                listing: birth.listing.cloned(),
                times: 1,
            });
        } else {
            self.left_out += 1;
        }
    }
}

impl Vm {
    /// Has the engine tell from now on how it makes code for the blocks at these addresses, and
    /// enters all native code into a map.
    ///
    /// Names are those of the symbols that the machine has now. It changes nothing else.
    pub fn watch_code(&mut self, addresses: &[u64], map: Option<PerfMap>) {
        let notes = Watch(Arc::new(Mutex::new(Notes {
            kept: Vec::new(),
            left_out: 0,
            map,
        })));
        self.watch = Some(notes.clone());
        self.engine.set_witness(Box::new(Watcher {
            addresses: addresses.to_vec(),
            symbols: self.symbols.clone(),
            notes,
        }));
    }

    /// What has become of the code at the addresses that are watched, the lowest tier in front,
    /// and how many pieces more there were.
    #[must_use]
    pub fn code_dumps(&self) -> (Vec<CodeDump>, u64) {
        let Some(watch) = &self.watch else {
            return (Vec::new(), 0);
        };
        let (notes, frontend) = (watch.lock(), self.board.frontend());
        let mut kept: Vec<&Kept> = notes.kept.iter().collect();
        kept.sort_by_key(|kept| kept.maker as u8);
        let symbols = self.symbols.as_deref();
        let dump = |kept: &Kept| CodeDump::of(kept, &*frontend, symbols);
        (kept.into_iter().map(dump).collect(), notes.left_out)
    }

    /// The map of native code that could not be written to its end, and why.
    #[must_use]
    pub fn perf_map_failure(&self) -> Option<(PathBuf, io::Error)> {
        let mut notes = self.watch.as_ref()?.lock();
        let map = notes.map.as_mut()?;
        let failure = map.take_failure()?;
        Some((map.path().to_owned(), failure))
    }
}
