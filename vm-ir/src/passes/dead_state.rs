//! Removes a `set` that is overwritten before anything can observe it.

use super::Scratch;
use super::scratch::Mark;
use crate::block::{Block, Effect};
use crate::{Op, Type};

/// Walks forwards with the last `set` of each slot at hand; where state can be observed, all of
/// them have done their work.
pub(super) fn mark(block: &Block, scratch: &mut Scratch) {
    scratch.mark.clear();
    scratch.mark.resize(block.insts.len(), Mark::Unknown);
    scratch.forget_all();
    // A helper may ask to give control back behind the instruction that has called it.
    let mut called = false;
    for (i, inst) in block.insts.iter().enumerate() {
        match inst.op.effect() {
            // Floating point adds to the flags, which whoever sets them next does not see.
            Effect::Pure | Effect::Float => {}
            Effect::Get if inst.op == Op::Get => scratch.forget(inst.imm),
            Effect::Get => scratch.forget_group(inst.imm),
            Effect::Set if inst.op == Op::Set => {
                if let Some(last) = scratch.known(inst.imm) {
                    scratch.mark[usize::from(last.id)] = Mark::Dead;
                }
                scratch.learn(inst.imm, i as u16, Type::I64, true);
            }
            // One of the slots is written, but nobody knows which.
            Effect::Set => {}
            Effect::Memory | Effect::Trap => scratch.forget_all(),
            Effect::Helper => {
                called = true;
                scratch.forget_all();
            }
            Effect::Marker => {
                if called {
                    scratch.forget_all();
                }
                called = false;
            }
        }
    }
}
