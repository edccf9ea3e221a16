//! What a block is asked before its code is written: who uses which value, and until when.

use vm_ir::block::NONE;
use vm_ir::{Block, Effect, End, Id, Inst, Op, Type};

/// What is known of the value of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// How many operands it is.
    pub uses: u16,
    /// The last operation that needs it, or its own number; the end of the block counts as the
    /// operation behind the last one.
    pub last: u16,
    /// The value whose low half it is, or itself.
    pub same: Id,
    /// The only operation that uses it, if there is only one.
    user: u16,
    /// It is a comparison that its only user makes for itself.
    pub fused: bool,
}

/// Asks a block.
pub fn survey(block: &Block, facts: &mut Vec<Fact>) {
    facts.clear();
    let insts = &block.insts;
    for (number, inst) in insts.iter().enumerate() {
        let id = number as Id;
        let mut same = id;
        for operand in inst.operands() {
            use_once(facts, operand, id);
        }
        if inst.op == Op::Trunc && inst.ty == Type::I32 {
            same = facts[usize::from(inst.args[0])].same;
        }
        facts.push(Fact {
            uses: 0,
            last: id,
            same,
            user: 0,
            fused: false,
        });
    }
    let end = insts.len() as Id;
    let last = end_operand(block);
    if let Some(id) = last {
        use_once(facts, id, end);
    }
    for (number, inst) in insts.iter().enumerate() {
        let fact = facts[number];
        let user = insts.get(usize::from(fact.user));
        if fact.uses == 1 && is_comparison(inst.op) && asks(block, user, number as Id) {
            facts[number].fused = true;
            continue;
        }
        if fact.uses == 0 && inst.op.effect() == Effect::Pure {
            continue;
        }
        for operand in inst.operands() {
            keep(insts, facts, operand, number as u16);
        }
    }
    for id in last.into_iter().chain(block.kept_by_call()) {
        keep(insts, facts, id, end);
    }
}

fn use_once(facts: &mut [Fact], id: Id, user: u16) {
    let fact = &mut facts[usize::from(id)];
    fact.uses = fact.uses.saturating_add(1);
    fact.user = user;
}

/// The value is needed until then.
fn keep(insts: &[Inst], facts: &mut [Fact], id: Id, until: u16) {
    let fact = facts[usize::from(id)];
    if fact.fused {
        for operand in insts[usize::from(id)].operands() {
            keep(insts, facts, operand, until);
        }
    } else {
        facts[usize::from(fact.same)].last = until;
    }
}

/// The operand of a block's end.
pub fn end_operand(block: &Block) -> Option<Id> {
    match block.end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => Some(id),
        End::Goto(_) | End::Next(_) | End::Leave => None,
    }
}

/// Whether it is an order of two values.
pub fn is_comparison(op: Op) -> bool {
    matches!(op, Op::Eq | Op::Ne | Op::LtU | Op::LtS | Op::GeU | Op::GeS)
}

/// Whether the user of a truth value can take it as a condition; without one it is the end.
fn asks(block: &Block, user: Option<&Inst>, id: Id) -> bool {
    let Some(user) = user else {
        return matches!(block.end, End::Branch { .. });
    };
    let first = user.args[0] == id && !user.args[1..].contains(&id);
    first && matches!(user.op, Op::SkipIf | Op::TrapIf | Op::Select | Op::Zext)
}

/// Whether the next operation extends what a load gives, and nobody else wants it.
pub fn extends(block: &Block, facts: &[Fact], load: Id) -> Option<Op> {
    let next = block.insts.get(usize::from(load) + 1)?;
    let only = facts[usize::from(load)].uses == 1 && next.args == [load, NONE, NONE, NONE];
    let extension = matches!(next.op, Op::Zext | Op::Sext) && next.ty == Type::I64;
    (only && extension).then_some(next.op)
}
