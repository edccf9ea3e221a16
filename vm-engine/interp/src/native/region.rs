//! Pieces of native code for several blocks of a page, and where they are entered.

use std::mem::MaybeUninit;
use std::sync::Arc;

use vm_core::{GuestPhys, PAGE_BYTES};
use vm_engine_cache::UnitId;

use super::seen::Seen;
use super::span::Span;
use super::tier::Unit;
use super::{EXITS, HELPERS, Listing};

/// How many guest instructions a region with calls, jumps or several pages may have when a block
/// asks for the first time, for the second ...; each time it asks after four times as many slices.
// LIMIT: compiling takes some 0.1 ms an instruction, and a slice as long: what is compiled is not
// much dearer than what has been run.
const SIZES: [u32; 5] = [48, 96, 200, 400, 500];

/// Makes native code for several blocks; shared by threads.
pub trait RegionCompiler: Send + Sync {
    /// Native code for blocks around the one that is hot; `None` if they make no loop that can be
    /// compiled.
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion>;

    /// How it makes native code of these blocks, by doing it once more and writing down each step;
    /// `None` if they can not be compiled, or the compiler tells nothing.
    fn explain(&self, work: &RegionWork) -> Option<Listing> {
        let _ = work;
        None
    }

    /// Writes what its code wants to find at [`super::Places::HELPERS`] into a CPU.
    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]);
}

/// The blocks that native code may be made of.
#[derive(Clone, Debug)]
pub struct RegionWork {
    /// The pages that they stand on, in front that of the hot one.
    pub pages: Vec<RegionPage>,
    /// The mode that the blocks are for.
    pub mode: u64,
    /// The blocks that were entered often.
    pub members: Vec<Member>,
    /// Which of them is hot.
    pub hot: usize,
    /// How many guest instructions the region may have, if it is more than a loop on one page.
    pub most: u32,
    /// Where jumps have led to lately, the newest last: members, or others.
    pub went: Vec<Option<usize>>,
    /// Where native code on several pages looks whether they have been seen.
    pub seen: Arc<Seen>,
}

/// A page with code.
#[derive(Clone, Debug)]
pub struct RegionPage {
    /// All of it.
    pub bytes: Vec<u8>,
    /// How far behind the first page it was seen in the address space.
    pub distance: i64,
}

/// A block that may become a part of a region.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The number of its page.
    pub page: usize,
    /// Where it stands in its page.
    pub page_offset: u64,
    /// How many bytes it has.
    pub length: u32,
    /// How many instructions that is.
    pub insns: u32,
    /// The address of the block's head.
    pub code: u64,
    /// The region that it is part of, and how many blocks that has: it can become part of another
    /// one only together with all of them.
    pub region: Option<(u64, usize)>,
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
    /// Hot blocks, and the physical addresses of the pages of which the compiler makes regions now.
    pub asked: Vec<(Unit, Vec<u64>)>,
}

/// A region that may be entered.
pub struct Region {
    /// Its native code.
    pub id: UnitId,
    /// The numbers of its pages.
    pub pages: Vec<u64>,
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
    /// The number of that region, and how many blocks it has.
    pub region: (u32, u32),
    /// The region is entered here.
    pub entered: bool,
    /// It is better left out of regions.
    pub unfit: bool,
    /// It is better left in regions of one page.
    pub stays: bool,
    /// The pages of the region that is entered here, if they are several.
    pub span: Option<Arc<Span>>,
}

/// A block that a compiler of regions looks at.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// Which one.
    pub unit: Unit,
    /// How far its page stands behind that of the hot one.
    pub distance: i64,
}

impl Looked {
    /// The physical address of its page.
    pub fn page(&self) -> u64 {
        self.unit.key.phys & !(PAGE_BYTES - 1)
    }

    /// Where it stands in its page.
    pub fn offset(&self) -> u64 {
        GuestPhys(self.unit.key.phys).page_offset()
    }
}

impl Samples {
    /// A slice has ended in the block; how large a region is to be asked for, if one is.
    pub fn note(&mut self, threshold: u32) -> Option<u32> {
        let size = *SIZES.get(usize::from(self.attempts))?;
        if self.unfit {
            return None;
        }
        self.seen += 1;
        if self.seen < threshold << (2 * self.attempts) {
            return None;
        }
        (self.seen, self.attempts) = (0, self.attempts + 1);
        Some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_asks_less_and_less_often_and_then_no_more() {
        let mut samples = Samples::default();
        let asked = (1..2000).filter_map(|n| Some((n, samples.note(3)?)));
        let asked: Vec<(u32, u32)> = asked.collect();
        let after = [
            3,
            3 + 12,
            3 + 12 + 48,
            3 + 12 + 48 + 192,
            3 + 12 + 48 + 192 + 768,
        ];
        assert_eq!(asked, after.into_iter().zip(SIZES).collect::<Vec<_>>());
        let mut samples = Samples {
            unfit: true,
            ..Samples::default()
        };
        assert!((0..100).all(|_| samples.note(1).is_none()));
    }
}
