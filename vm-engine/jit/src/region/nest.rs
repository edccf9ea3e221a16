//! Loops in loops.

/// The loops of a region.
#[derive(Default, Debug)]
pub struct Loops {
    /// The blocks of each; an inner one's are its outer one's, too.
    pub blocks: Vec<Vec<usize>>,
    /// The one around each.
    pub around: Vec<Option<usize>>,
    /// The innermost one of each block.
    pub of: Vec<Option<usize>>,
}

impl Loops {
    /// Of blocks whose successors are `next`, the first way in in front.
    ///
    /// Blocks that lead to one another are a loop; its first block is its head, and what loops
    /// without that is inside.
    pub fn of(next: &[Vec<usize>]) -> Self {
        let mut before = vec![Vec::new(); next.len()];
        for (at, next) in next.iter().enumerate() {
            for to in next {
                before[*to].push(at);
            }
        }
        let mut loops = Self {
            blocks: Vec::new(),
            around: Vec::new(),
            of: vec![None; next.len()],
        };
        let mut open = vec![(vec![true; next.len()], None)];
        while let Some((mut set, around)) = open.pop() {
            while let Some(first) = set.iter().position(|inside| *inside) {
                let there = reached(next, first, &set);
                let back = reached(&before, first, &set);
                let same = |at: &usize| there[*at] && back[*at];
                let blocks: Vec<usize> = (0..next.len()).filter(same).collect();
                set[first] = false;
                if blocks.is_empty() {
                    continue;
                }
                let mut inside = vec![false; next.len()];
                for at in &blocks {
                    set[*at] = false;
                    inside[*at] = *at != first;
                    loops.of[*at] = Some(loops.blocks.len());
                }
                open.push((inside, Some(loops.blocks.len())));
                loops.blocks.push(blocks);
                loops.around.push(around);
            }
        }
        loops
    }
}

/// The blocks inside that are reached from one, itself only if it is reached again.
fn reached(next: &[Vec<usize>], from: usize, inside: &[bool]) -> Vec<bool> {
    let mut found = vec![false; next.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for to in &next[at] {
            if inside[*to] && !std::mem::replace(&mut found[*to], true) {
                open.push(*to);
            }
        }
    }
    found
}
