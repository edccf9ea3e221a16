//! Which accesses of blocks are asked about at once, and that what is said of addresses is true.

use vm_core::Entropy;
use vm_ir::{Block, Builder, End, Id, Inst, MemArg, Op, SlotId, Type};

use crate::region::flow::Slots;
use crate::region::nest::Loops;
use crate::region::spans::{Spans, Way, forms};

/// A block that goes on somewhere.
fn block(write: impl FnOnce(&Builder)) -> Block {
    let builder = Builder::new();
    builder.begin_insn(4);
    write(&builder);
    let mut block = builder.finish();
    block.end = End::Goto(0);
    block
}

/// How the accesses of blocks find their addresses; `next` are the blocks behind each.
fn check(blocks: &[Block], next: &[&[usize]], wanted: &[Way]) -> Spans {
    let next: Vec<Vec<usize>> = next.iter().map(|next| next.to_vec()).collect();
    let slots = Slots::of(blocks, &next, &[0], |_| false).expect("they are few");
    let spans = Spans::of(blocks, &next, &slots);
    let all = blocks.iter().zip(&spans.ways);
    let accesses = all.flat_map(|(block, ways)| block.insts.iter().zip(ways));
    let accesses = accesses.filter(|(inst, _)| matches!(inst.op, Op::Load | Op::Store));
    let found: Vec<Way> = accesses.map(|(_, way)| *way).collect();
    assert_eq!(found, wanted);
    spans
}

/// No operand.
const NONE: Id = Id::MAX;

const A: SlotId = SlotId(1);
const B: SlotId = SlotId(2);

/// Loads two words where a slot points, and moves it.
fn walk(b: &Builder) {
    let at = b.get(Type::I64, A);
    b.load(Type::I64, at, MemArg::plain(8));
    b.load(Type::I32, at + b.imm(-64), MemArg::plain(-3));
    b.set(A, at + b.imm(16));
}

#[test]
fn what_moves_by_numbers_is_checked_at_once() {
    let spans = check(&[block(walk)], &[&[0]], &[Way::Checked(0); 2]);
    let check = spans.checks[0][0];
    assert_eq!((check.first, check.end), (-67, 16));
    assert_eq!(spans.steps, [Some(vec![16])]);
}

#[test]
fn what_was_loaded_is_asked_about() {
    let chase = block(|b| {
        let at = b.get(Type::I64, A);
        let next = b.load(Type::I64, at, MemArg::plain(0));
        b.load(Type::I64, at, MemArg::plain(8));
        b.set(A, next);
    });
    let spans = check(&[chase], &[&[0]], &[Way::Guessed, Way::Asked]);
    assert_eq!(spans.steps, [Some(vec![])]);
}

#[test]
fn what_a_chain_is_made_of_is_guessed() {
    // A pointer that is loaded by way of another one, over two blocks.
    let first = block(|b| b.set(B, b.load(Type::I64, b.get(Type::I64, A), MemArg::plain(8))));
    let second = block(|b| {
        let at = b.get(Type::I64, B);
        b.set(A, b.load(Type::I64, at, MemArg::plain(0)));
        let other = b.load(Type::I64, at, MemArg::plain(16));
        b.load(Type::I64, other, MemArg::plain(0));
        b.set(B, b.imm(0));
    });
    check(
        &[first, second],
        &[&[1], &[0]],
        &[Way::Guessed, Way::Guessed, Way::Asked, Way::Asked],
    );
    // What is set to something else before it comes back is no chain.
    let cut = block(|b| {
        b.set(A, b.load(Type::I64, b.get(Type::I64, A), MemArg::plain(0)));
        b.set(A, b.get(Type::I64, B));
    });
    check(&[cut], &[&[0]], &[Way::Asked]);
}

