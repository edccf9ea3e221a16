//! Removes operations whose value nobody uses, and closes the gaps.

use super::Scratch;
use super::scratch::Mark;
use crate::block::{Block, Effect, End, Id, Inst, NONE};
use crate::{Op, Type};

/// Starts with nothing known.
pub(super) fn clear(block: &Block, scratch: &mut Scratch) {
    scratch.mark.clear();
    scratch.mark.resize(block.insts.len(), Mark::Unknown);
}

/// Walks backwards from what has an effect; what was not asked for is dead.
pub(super) fn mark(block: &Block, scratch: &mut Scratch) {
    let mark = &mut scratch.mark[..block.insts.len()];
    if let Some(id) = end_operand(&block.end) {
        mark[usize::from(id)] = Mark::Live;
    }
    for (i, inst) in block.insts.iter().enumerate().rev() {
        match mark[i] {
            Mark::Dead => continue,
            Mark::Unknown if !has_effect(&block.insts, inst) => {
                mark[i] = Mark::Dead;
                continue;
            }
            Mark::Unknown | Mark::Live => mark[i] = Mark::Live,
        }
        for &arg in &inst.args {
            if arg == NONE {
                break;
            }
            mark[usize::from(arg)] = Mark::Live;
        }
    }
}

fn has_effect(insts: &[Inst], inst: &Inst) -> bool {
    match inst.op.effect() {
        Effect::Pure | Effect::Get => false,
        Effect::Trap => {
            let cond = &insts[usize::from(inst.args[0])];
            !(inst.op == Op::TrapIf && cond.op == Op::Const && cond.imm & Type::I1.mask() == 0)
        }
        Effect::Set | Effect::Memory | Effect::Float | Effect::Helper | Effect::Marker => true,
    }
}

fn end_operand(end: &End) -> Option<Id> {
    match *end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => Some(id),
        End::Goto(_) | End::Next(_) | End::Leave => None,
    }
}

/// Drops the dead operations and numbers the others anew.
pub(super) fn close_gaps(block: &mut Block, scratch: &mut Scratch) {
    let Some(first) = scratch.mark.iter().position(|mark| *mark == Mark::Dead) else {
        return;
    };
    let names = &mut scratch.same;
    names.clear();
    names.extend(0..first as Id);
    let mut kept = first;
    for i in first..block.insts.len() {
        names.push(kept as Id);
        if scratch.mark[i] == Mark::Dead {
            continue;
        }
        let mut inst = block.insts[i];
        for arg in &mut inst.args {
            if *arg == NONE {
                break;
            }
            *arg = names[usize::from(*arg)];
        }
        block.insts[kept] = inst;
        kept += 1;
    }
    block.insts.truncate(kept);
    match &mut block.end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => *id = names[usize::from(*id)],
        End::Goto(_) | End::Next(_) | End::Leave => {}
    }
}
