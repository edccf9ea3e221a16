//! Pieces of native code for several blocks of a page, and where they are entered.

use std::sync::Arc;

use vm_engine_cache::UnitId;

use super::EXITS;
use super::tier::Unit;

/// How often a block may ask in vain.
// LIMIT: each time it asks after twice as many slices, and the compiler looks at its whole page.
const ATTEMPTS: u8 = 4;

/// Makes native code for several blocks; shared by threads.
pub trait RegionCompiler: Send + Sync {
    /// Native code for blocks around the one that is hot; `None` if they make no loop that can be
    /// compiled.
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion>;
}

/// The blocks of a page that native code may be made of.
#[derive(Clone, Debug)]
pub struct RegionWork {
    /// All of the page.
    pub bytes: Vec<u8>,
    /// The mode that the blocks are for.
    pub mode: u64,
    /// The blocks that were entered often.
    pub members: Vec<Member>,
    /// Which of them is hot.
    pub hot: usize,
}

/// A block that may become a part of a region.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Where it stands in its page.
    pub page_offset: u64,
    /// How many bytes it has.
    pub length: u32,
    /// How many instructions that is.
    pub insns: u32,
    /// The address of the block's head.
    pub code: u64,
}

/// Native code for a region; it may stand at any multiple of sixteen.
#[derive(Clone, Debug)]
pub struct NativeRegion {
    /// The code, and what it needs beside it.
    pub bytes: Vec<u8>,
    /// How many guest instructions it was made of.
    pub insns: u32,
    /// Its blocks; those without an entry are entered inside only.
    pub blocks: Vec<Entrance>,
}

/// A block of a region.
#[derive(Clone, Copy, Debug)]
pub struct Entrance {
    /// The number among the members that were given.
    pub member: usize,
    /// Where in the code it is entered, if it is.
    pub entry: Option<usize>,
    /// Where its exits lead to, from the block's first byte.
    pub distances: [i64; EXITS],
}

/// What makes regions, from when on, and those there are.
pub struct Regions {
    pub compiler: Arc<dyn RegionCompiler>,
    /// How many slices have to end in a block.
    pub threshold: u32,
    pub live: Vec<Region>,
    /// Pages, and modes of their blocks, of which the compiler makes a region now.
    pub asked: Vec<(u64, u64)>,
}

/// A region that may be entered.
pub struct Region {
    /// Its native code.
    pub id: UnitId,
    /// The number of its page.
    pub page: u64,
    /// What its native code is known by.
    pub name: Unit,
    /// Its blocks.
    pub blocks: Vec<Unit>,
}

/// How near a block is to being hot, as slices show that end in it.
///
/// A slice ends after a number of instructions that has nothing to do with what the guest does,
/// so that the blocks in which slices end are those that it spends its instructions in; and
/// nothing has to be counted in native code.
#[derive(Debug, Default)]
pub struct Samples {
    /// Slices that ended in it.
    pub seen: u32,
    /// How often it has asked.
    pub attempts: u8,
    /// It is part of a region.
    pub inside: bool,
    /// The region is entered here.
    pub entered: bool,
    /// It is better left out of regions.
    pub unfit: bool,
}

impl Samples {
    /// A slice has ended in the block; whether it is to be asked for.
    pub fn note(&mut self, threshold: u32) -> bool {
        if self.inside || self.unfit || self.attempts >= ATTEMPTS {
            return false;
        }
        self.seen += 1;
        let hot = self.seen >= threshold << self.attempts;
        if hot {
            (self.seen, self.attempts) = (0, self.attempts + 1);
        }
        hot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_asks_less_and_less_often_and_then_no_more() {
        let mut samples = Samples::default();
        let asked: Vec<_> = (1..1000).filter(|_| samples.note(3)).collect();
        assert_eq!(asked, [3, 3 + 6, 3 + 6 + 12, 3 + 6 + 12 + 24]);
        let mut samples = Samples {
            inside: true,
            ..Samples::default()
        };
        assert!(!(0..100).any(|_| samples.note(1)));
    }
}
