//! Which values of a block are best held as host floats.

use vm_ir::ops::Kind;
use vm_ir::{Block, Effect, End, Id, Inst, Op, Type};

/// For each value whether operations read it as a number of its format and never as an integer.
///
/// A `get` or `load` of such a value is best written as a load of a host float, which spares the
/// way through an integer register. Stores and `set` take either form and do not count, nor do
/// changes of a sign whose result is such a value.
/// Slots of which `floats` is true are held as floats, and then a `set` wants one, too.
/// With `boxes`, putting a single in its box ([`boxed`]) and taking it out does not count either.
///
/// Gives for each value whether somebody reads it as an integer.
pub fn wants_float(
    block: &Block,
    boxes: bool,
    floats: impl Fn(u64) -> bool,
    wants: &mut Vec<bool>,
) -> Vec<bool> {
    wants.clear();
    wants.resize(block.insts.len(), false);
    let mut integers = vec![false; block.insts.len()];
    let last = match block.end {
        End::Branch { cond: id, .. }
        | End::Jump { target: id, .. }
        | End::Trap { value: id, .. } => Some(id),
        End::Goto(_) | End::Next(_) | End::Leave => None,
    };
    if let Some(id) = last {
        integers[usize::from(id)] = true;
    }
    // Whoever reads a value stands behind it.
    for (n, inst) in block.insts.iter().enumerate().rev() {
        wants[n] &= !integers[n];
        if let Some(inner) = boxed(block, inst.args[0]).filter(|_| boxes && inst.op == Op::Trunc) {
            wants[usize::from(inner)] |= wants[n];
            integers[usize::from(inner)] |= !wants[n];
            continue;
        }
        if inst.op == Op::Set && floats(inst.imm) {
            let value = inst.args[0];
            let inner = boxed(block, value).filter(|_| boxes).unwrap_or(value);
            wants[usize::from(inner)] = true;
            continue;
        }
        let float = reads_floats(inst.op);
        let stored = match inst.op {
            Op::Set => Some(0),
            Op::SetAt | Op::Store => Some(1),
            _ => None,
        };
        let number = if changes_sign(block, inst) {
            Some(wants[n])
        } else {
            None
        };
        let kinds = inst.op.shape().args;
        for (at, (id, kind)) in inst.operands().zip(kinds).enumerate() {
            let id = usize::from(id);
            let format = matches!(block.insts[id].value_type(), Type::I32 | Type::I64);
            let neutral = stored == Some(at) || boxes && widens(block, inst);
            if number.unwrap_or(float) {
                wants[id] |= format && *kind != Kind::I8;
            } else if !neutral {
                integers[id] = true;
            }
        }
    }
    integers
}

/// The ones above a single in a word.
pub const LID: u64 = 0xffff_ffff_0000_0000;

/// The single in a box that an operation makes: what is below the ones.
pub fn boxed(block: &Block, id: Id) -> Option<Id> {
    let made = |id: Id| block.insts.get(usize::from(id));
    let or = made(id).filter(|inst| (inst.op, inst.ty) == (Op::Or, Type::I64))?;
    let [a, b, ..] = or.args;
    let is_lid = |id: Id| made(id).is_some_and(|i| i.op == Op::Const && i.imm == LID);
    let inner = match (is_lid(a), is_lid(b)) {
        (false, true) => a,
        (true, false) => b,
        _ => return None,
    };
    let zext = made(inner).filter(|inst| widens(block, inst))?;
    Some(zext.args[0])
}

/// Whether an operation makes a word of a single.
fn widens(block: &Block, inst: &Inst) -> bool {
    let from = block.insts.get(usize::from(inst.args[0]));
    (inst.op, inst.ty) == (Op::Zext, Type::I64)
        && from.is_some_and(|from| from.value_type() == Type::I32)
}

/// Whether an operation turns or clears a number's sign.
fn changes_sign(block: &Block, inst: &Inst) -> bool {
    let by = block.insts.get(usize::from(inst.args[1]));
    let by = by.filter(|by| by.op == Op::Const).map(|by| by.imm);
    by.is_some_and(|by| sign_change(inst.op, inst.ty, by).is_some())
}

/// What an operation with a constant does to the sign of a number: turns it, or clears it.
pub fn sign_change(op: Op, ty: Type, by: u64) -> Option<bool> {
    let sign = match ty {
        Type::I32 => 1 << 31,
        Type::I64 => 1 << 63,
        _ => return None,
    };
    match op {
        Op::Xor if by & ty.mask() == sign => Some(true),
        Op::And if by & ty.mask() == sign - 1 => Some(false),
        _ => None,
    }
}