#[test]
fn one_access_of_a_loop_is_checked_unless_it_leaps() {
    let steps = |step: u64, wanted: &[Way]| {
        let one = block(|b| {
            let at = b.get(Type::I64, A);
            b.load(Type::I32, at, MemArg::plain(0));
            b.set(A, at + b.imm(step as i64));
            let at = b.get(Type::I64, B);
            b.load(Type::I32, at, MemArg::plain(0));
            b.set(B, at + b.imm(4));
        });
        check(&[one], &[&[0]], wanted).steps
    };
    let near = steps(16, &[Way::Checked(0), Way::Checked(1)]);
    assert_eq!(near, [Some(vec![16, 4])]);
    // So few turns on a page are not worth a check.
    let far = steps(576, &[Way::Asked, Way::Checked(0)]);
    assert_eq!(far, [Some(vec![4])]);
}

#[test]
fn a_small_index_is_checked_and_one_that_drifts_remembers() {
    let tables = block(|b| {
        let index = b.get(Type::I64, B);
        let small = (index & b.imm(255)) << b.imm(2);
        b.load(Type::I32, b.get(Type::I64, A) + small, MemArg::plain(0));
        let far = b.get(Type::I64, A) + (index >> b.imm(6));
        let seen = b.load(Type::I64, far, MemArg::plain(0));
        b.load(Type::I64, b.get(Type::I64, A) + seen, MemArg::plain(0));
        b.set(B, index + b.imm(3));
    });
    let wanted = [Way::Checked(0), Way::Kept(0), Way::Asked];
    let spans = check(&[tables], &[&[0]], &wanted);
    assert_eq!(spans.checks[0][0].end, 255 * 4 + 4);
}

#[test]
fn only_the_innermost_loop_counts() {
    // What the inner loop moves by numbers, the outer one has loaded.
    let outer = block(|b| {
        let list = b.get(Type::I64, B);
        b.set(A, b.load(Type::I64, list, MemArg::plain(0)));
        b.set(B, b.load(Type::I64, list, MemArg::plain(8)));
    });
    let spans = check(
        &[outer, block(walk)],
        &[&[1], &[0, 1]],
        &[Way::Asked, Way::Guessed, Way::Checked(0), Way::Checked(0)],
    );
    assert_eq!(spans.steps[1], Some(vec![16]));
}

#[test]
fn loops_of_several_blocks_do_not_begin_anywhere() {
    let outer = block(|b| b.set(A, b.load(Type::I64, b.get(Type::I64, B), MemArg::plain(0))));
    let all = [outer, block(walk), block(|_| ())];
    check(
        &all,
        &[&[1], &[2], &[1, 0]],
        &[Way::Kept(0), Way::Asked, Way::Asked],
    );
}

#[test]
fn pointers_that_follow_one_another_share_a_page() {
    let copy = block(|b| {
        let at = b.get(Type::I64, A);
        b.store(b.get(Type::I64, B), at, MemArg::plain(0));
        b.set(B, at + b.imm(8));
        b.store(at, at, MemArg::plain(0));
        b.set(A, at + b.imm(8));
    });
    let spans = check(&[copy], &[&[0]], &[Way::Checked(0), Way::Checked(1)]);
    assert_eq!(spans.classes.len(), 1);
    // The second is not moved by a number from where it was.
    assert_eq!(spans.steps, [None]);
}

#[test]
fn loops_in_loops_are_found() {
    let next = [vec![1], vec![2], vec![2, 3], vec![1, 4], vec![0], vec![]];
    let loops = Loops::of(&next);
    let inside = |at: usize| loops.of[at].map(|number| &*loops.blocks[number]);
    assert_eq!(inside(0), Some(&[0, 1, 2, 3, 4][..]));
    assert_eq!(inside(1), Some(&[1, 2, 3][..]));
    assert_eq!(inside(2), Some(&[2][..]));
    assert_eq!(inside(3), Some(&[1, 2, 3][..]));
    assert_eq!(inside(5), None);
    let around = loops.of[2].and_then(|inner| loops.around[inner]);
    assert_eq!(around, loops.of[1]);
}

