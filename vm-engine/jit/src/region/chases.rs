//! Loads whose address is made from what they loaded a turn before.
//!
//! A list, a tree: each turn waits for the one before. What the TLB has to add to the address is
//! on that way, too, and takes longer than the load itself; a guess is not.

use vm_ir::{Block, Inst, Op};

use super::flow::{Set, Slots};

/// The most loads of a loop that are looked at.
// LIMIT: for each, the blocks of the loop are gone through, mostly twice.
const LOADS: usize = 16;

/// The loads of a loop, among those that `asked` says, whose address is made from what they have
/// loaded: block and operation of each.
pub fn chases(
    (blocks, next): (&[Block], &[Vec<usize>]),
    slots: &Slots,
    inside: &[usize],
    asked: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let loads = inside.iter().flat_map(|at| {
        let all = blocks[*at].insts.iter().enumerate();
        let loads = all.filter(|(n, inst)| inst.op == Op::Load && asked(*at, *n));
        loads.map(|(n, _)| (*at, n))
    });
    let comes_back = |load: &(usize, usize)| comes_back(blocks, next, slots, inside, *load);
    let mut found: Vec<_> = loads.take(LOADS).collect();
    found.retain(comes_back);
    found
}

/// Whether what a load gives is part of its own address some time later in the loop.
fn comes_back(
    blocks: &[Block],
    next: &[Vec<usize>],
    slots: &Slots,
    inside: &[usize],
    (from, load): (usize, usize),
) -> bool {
    let mut found: Vec<Option<Set>> = vec![None; blocks.len()];
    found[from] = Some(0);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let load = (at == from).then_some(load);
        let Some(made) = made(&blocks[at], slots, found[at].unwrap_or(0), load) else {
            return true;
        };
        for to in next[at].iter().filter(|to| inside.contains(to)) {
            let known = found[*to];
            if known.is_none_or(|known| made & !known != 0) {
                found[*to] = Some(known.unwrap_or(0) | made);
                open.push(*to);
            }
        }
    }
    false
}

/// The slots that are made from what a load gives when a block ends, of those that were when it
/// began; `None` if the load's own address is.
fn made(block: &Block, slots: &Slots, mut now: Set, load: Option<usize>) -> Option<Set> {
    let mut values = Vec::with_capacity(block.insts.len());
    for (n, inst) in block.insts.iter().enumerate() {
        let of = |inst: &Inst| inst.operands().any(|id| values[usize::from(id)]);
        let slot = matches!(inst.op, Op::Get | Op::Set).then(|| slots.index(inst.imm));
        let value = match slot.flatten() {
            Some(slot) if inst.op == Op::Get => now >> slot & 1 == 1,
            Some(slot) => {
                now = now & !(1 << slot) | Set::from(of(inst)) << slot;
                false
            }
            None => of(inst),
        };
        if load == Some(n) && value {
            return None;
        }
        values.push(value || load == Some(n));
    }
    Some(now)
}
