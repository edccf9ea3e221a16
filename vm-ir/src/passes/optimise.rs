//! Runs the passes.

use std::ops::BitOr;

use super::{Scratch, dead_code, dead_state, fold, forward};
use crate::block::{Block, End, Id, NONE};

/// A choice of passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passes(u8);

impl Passes {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Replaces a `get` by the constant or code address that the slot is known to hold.
    pub const FORWARD_CONSTANTS: Self = Self(1);
    /// Replaces a `get` by the value that the slot is known to hold, whatever it is.
    pub const FORWARD: Self = Self(2);
    /// Computes what is constant and drops what does nothing.
    pub const FOLD: Self = Self(4);
    /// Removes a `set` that is overwritten before anything can observe it.
    pub const DEAD_STATE: Self = Self(8);
    /// Removes operations whose value nobody uses.
    pub const DEAD_CODE: Self = Self(16);
    /// What suits an engine whose operands are slots: values stay where they are.
    pub const FLAT: Self = Self(1 | 4 | 8 | 16);
    /// All of them.
    pub const ALL: Self = Self(2 | 4 | 8 | 16);

    /// Each pass with its name in test files.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("forward-constants", Self::FORWARD_CONSTANTS),
        ("forward", Self::FORWARD),
        ("fold", Self::FOLD),
        ("dead-state", Self::DEAD_STATE),
        ("dead-code", Self::DEAD_CODE),
        ("flat", Self::FLAT),
        ("all", Self::ALL),
    ];

    /// Whether one of `other` is among these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The passes of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, passes)| *passes)
    }
}

impl BitOr for Passes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Runs the chosen passes over a valid block; what the block does stays the same.
pub fn optimise(block: &mut Block, scratch: &mut Scratch, which: Passes) {
    let forward = if which.has(Passes::FORWARD) {
        Some(forward::Reach::All)
    } else if which.has(Passes::FORWARD_CONSTANTS) {
        Some(forward::Reach::Constants)
    } else {
        None
    };
    let fold = which.has(Passes::FOLD);
    if fold || forward.is_some() {
        values(block, scratch, forward, fold);
    }
    if which.has(Passes::DEAD_STATE) {
        dead_state::mark(block, scratch);
    }
    if which.has(Passes::DEAD_CODE) {
        if !which.has(Passes::DEAD_STATE) {
            dead_code::clear(block, scratch);
        }
        dead_code::mark(block, scratch);
    }
    if which.has(Passes::DEAD_STATE | Passes::DEAD_CODE) {
        dead_code::close_gaps(block, scratch);
    }
}

/// The walk that finds equal values: each operation sees those before it in their final form.
fn values(block: &mut Block, scratch: &mut Scratch, reach: Option<forward::Reach>, fold: bool) {
    scratch.same.clear();
    if reach.is_some() {
        scratch.forget_all();
    }
    for i in 0..block.insts.len() {
        let (before, rest) = block.insts.split_at_mut(i);
        let inst = &mut rest[0];
        for arg in &mut inst.args {
            if *arg == NONE {
                break;
            }
            *arg = scratch.same[usize::from(*arg)];
        }
        let mut same = i as Id;
        if let Some(reach) = reach {
            same = forward::step(before, inst, same, reach, scratch);
        }
        if fold && same == i as Id {
            same = fold::step(before, inst).unwrap_or(same);
        }
        scratch.same.push(same);
    }
    let same = &scratch.same;
    match &mut block.end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => *id = same[usize::from(*id)],
        End::Goto(_) | End::Next(_) | End::Leave => {}
    }
    if fold {
        fold::end(block);
    }
}
