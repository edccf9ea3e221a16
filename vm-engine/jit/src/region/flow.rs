//! Which slots a region uses, and where they have values that memory has not.

use std::collections::VecDeque;

use cranelift_codegen::ir::{self, types};
use vm_ir::{Block, Effect, Inst, Op, Type};

use super::singles::Singles;
use crate::lower;

/// The most slots that a region may use.
// LIMIT: they are counted in a word of this many bits; general and floating-point registers are 64.
const SLOTS: usize = 128;

/// The most slots that are all held in registers.
// LIMIT: the host has thirteen for a region, and results between operations want some.
const REGISTERS: usize = 8;

/// How many stores the ways out of a region may have.
// LIMIT: every way out stores what memory has not, there are as many of them as memory accesses,
// and compiling takes as long as there is code: without a bound, a region of 499 instructions came
// to 118 KB.
const STORES: u32 = 1200;

/// A set of slots, by their numbers in [`Slots`].
pub type Set = u128;

/// The slots of a region.
#[derive(Default, Debug)]
pub struct Slots {
    /// Their numbers in the CPU's struct.
    pub numbers: Vec<u16>,
    /// How each is held.
    pub types: Vec<ir::Type>,
    /// Those that memory may not have, where each block begins.
    pub dirty: Vec<Set>,
    /// The blocks that leave what they set to where the region is left; all others store it when
    /// they end.
    pub lazy: Vec<bool>,
    /// Those that no block finds something in, and are kept on the stack from one to the next.
    pub parked: Set,
    /// Those that are set somewhere.
    pub set: Set,
    /// Those that are held as singles.
    pub singles: Singles,
}

impl Slots {
    /// Of these blocks, whose successors are `next`, and which are entered at `entries`; slots at
    /// which `memory` says so are left in memory. `None` if there are too many.
    pub fn of(
        blocks: &[Block],
        next: &[Vec<usize>],
        entries: &[usize],
        memory: impl Fn(u64) -> bool,
    ) -> Option<Self> {
        let mut slots = Self::default();
        // For each how often it is rather a float than an integer.
        let mut floats: Vec<i32> = Vec::new();
        let mut sets = vec![0; blocks.len()];
        let mut found = 0;
        let mut wants = Vec::new();
        for (block, sets) in blocks.iter().zip(&mut sets) {
            let integers = lower::wants_float(block, true, |_| false, &mut wants);
            for (n, inst) in block.insts.iter().enumerate() {
                if !matches!(inst.op, Op::Get | Op::Set) || memory(inst.imm) {
                    continue;
                }
                let index = slots.index_or_new(inst.imm as u16)?;
                floats.resize(slots.numbers.len(), 0);
                if inst.op == Op::Get {
                    found |= 1 << index & !*sets;
                }
                floats[index] += if inst.op == Op::Set {
                    *sets |= 1 << index;
                    made_as(block, inst)
                } else if inst.ty == Type::I64 && wants[n] {
                    1
                } else {
                    -i32::from(integers[n] || inst.ty != Type::I64)
                };
            }
        }
        let ty = |votes: i32| if votes > 0 { types::F64 } else { types::I64 };
        slots.types = floats.into_iter().map(ty).collect();
        (slots.lazy, slots.dirty) = laziest(blocks, &sets, next);
        slots.set = sets.iter().fold(0, |all, set| all | set);
        let state = (&*sets, &*slots.dirty);
        slots.singles = Singles::of(blocks, next, entries, state, |n| slots.index(n));
        if slots.numbers.len() > REGISTERS {
            slots.parked = slots.set & !found & !slots.singles.slots;
        }
        for (index, ty) in slots.types.iter_mut().enumerate() {
            if slots.singles.slots >> index & 1 == 1 {
                *ty = types::F32;
            }
        }
        Some(slots)
    }

    /// Whether a slot is held as a float.
    pub fn is_float(&self, number: u64) -> bool {
        let ty = self.index(number).map(|index| self.types[index]);
        ty.is_some_and(ir::Type::is_float)
    }

    /// The number here of a slot.
    pub fn index(&self, number: u64) -> Option<usize> {
        self.numbers.iter().position(|n| u64::from(*n) == number)
    }

    fn index_or_new(&mut self, number: u16) -> Option<usize> {
        if let Some(index) = self.index(u64::from(number)) {
            return Some(index);
        }
        self.numbers.push(number);
        (self.numbers.len() <= SLOTS).then(|| self.numbers.len() - 1)
    }
}

/// Which blocks leave their stores to where the region is left, and what each may find dirty: those
/// in the shortest loops, as far as that does not take too many stores.
fn laziest(blocks: &[Block], sets: &[Set], next: &[Vec<usize>]) -> (Vec<bool>, Vec<Set>) {
    let rounds: Vec<u32> = (0..blocks.len())
        .map(|at| round(blocks, next, at))
        .collect();
    let mut longest = rounds.iter().copied().max().unwrap_or(0);
    loop {
        let lazy: Vec<bool> = rounds.iter().map(|round| *round <= longest).collect();
        let dirty = dirty(sets, next, &lazy);
        let stores = |at: usize| {
            let leaves = |inst: &&Inst| matches!(inst.op.effect(), Effect::Memory | Effect::Trap);
            let leaves = blocks[at].insts.iter().filter(leaves).count() + 1;
            (dirty[at] | sets[at]).count_ones().max(1) * leaves as u32
        };
        let all: u32 = (0..blocks.len()).filter(|at| lazy[*at]).map(stores).sum();
        if all <= STORES || longest == 0 {
            return (lazy, dirty);
        }
        longest /= 2;
    }
}

/// How many instructions the shortest way from a block back to itself has.
fn round(blocks: &[Block], next: &[Vec<usize>], from: usize) -> u32 {
    let mut far = vec![u32::MAX; blocks.len()];
    let mut open = VecDeque::from([(from, 0)]);
    let mut best = u32::MAX;
    while let Some((at, before)) = open.pop_front() {
        let behind = before + blocks[at].insns;
        for to in &next[at] {
            if *to == from {
                best = best.min(behind);
            } else if behind < far[*to] {
                far[*to] = behind;
                open.push_back((*to, behind));
            }
        }
    }
    best
}

/// What each block may find dirty.
fn dirty(sets: &[Set], next: &[Vec<usize>], lazy: &[bool]) -> Vec<Set> {
    let mut dirty = vec![0; sets.len()];
    let mut open: Vec<usize> = (0..sets.len()).filter(|at| lazy[*at]).collect();
    while let Some(at) = open.pop() {
        let out = dirty[at] | sets[at];
        // On the way to others it is stored.
        for to in next[at].iter().filter(|to| lazy[**to]) {
            if out & !dirty[*to] != 0 {
                dirty[*to] |= out;
                open.push(*to);
            }
        }
    }
    dirty
}

/// Whether what is set is made by an operation on doubles (1) or on integers (-1).
fn made_as(block: &Block, set: &Inst) -> i32 {
    let made = &block.insts[usize::from(set.args[0])];
    let number = made.op.effect() == Effect::Float && !matches!(made.op, Op::FToS | Op::FToU);
    match made.op {
        _ if made.value_type() != Type::I64 || made.op == Op::FClass => -1,
        // These make what is wanted.
        Op::Load | Op::Get | Op::Const => 0,
        _ if number => 1,
        _ => -1,
    }
}
