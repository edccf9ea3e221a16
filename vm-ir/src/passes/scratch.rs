//! What the passes know of the guest architecture, and the memory they work in.

use crate::block::{Id, Inst};
use crate::{Effects, Helper, Layout, Type};

/// Memory for the passes, used for one block after the other.
#[derive(Debug)]
pub struct Scratch {
    /// For each operation: the value to use instead of its own.
    pub(super) same: Vec<Id>,
    /// For each operation: whether it stays.
    pub(super) mark: Vec<Mark>,
    /// For each slot: what is known of it.
    pub(super) slots: Vec<Slot>,
    /// What is known is valid if it was learnt in this epoch or later.
    pub(super) epoch: u32,
    /// The slot that floating-point operations add to.
    pub(super) fp_flags: u64,
    /// The first of the three slots that memory operations may change.
    pub(super) reservation: u64,
    effects: Vec<Effects>,
}

/// Whether an operation stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// Nobody has asked for it yet.
    Unknown,
    /// It stays.
    Live,
    /// It goes.
    Dead,
}

/// What is known of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// When it was learnt.
    pub epoch: u32,
    /// The operation it was learnt from: the value it holds, or the last `set`.
    pub id: Id,
    /// The type of the value.
    pub ty: Type,
    /// The bits above the value are known to be zero.
    pub whole: bool,
}

impl Slot {
    const UNKNOWN: Self = Self {
        epoch: 0,
        id: 0,
        ty: Type::I64,
        whole: false,
    };
}

impl Scratch {
    /// Working memory for blocks of one guest architecture.
    #[must_use]
    pub fn new(layout: &Layout, helpers: &[Helper]) -> Self {
        Self {
            same: Vec::new(),
            mark: Vec::new(),
            slots: vec![Slot::UNKNOWN; layout.slots.len()],
            epoch: 0,
            fp_flags: u64::from(layout.fp_flags.0),
            reservation: u64::from(layout.reservation.0),
            effects: helpers.iter().map(|helper| helper.effects).collect(),
        }
    }

    /// Forgets what is known of all slots.
    pub(super) fn forget_all(&mut self) {
        if self.epoch == u32::MAX {
            self.slots.fill(Slot::UNKNOWN);
            self.epoch = 0;
        }
        self.epoch += 1;
    }

    /// Forgets what is known of one slot.
    pub(super) fn forget(&mut self, slot: u64) {
        if let Some(known) = self.slots.get_mut(slot as usize) {
            known.epoch = 0;
        }
    }

    /// Forgets what is known of all slots that an operation with a slot chosen at run time may
    /// mean.
    pub(super) fn forget_group(&mut self, imm: u64) {
        let (first, count) = (imm & 0xffff, imm >> 16);
        for slot in first..first.saturating_add(count).min(self.slots.len() as u64) {
            self.forget(slot);
        }
    }

    /// What is known of a slot.
    pub(super) fn known(&self, slot: u64) -> Option<Slot> {
        let known = *self.slots.get(slot as usize)?;
        (known.epoch == self.epoch).then_some(known)
    }

    /// Takes note of a slot.
    pub(super) fn learn(&mut self, slot: u64, id: Id, ty: Type, whole: bool) {
        let epoch = self.epoch;
        if let Some(known) = self.slots.get_mut(slot as usize) {
            *known = Slot {
                epoch,
                id,
                ty,
                whole,
            };
        }
    }

    /// What a helper may do; everything, if it is not known.
    pub(super) fn effects(&self, call: &Inst) -> Effects {
        let found = usize::try_from(call.imm)
            .ok()
            .and_then(|i| self.effects.get(i));
        found.copied().unwrap_or(Effects {
            reads: true,
            writes: true,
            traps: true,
        })
    }
}