/// Whether the operation's operands are numbers, but for a rounding mode.
fn reads_floats(op: Op) -> bool {
    op.effect() == Effect::Float && !matches!(op, Op::SToF | Op::UToF)
}

#[cfg(test)]
mod tests {
    use vm_ir::{Type::*, block::NONE};

    use super::*;

    /// One operation and whether its value is held as a float.
    type Line = (Op, Type, &'static [Id], bool);

    fn check(boxes: bool, lines: &[Line]) {
        let insts = lines.iter().map(|(op, ty, operands, _)| {
            let mut args = [NONE; 4];
            args[..operands.len()].copy_from_slice(operands);
            let (op, ty, imm) = (*op, *ty, 0);
            Inst { op, ty, args, imm }
        });
        let block = Block {
            insts: insts.collect(),
            end: End::Goto(4),
            insns: 1,
            bytes: 4,
        };
        let mut wants = vec![true; 2];
        wants_float(&block, boxes, |_| false, &mut wants);
        let wanted: Vec<_> = lines.iter().map(|line| line.3).collect();
        assert_eq!(wants, wanted);
    }

    /// A constant, as the number of an operation that has it.
    fn number(block: &mut Block, n: usize, imm: u64) {
        block.insts[n].imm = imm;
    }

    /// The second and the third operation are constants: the sign, and the ones of a box.
    #[test]
    fn signs_and_boxes_do_not_count() {
        let lines: [(Op, Type, [Id; 2]); 9] = [
            (Op::Load, I32, [1, NONE]),
            (Op::Const, I32, [NONE, NONE]),
            (Op::Const, I64, [NONE, NONE]),
            (Op::Xor, I32, [0, 1]),
            (Op::Zext, I64, [3, NONE]),
            (Op::Or, I64, [4, 2]),
            (Op::Set, I64, [5, NONE]),
            (Op::Trunc, I32, [5, NONE]),
            (Op::FSqrt, I32, [7, 1]),
        ];
        let inst = |(op, ty, [a, b]): &(Op, Type, [Id; 2])| Inst {
            op: *op,
            ty: *ty,
            args: [*a, *b, NONE, NONE],
            imm: 0,
        };
        let mut block = Block {
            insts: lines.iter().map(inst).collect(),
            end: End::Goto(4),
            insns: 1,
            bytes: 4,
        };
        number(&mut block, 1, 1 << 31);
        number(&mut block, 2, LID);
        let mut wants = Vec::new();
        wants_float(&block, true, |_| false, &mut wants);
        assert_eq!(
            [wants[0], wants[3], wants[7]],
            [true; 3],
            "one float all along"
        );
        wants_float(&block, false, |_| false, &mut wants);
        assert_eq!(
            [wants[0], wants[3], wants[7]],
            [false, false, true],
            "by way of an integer"
        );
        block.insts.truncate(7);
        wants_float(&block, true, |_| false, &mut wants);
        assert!(!wants[0], "nobody asks");
        wants_float(&block, true, |_| true, &mut wants);
        assert!(wants[0] && wants[3], "the slot wants a float");
        block.insts = lines.iter().map(inst).collect();
        number(&mut block, 1, 1 << 30);
        number(&mut block, 2, LID);
        wants_float(&block, true, |_| false, &mut wants);
        assert_eq!(
            [wants[0], wants[3], wants[7]],
            [false, true, true],
            "no sign"
        );
    }

    #[test]
    fn values_are_held_as_their_readers_want_them() {
        check(
            false,
            &[
                (Op::Get, I64, &[], true),
                (Op::Get, I64, &[], false),
                (Op::Get, I8, &[], false),
                (Op::FAdd, I64, &[0, 1, 2], true),
                (Op::Set, I64, &[3], false),
                (Op::FMul, I64, &[3, 3, 2], false),
                (Op::Xor, I64, &[1, 5], false),
                (Op::Set, I64, &[6], false),
            ],
        );
        check(
            false,
            &[
                (Op::Get, I64, &[], false),
                (Op::Load, I32, &[0], true),
                (Op::Const, I8, &[], false),
                (Op::FConvert, I64, &[1, 2], false),
                (Op::Store, I64, &[0, 3], false),
                (Op::SToF, I64, &[0, 2], true),
                (Op::FToS, I64, &[5, 2], false),
                (Op::Get, I16, &[], false),
                (Op::FConvert, I32, &[7, 2], false),
            ],
        );
    }
}
