//! Which blocks a region is made of.

use std::collections::VecDeque;

/// The most blocks at which a region is entered.
// LIMIT: each is one more comparison for all others, and one more way into a loop.
const ENTRIES: usize = 6;

/// A block, as far as the choice asks.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands, from the beginning of the first page.
    pub at: i64,
    /// How many guest instructions it has.
    pub insns: u32,
    /// The blocks behind it.
    pub next: Vec<usize>,
    /// The block at which it returns, if it is a call.
    pub behind: Option<usize>,
    /// Whether it can be part of a region.
    pub fit: bool,
    /// The region that it is part of already, and how many blocks that has.
    pub region: Option<(u64, usize)>,
}

/// The blocks of a region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The blocks, the first entry in front, each behind one that leads to it.
    pub blocks: Vec<usize>,
    /// Those at which it is entered.
    pub entries: Vec<usize>,
}

/// As [`form`], but regions that there are already are taken in as a whole or not at all.
///
/// A block that turns on itself, and is part of a region, stays there: most of its turns lead to
/// the next one, and among more blocks there is less room for what they work with.
pub fn form_whole(mut nodes: Vec<Node>, hot: usize, most: u32) -> Option<Shape> {
    for (at, node) in nodes.iter_mut().enumerate() {
        node.fit &= node.region.is_none() || !node.next.contains(&at);
    }
    loop {
        let shape = form(&nodes, hot, most)?;
        let regions = || shape.blocks.iter().filter_map(|at| nodes[*at].region);
        let torn = |of: &(u64, usize)| regions().filter(|other| other == of).count() < of.1;
        let Some(torn) = regions().find(torn) else {
            // What there is already is not made again.
            let same = nodes[hot]
                .region
                .is_some_and(|(_, count)| count == shape.blocks.len());
            return (!same).then_some(shape);
        };
        for node in nodes.iter_mut().filter(|node| node.region == Some(torn)) {
            node.fit = false;
        }
    }
}

/// The blocks that lie on a way from `hot` back to `hot`, those on short ways first if not all
/// fit; `None` if there is no way.
pub fn form(nodes: &[Node], hot: usize, most: u32) -> Option<Shape> {
    let before = turned(nodes);
    let next: Vec<_> = nodes.iter().map(|node| node.next.clone()).collect();
    let there = ways(nodes, hot, &next);
    let back = ways(nodes, hot, &before);
    // Both ways count the block itself.
    let own = |at: usize| if at == hot { 0 } else { nodes[at].insns };
    let mut round: Vec<(u32, usize)> = (0..nodes.len())
        .filter_map(|at| Some((there[at]? + back[at]? - own(at), at)))
        .collect();
    let turns = nodes[hot].next.iter().any(|to| back[*to].is_some());
    if !turns {
        return None;
    }
    round.sort_unstable();
    let mut inside = vec![false; nodes.len()];
    let mut insns = 0;
    // Whatever lies on a shorter way round than some block is inside before it.
    for (_, at) in round {
        insns += nodes[at].insns;
        if insns > most {
            break;
        }
        inside[at] = true;
    }
    // A block that is so far away that its way round was cut leads nowhere inside.
    let back = ways_inside(&before, hot, &inside);
    let there = ways_inside(&next, hot, &inside);
    for at in 0..nodes.len() {
        inside[at] &= back[at] && there[at];
    }
    let turns = nodes[hot].next.iter().any(|to| inside[*to]);
    (turns && inside[hot]).then(|| shape(nodes, &before, &inside))
}

/// The blocks before each.
fn turned(nodes: &[Node]) -> Vec<Vec<usize>> {
    let mut before = vec![Vec::new(); nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for to in &node.next {
            before[*to].push(at);
        }
    }
    before
}

/// How many instructions lie on the shortest way from a block to each.
fn ways(nodes: &[Node], from: usize, next: &[Vec<usize>]) -> Vec<Option<u32>> {
    let mut found = vec![None; nodes.len()];
    let mut open = VecDeque::new();
    if nodes[from].fit {
        found[from] = Some(0);
        open.push_back(from);
    }
    while let Some(at) = open.pop_front() {
        let Some(far) = found[at] else { continue };
        for to in next[at].iter().filter(|to| nodes[**to].fit) {
            let there = far + nodes[*to].insns;
            if found[*to].is_none_or(|known| there < known) {
                found[*to] = Some(there);
                open.push_back(*to);
            }
        }
    }
    found
}

fn ways_inside(next: &[Vec<usize>], from: usize, inside: &[bool]) -> Vec<bool> {
    let mut found = vec![false; next.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if inside[at] && !std::mem::replace(&mut found[at], true) {
            open.extend(&next[at]);
        }
    }
    found
}

/// The order of the blocks and the entries: those that are entered from outside, as far as one
/// can see, and those that loops lead back to.
fn shape(nodes: &[Node], before: &[Vec<usize>], inside: &[bool]) -> Shape {
    let outside = |at: &usize| before[*at].iter().any(|from| !inside[*from]);
    // What may call something outside comes back from there.
    let calls = nodes
        .iter()
        .enumerate()
        .filter(|(at, node)| inside[*at] && !node.next.iter().all(|to| inside[*to]));
    let returns: Vec<usize> = calls.filter_map(|(_, node)| node.behind).collect();
    let outside = |at: &usize| returns.contains(at) || outside(at);
    let mut all: Vec<usize> = (0..nodes.len()).filter(|at| inside[*at]).collect();
    all.sort_unstable_by_key(|at| nodes[*at].at);
    let first = all.iter().copied().find(outside).unwrap_or(all[0]);
    let (mut order, turns) = depth_first(nodes, inside, first);
    order.reverse();
    let mut entries = vec![first];
    let other = order.iter().filter(|at| **at != first);
    let (heads, rest): (Vec<usize>, Vec<usize>) = other.partition(|at| turns[**at]);
    entries.extend(heads);
    entries.extend(rest.into_iter().filter(outside));
    entries.truncate(ENTRIES);
    Shape {
        blocks: order,
        entries,
    }
}

/// The blocks as they are left for good, and those that are reached again while on the way.
fn depth_first(nodes: &[Node], inside: &[bool], first: usize) -> (Vec<usize>, Vec<bool>) {
    let mut order = Vec::new();
    let mut turns = vec![false; nodes.len()];
    let (mut seen, mut on_way) = (vec![false; nodes.len()], vec![false; nodes.len()]);
    let mut way = vec![(first, 0)];
    (seen[first], on_way[first]) = (true, true);
    while let Some((at, done)) = way.last_mut() {
        let Some(to) = nodes[*at].next.get(*done).copied() else {
            on_way[*at] = false;
            order.push(*at);
            way.pop();
            continue;
        };
        *done += 1;
        turns[to] |= on_way[to];
        if inside[to] && !std::mem::replace(&mut seen[to], true) {
            on_way[to] = true;
            way.push((to, 0));
        }
    }
    (order, turns)
}
