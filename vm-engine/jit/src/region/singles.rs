//! Slots that hold nothing but singles in boxes, and are held as singles.
//!
//! A single in a register of doubles has ones above it, its box.
//! What a region sets such a slot to is in one, and the box is left out until memory wants it.
//! What the slot has when the region is entered may be anything: then it counts as the number that
//! the guest's code takes for a wrongly boxed one, and its bit among the *odd* ones says that
//! memory, not the region, has what the slot holds.

use vm_ir::{Block, End, Id, Inst, Op, Type};

use super::flow::Set;
use crate::lower::{LID, boxed};

/// What the slots of a region are as singles.
#[derive(Default, Debug)]
pub struct Singles {
    /// Those that are held as singles.
    pub slots: Set,
    /// Those of them that were set on some ways to a place, and not on others.
    pub odd: Set,
    /// The slots that were set on every way, where each block begins.
    pub must: Vec<Set>,
    /// What a wrongly boxed number counts as.
    pub instead: u32,
}

/// What was found out about one slot.
#[derive(Clone, Copy, Default)]
struct Facts {
    /// It is set to something that is no single in a box.
    other: bool,
    /// Singles are calculated with.
    used: bool,
}

/// Whether an operation asks if a slot's word is a box; the slot.
pub fn asks_box(block: &Block, inst: &Inst) -> Option<u64> {
    let made = |id: Id| block.insts.get(usize::from(id));
    if !is(inst, Op::GeU, Type::I64) {
        return None;
    }
    let get = made(inst.args[0]).filter(|i| is(i, Op::Get, Type::I64))?;
    let lid = made(inst.args[1])?;
    (lid.op == Op::Const && lid.imm == LID).then_some(get.imm)
}

/// Whether an operation takes a slot's single if it is boxed, else a constant; both.
pub fn unboxes(block: &Block, inst: &Inst) -> Option<(u64, u32)> {
    let made = |id: Id| block.insts.get(usize::from(id));
    if !is(inst, Op::Select, Type::I32) {
        return None;
    }
    let asked = asks_box(block, made(inst.args[0])?)?;
    let get = made(inst.args[1]).filter(|i| is(i, Op::Get, Type::I32) && i.imm == asked)?;
    let instead = made(inst.args[2]).filter(|i| i.op == Op::Const)?;
    Some((get.imm, instead.imm as u32))
}

fn is(inst: &Inst, op: Op, ty: Type) -> bool {
    (inst.op, inst.ty) == (op, ty)
}

impl Singles {
    /// Of these blocks, whose successors are `next` and which are entered at `entries`; `sets` are
    /// the slots that each sets, `dirty` those that memory may not have, and `index` the number of
    /// a slot.
    pub fn of(
        blocks: &[Block],
        next: &[Vec<usize>],
        entries: &[usize],
        (sets, dirty): (&[Set], &[Set]),
        index: impl Fn(u64) -> Option<usize>,
    ) -> Self {
        let mut singles = Self {
            must: must(sets, next, entries),
            ..Self::default()
        };
        let mut facts = [Facts::default(); Set::BITS as usize];
        for (block, must) in blocks.iter().zip(&singles.must) {
            let mut known = *must;
            let raw = raw_reads(block);
            for (n, inst) in block.insts.iter().enumerate() {
                if let Some((_, instead)) = unboxes(block, inst) {
                    // All that a guest has are alike.
                    singles.instead = instead;
                }
                let Some(slot) = index(inst.imm).filter(|_| matches!(inst.op, Op::Get | Op::Set))
                else {
                    continue;
                };
                let fact = &mut facts[slot];
                if inst.op == Op::Set {
                    let value = inst.args[0];
                    let constant = &block.insts[usize::from(value)];
                    let boxes = constant.op == Op::Const && constant.imm >= LID;
                    let single = boxed(block, value).is_some();
                    fact.other |= !boxes && !single;
                    fact.used |= single;
                    known |= 1 << slot;
                } else if raw[n] {
                    fact.other |= known >> slot & 1 == 0;
                } else {
                    fact.used = true;
                }
            }
        }
        for (slot, fact) in facts.iter().enumerate() {
            if fact.used && !fact.other && singles.slots.count_ones() < u64::BITS {
                singles.slots |= 1 << slot;
            }
        }
        for (dirty, must) in dirty.iter().zip(&singles.must) {
            singles.odd |= dirty & !must & singles.slots;
        }
        singles
    }
}

/// For each operation whether it gets a slot's word for more than to ask for a box and what is in
/// it.
fn raw_reads(block: &Block) -> Vec<bool> {
    let mut raw = vec![false; block.insts.len()];
    for inst in &block.insts {
        let asks = asks_box(block, inst).is_some();
        let unboxes = unboxes(block, inst).is_some();
        for (n, id) in inst.operands().enumerate() {
            if !(asks && n == 0 || unboxes && n == 1) {
                raw[usize::from(id)] = true;
            }
        }
    }
    let last = match block.end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => Some(id),
        End::Goto(_) | End::Next(_) | End::Leave => None,
    };
    if let Some(id) = last {
        raw[usize::from(id)] = true;
    }
    raw
}

/// What has been set on every way from an entry to each block.
fn must(sets: &[Set], next: &[Vec<usize>], entries: &[usize]) -> Vec<Set> {
    let mut must = vec![Set::MAX; sets.len()];
    let mut open: Vec<usize> = entries.to_vec();
    for entry in entries {
        must[*entry] = 0;
    }
    while let Some(at) = open.pop() {
        let out = must[at] | sets[at];
        for to in &next[at] {
            if must[*to] & !out != 0 {
                must[*to] &= out;
                open.push(*to);
            }
        }
    }
    must
}
