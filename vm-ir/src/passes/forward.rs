//! Replaces a `get` by the value that the block itself has set or got before.

use super::Scratch;
use crate::block::{Effect, Id, Inst, NONE};
use crate::{Op, Type};

/// Which values are carried from one place to the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// Constants and code addresses.
    Constants,
    /// All.
    All,
}

/// Looks at the operation `id`; the value to use instead of its own.
pub(super) fn step(
    before: &[Inst],
    inst: &mut Inst,
    id: Id,
    reach: Reach,
    scratch: &mut Scratch,
) -> Id {
    match inst.op.effect() {
        Effect::Pure | Effect::Trap | Effect::Marker => {}
        Effect::Get if inst.op == Op::Get => return get(inst, id, reach, scratch),
        Effect::Get => {}
        Effect::Set if inst.op == Op::Set => {
            let worth = reach == Reach::All || is_constant(before, inst.args[0]);
            if worth {
                scratch.learn(inst.imm, inst.args[0], inst.ty, true);
            } else {
                scratch.forget(inst.imm);
            }
        }
        Effect::Set => scratch.forget_group(inst.imm),
        Effect::Float => scratch.forget(scratch.fp_flags),
        Effect::Memory => {
            for slot in 0..3 {
                scratch.forget(scratch.reservation + slot);
            }
        }
        Effect::Helper => {
            if scratch.effects(inst).writes {
                scratch.forget_all();
            }
        }
    }
    id
}

fn get(inst: &mut Inst, id: Id, reach: Reach, scratch: &mut Scratch) -> Id {
    let slot = inst.imm;
    if let Some(known) = scratch.known(slot) {
        if known.ty == inst.ty {
            return known.id;
        }
        if known.ty > inst.ty || known.whole {
            let wider = known.ty < inst.ty;
            inst.op = if wider { Op::Zext } else { Op::Trunc };
            inst.args = [known.id, NONE, NONE, NONE];
            inst.imm = 0;
            return id;
        }
    }
    if reach == Reach::All {
        scratch.learn(slot, id, inst.ty, inst.ty == Type::I64);
    }
    id
}

fn is_constant(before: &[Inst], id: Id) -> bool {
    let op = before.get(usize::from(id)).map(|inst| inst.op);
    matches!(op, Some(Op::Const | Op::Pc))
}