/// Operations on what is there, in all types.
fn random(random: &mut Entropy) -> Block {
    const OPS: [Op; 16] = [
        Op::Add,
        Op::Sub,
        Op::And,
        Op::Shl,
        Op::ShrU,
        Op::ShrS,
        Op::Zext,
        Op::Sext,
        Op::Trunc,
        Op::Extract,
        Op::Const,
        Op::Const,
        Op::Get,
        Op::Get,
        Op::Or,
        Op::MinU,
    ];
    const TYPES: [Type; 6] = [
        Type::I64,
        Type::I64,
        Type::I64,
        Type::I32,
        Type::I16,
        Type::I8,
    ];
    let mut insts: Vec<Inst> = Vec::new();
    for _ in 0..40 {
        let word = random.next_u64();
        let mut draw = |below: usize| (random.next_u64() >> 20) as usize % below;
        let (op, ty) = (OPS[draw(OPS.len())], TYPES[draw(TYPES.len())]);
        let value = |fits: &dyn Fn(Type) -> bool, from: usize| {
            let mut known = insts.iter().enumerate().filter(|(_, i)| fits(i.ty));
            let count = known.clone().count().max(1);
            known.nth(from % count).map(|(n, _)| n as u16)
        };
        let (one, other) = (draw(40), draw(40));
        let (first, second) = match op {
            Op::Const | Op::Get => (Some(NONE), Some(NONE)),
            Op::Zext | Op::Sext => (value(&|from| from < ty, one), Some(NONE)),
            Op::Trunc => (value(&|from| from > ty, one), Some(NONE)),
            Op::Extract => (value(&|from| from == ty, one), Some(NONE)),
            _ => (value(&|t| t == ty, one), value(&|t| t == ty, other)),
        };
        let (Some(first), Some(second)) = (first, second) else {
            continue;
        };
        let bits = ty.bits() as usize;
        let imm = match op {
            Op::Const if draw(3) > 0 => draw(70) as u64,
            Op::Const => word >> draw(64) & ty.mask(),
            Op::Get => draw(3) as u64,
            Op::Extract => {
                let from = draw(bits);
                (from | (1 + draw(bits - from)) << 8) as u64
            }
            _ => 0,
        };
        insts.push(Inst {
            op,
            ty,
            args: [first, second, NONE, NONE],
            imm,
        });
    }
    Block {
        insts,
        ..block(|_| ())
    }
}

#[test]
fn what_is_said_of_values_is_true() {
    let mut claims = [0; 2];
    for seed in 0..3000 {
        let mut entropy = Entropy::new(seed);
        let block = random(&mut entropy);
        let one = std::slice::from_ref(&block);
        let slots = Slots::of(one, &[vec![]], &[0], |_| false).expect("they are few");
        let all = vec![true; slots.numbers.len()];
        let forms = forms(&block, &slots, &all, |_, _| ());
        for _ in 0..20 {
            let draw = |_| entropy.next_u64() >> (entropy.next_u64() % 64);
            let found: Vec<u64> = (0..slots.numbers.len()).map(draw).collect();
            let mut values: Vec<u64> = Vec::new();
            for (inst, form) in block.insts.iter().zip(&forms) {
                let [a, b, ..] = inst.args.map(|id| values.get(usize::from(id)).copied());
                let from = block.insts.get(usize::from(inst.args[0]));
                let from = from.map_or(inst.ty, |inst| inst.ty);
                let words = [a.unwrap_or(0), b.unwrap_or(0), 0];
                let value = match slots.index(inst.imm) {
                    Some(slot) if inst.op == Op::Get => found[slot] & inst.ty.mask(),
                    _ => inst
                        .op
                        .eval_imm(inst.ty, from, words, inst.imm)
                        .expect("it is pure"),
                };
                values.push(value);
                let Some((root, first, last)) = form.near else {
                    continue;
                };
                claims[usize::from(root.is_some())] += 1;
                let base = root.map_or(0, |slot| found[slot]);
                let end = last.wrapping_sub(first) as u64;
                let far = value.wrapping_sub(base).wrapping_sub(first as u64);
                assert!(
                    far <= end,
                    "{inst:?} of {words:x?} is {value:#x}, not {form:?} from {base:#x}: {block:?}"
                );
            }
        }
    }
    assert!(claims.iter().all(|count| *count > 100_000), "{claims:?}");
}
