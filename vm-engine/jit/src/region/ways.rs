//! Where the blocks that may become a region lead to.
//!
//! Most exits are fixed. Where a jump by a register leads to is told by two things: returns lead
//! behind the calls of the function that they stand in, and the places that the CPU has jumped to
//! lately are known, in their order; between two of them lie blocks with fixed exits only.

use std::collections::HashMap;

use vm_engine_interp::native::RegionWork;
use vm_ir::{Block, End, Hint};

/// The most places that a jump is expected to lead to, if it is a return or a call, and else.
// LIMIT: for a few each is a comparison; more of them are a table, which only a switch needs.
const FEW: usize = 8;
const MANY: usize = 64;

/// Where blocks lead to, by their numbers.
#[derive(Debug)]
pub struct Ways {
    /// The blocks behind each; behind a jump, the likeliest in front.
    pub next: Vec<Vec<usize>>,
    /// For each that is a call, the block at which it returns.
    pub behind: Vec<Option<usize>>,
}

/// How many bytes behind the beginning of the first page a member stands.
pub fn place(work: &RegionWork, member: usize) -> i64 {
    let member = &work.members[member];
    let page = &work.pages[member.page];
    page.distance.wrapping_add(member.page_offset as i64)
}

/// Where a block leads to, from its first byte, as far as that is fixed; calls come back.
pub fn exits(block: &Block) -> Vec<i64> {
    let mut exits = fixed(block);
    if block.kept_by_call().is_some() {
        exits.push(i64::from(block.bytes));
    }
    exits
}

fn fixed(block: &Block) -> Vec<i64> {
    match block.end {
        End::Goto(to) => vec![to],
        End::Branch { taken, fall, .. } => vec![taken, fall],
        _ => Vec::new(),
    }
}

/// A jump by a register, and what it is.
fn jump(block: &Block) -> Option<Hint> {
    match block.end {
        End::Jump { hint, .. } => Some(hint),
        _ => None,
    }
}

impl Ways {
    /// Of the members of the work, whose blocks these are.
    pub fn of(work: &RegionWork, blocks: &[Block]) -> Self {
        let all = 0..blocks.len();
        let at: HashMap<i64, usize> = all.clone().map(|n| (place(work, n), n)).collect();
        let find =
            |from: usize, distance: i64| at.get(&place(work, from).wrapping_add(distance)).copied();
        let mut next: Vec<Vec<usize>> = Vec::new();
        let mut behind = Vec::new();
        for (n, block) in blocks.iter().enumerate() {
            let fixed = fixed(block).into_iter();
            next.push(fixed.filter_map(|to| find(n, to)).collect());
            let call = block.kept_by_call();
            behind.push(call.and_then(|_| find(n, i64::from(block.bytes))));
        }
        let mut ways = Self { next, behind };
        let seen = ways.seen(work, blocks);
        for (from, to) in &seen {
            ways.next[*from].push(*to);
        }
        let returns = ways.returns(blocks);
        for (from, to) in returns {
            if !ways.next[from].contains(&to) {
                ways.next[from].push(to);
            }
        }
        for (block, next) in blocks.iter().zip(&mut ways.next) {
            match jump(block) {
                Some(Hint::Plain) => next.truncate(MANY),
                Some(_) => next.truncate(FEW),
                None => {}
            }
        }
        ways
    }

    /// Where jumps have led to lately, those that did so most often in front.
    fn seen(&self, work: &RegionWork, blocks: &[Block]) -> Vec<(usize, usize)> {
        let mut counts: HashMap<(usize, usize), u32> = HashMap::new();
        let mut behind = vec![false; blocks.len()];
        let mut fixed = vec![false; blocks.len()];
        self.behind
            .iter()
            .flatten()
            .for_each(|at| behind[*at] = true);
        self.next.iter().flatten().for_each(|at| fixed[*at] = true);
        let mut jumps: HashMap<usize, Vec<usize>> = HashMap::new();
        for pair in work.went.windows(2) {
            let [Some(from), Some(to)] = *pair else {
                continue;
            };
            let reached = jumps
                .entry(from)
                .or_insert_with(|| self.jumps_from(blocks, from));
            for by in &*reached {
                // A return leads behind a call, and nothing else does.
                let fits = match jump(&blocks[*by]) {
                    Some(Hint::Return) => behind[to] || !fixed[to],
                    Some(_) => !behind[to],
                    None => false,
                };
                if fits {
                    *counts.entry((*by, to)).or_default() += 1;
                }
            }
        }
        let mut seen: Vec<_> = counts.into_iter().collect();
        seen.sort_by_key(|((from, to), count)| (*from, std::cmp::Reverse(*count), *to));
        seen.into_iter().map(|(way, _)| way).collect()
    }

    /// The jumps that are reached from a block over fixed exits.
    fn jumps_from(&self, blocks: &[Block], from: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = vec![false; blocks.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            if jump(&blocks[at]).is_some() {
                found.push(at);
            } else {
                open.extend(&self.next[at]);
            }
        }
        found
    }

    /// The returns of each function that is called, and where they lead to.
    fn returns(&self, blocks: &[Block]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut known: HashMap<usize, Vec<usize>> = HashMap::new();
        for (call, behind) in self.behind.iter().enumerate() {
            let Some(behind) = behind else { continue };
            for function in &self.next[call] {
                let returns = known
                    .entry(*function)
                    .or_insert_with(|| self.returns_of(blocks, *function));
                found.extend(returns.iter().map(|from| (*from, *behind)));
            }
        }
        found
    }

    /// The returns of the function that begins with a block.
    fn returns_of(&self, blocks: &[Block], function: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = vec![false; blocks.len()];
        let mut open = vec![function];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            match (jump(&blocks[at]), self.behind[at]) {
                (Some(Hint::Return), _) => found.push(at),
                (_, Some(behind)) => open.push(behind),
                _ => open.extend(&self.next[at]),
            }
        }
        found
    }
}
