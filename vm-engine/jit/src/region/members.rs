//! The blocks of a region, in their order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use vm_core::PAGE_BYTES;
use vm_engine_interp::native::{EXITS, Member, RegionWork, Seen};
use vm_ir::{Block, End};

use super::former::Shape;
use super::ways::{Ways, place};

/// The blocks of a region.
pub struct Region {
    /// What they do, the first entry in front.
    pub blocks: Vec<Block>,
    /// What else is known of them.
    pub members: Vec<Member>,
    /// How many bytes behind the beginning of the first page they stand.
    pub places: Vec<i64>,
    /// Their numbers among the members that were given.
    pub numbers: Vec<usize>,
    /// Those at which it is entered.
    pub entries: Vec<usize>,
    /// Their successors inside, the likeliest in front.
    pub next: Vec<Vec<usize>>,
    /// Where to look whether the pages have been seen, if they are several.
    pub seen: Option<Arc<Seen>>,
}

impl Region {
    /// The blocks of a shape, which are known by these numbers outside, and their edges.
    pub fn new(
        work: &RegionWork,
        numbers: &[usize],
        all: &[Block],
        ways: &Ways,
        shape: &Shape,
    ) -> Self {
        let inside: HashMap<usize, usize> = shape
            .blocks
            .iter()
            .enumerate()
            .map(|(n, at)| (*at, n))
            .collect();
        let next = |at: &usize| {
            let next = ways.next[*at].iter();
            next.filter_map(|to| inside.get(to).copied()).collect()
        };
        let pages: HashSet<usize> = shape
            .blocks
            .iter()
            .map(|at| work.members[*at].page)
            .collect();
        Self {
            blocks: shape.blocks.iter().map(|at| all[*at].clone()).collect(),
            members: shape.blocks.iter().map(|at| work.members[*at]).collect(),
            places: shape.blocks.iter().map(|at| place(work, *at)).collect(),
            numbers: shape.blocks.iter().map(|at| numbers[*at]).collect(),
            entries: shape.entries.iter().map(|at| inside[at]).collect(),
            next: shape.blocks.iter().map(next).collect(),
            seen: (pages.len() > 1).then(|| work.seen.clone()),
        }
    }

    /// The block at a distance from another's first byte, if it is one of these.
    pub fn inside(&self, from: usize, distance: i64) -> Option<usize> {
        let target = self.places[from].wrapping_add(distance);
        self.places.iter().position(|place| *place == target)
    }

    /// How far behind the first page that of a block is.
    pub fn page(&self, of: usize) -> i64 {
        self.places[of].wrapping_sub_unsigned(self.members[of].page_offset)
    }

    /// The block that alone leads to another, if no other way leads there.
    pub fn only_way_to(&self, at: usize) -> Option<usize> {
        let all = self.next.iter().enumerate();
        let mut ways =
            all.flat_map(|(from, next)| next.iter().filter(|to| **to == at).map(move |_| from));
        let (only, None) = (ways.next()?, ways.next()) else {
            return None;
        };
        (!self.entries.contains(&at)).then_some(only)
    }

    /// Where in the page a distance leads to, if it is there.
    pub fn target(&self, from: usize, distance: i64) -> Option<u64> {
        let target = self.members[from].page_offset.wrapping_add_signed(distance);
        (target < PAGE_BYTES).then_some(target)
    }

    /// Where the exits of a block lead to that have cells: those to its own page.
    pub fn distances(&self, of: usize) -> [i64; EXITS] {
        let mut distances = [0; EXITS];
        let exits = match self.blocks[of].end {
            End::Goto(at) => vec![at],
            End::Branch { taken, fall, .. } => vec![taken, fall],
            _ => Vec::new(),
        };
        for (cell, distance) in distances.iter_mut().zip(exits) {
            if self.target(of, distance).is_some() {
                *cell = distance;
            }
        }
        distances
    }
}
