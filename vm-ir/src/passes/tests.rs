//! Random blocks do the same before and after each pass.

use vm_core::Entropy;

use super::{Passes, Scratch, optimise};
use crate::sample::{self, HELPERS, World};
use crate::verify::verify;
use crate::{Block, Builder, Id, Layout, Op, SlotId, Type, float, reference};

/// What a run leaves behind.
fn run(block: &Block, layout: &Layout, seed: u64) -> (reference::Outcome, Vec<u64>, World) {
    let mut random = Entropy::new(seed);
    let mut slots: Vec<u64> = (0..layout.slots.len())
        .map(|_| match random.next_u64() % 4 {
            0 => random.next_u64() % 3,
            1 => random.next_u64() % 4096,
            _ => random.next_u64(),
        })
        .collect();
    slots[65] &= 31;
    let mut world = World::new(13);
    let outcome = reference::run(
        block,
        layout,
        float::RISCV,
        0x8000_0000,
        &mut slots,
        &mut world,
    );
    (outcome, slots, world)
}

fn check(blocks: u64, insns: u32) {
    let layout = sample::layout();
    let mut scratch = Scratch::new(&layout, HELPERS);
    let choices = Passes::NAMES.map(|(_, passes)| passes);
    let (mut before, mut after) = (0, 0);
    for seed in 0..blocks {
        let block = sample::block(&mut Entropy::new(seed), insns);
        if let Err(invalid) = verify(&block, &layout, HELPERS) {
            panic!("seed {seed}: {invalid}: {block:#?}");
        }
        let wanted = run(&block, &layout, seed);
        let which = [choices[seed as usize % choices.len()], Passes::ALL];
        for which in which {
            let mut shorter = block.clone();
            optimise(&mut shorter, &mut scratch, which);
            if let Err(invalid) = verify(&shorter, &layout, HELPERS) {
                panic!("seed {seed}: {which:?}: {invalid}: {shorter:#?}");
            }
            let found = run(&shorter, &layout, seed);
            assert!(
                wanted == found,
                "seed {seed}: {which:?}: {:?} {:?}",
                wanted.0,
                found.0,
            );
            after += shorter.insts.len();
        }
        before += 2 * block.insts.len();
    }
    assert!(
        after * 10 < before * 9,
        "{before} operations became {after}"
    );
}

#[test]
fn short_blocks_stay_what_they_are() {
    check(60_000, 3);
}

#[test]
fn long_blocks_stay_what_they_are() {
    check(20_000, 16);
}

/// Words of 32 bits stay extended over operations on their bits.
#[test]
fn what_is_extended_is_not_extended_again() {
    let layout = sample::layout();
    let mut scratch = Scratch::new(&layout, HELPERS);
    let mut count = |mask: i64| {
        let builder = Builder::new();
        let b = &builder;
        b.begin_insn(4);
        let word = |slot| b.get(Type::I32, SlotId(slot)).sext(Type::I64);
        let both = (word(1) ^ word(2)) | (b.get(Type::I64, SlotId(3)) & b.imm(mask));
        b.set(SlotId(4), both.trunc(Type::I32).sext(Type::I64));
        b.goto(4);
        let mut block = builder.finish();
        optimise(&mut block, &mut scratch, Passes::ALL);
        let extends = |inst: &&crate::Inst| inst.op == Op::Sext;
        block.insts.iter().filter(extends).count()
    };
    assert_eq!(count(0x7fff_ffff), 2);
    // What is masked like this may have a sign at its bit 31 that is not above it.
    assert_eq!(count(0xffff_ffff), 3);
}

/// Blocks with something changed in them: those that are still valid stay what they are, too.
#[test]
fn spoilt_blocks_stay_what_they_are() {
    let layout = sample::layout();
    let mut scratch = Scratch::new(&layout, HELPERS);
    let mut valid = 0;
    for seed in 0..30_000 {
        let mut random = Entropy::new(seed);
        let mut block = sample::block(&mut random, 3);
        let mut next = |bound: usize| random.next_u64() as usize % bound;
        let count = block.insts.len();
        let inst = &mut block.insts[next(count)];
        match next(4) {
            0 => inst.args[next(4)] = next(count) as Id,
            1 => inst.imm ^= 1 << next(64),
            2 => inst.ty = Type::ALL[next(5)],
            _ => inst.op = Op::ALL[next(Op::ALL.len())],
        }
        if verify(&block, &layout, HELPERS).is_err() {
            continue;
        }
        valid += 1;
        let wanted = run(&block, &layout, seed);
        optimise(&mut block, &mut scratch, Passes::ALL);
        assert!(wanted == run(&block, &layout, seed), "seed {seed}");
    }
    assert!(valid > 3_000, "only {valid} valid blocks");
}
