//! Prints what the passes cost, in nanoseconds an operation and an instruction.
//!
//! `cargo run --release -p vm-ir --example passes`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::Instant;

use vm_core::Entropy;
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::{Block, Builder, End, MemArg, SlotId, Type, sample};

/// A block as frontends write them: sums, loads, stores, constants in two parts, a branch.
fn typical() -> Block {
    let out = Builder::new();
    let x = |i: u16| SlotId(i);
    for round in 0..4 {
        out.begin_insn(4);
        out.set(x(5), out.get(Type::I64, x(6)) + 8);
        out.begin_insn(4);
        let loaded = out.load(Type::I32, out.get(Type::I64, x(5)), MemArg::plain(round));
        out.set(x(7), loaded.sext(Type::I64));
        out.begin_insn(4);
        out.set(x(8), out.pc(0x1000));
        out.begin_insn(4);
        out.set(x(8), out.get(Type::I64, x(8)) + 0x123);
        out.begin_insn(4);
        let sum = out.get(Type::I32, x(7)) + out.get(Type::I32, x(9));
        out.set(x(7), sum.sext(Type::I64));
        out.begin_insn(4);
        out.store(
            out.get(Type::I64, x(8)),
            out.get(Type::I64, x(7)),
            MemArg::plain(0),
        );
    }
    out.begin_insn(4);
    let less = out.get(Type::I64, x(5)).ltu(out.get(Type::I64, x(7)));
    out.end(End::Branch {
        cond: less.id,
        taken: -8,
        fall: 100,
    });
    out.finish()
}

fn measure(name: &str, blocks: &[Block]) {
    let layout = sample::layout();
    let mut scratch = Scratch::new(&layout, sample::HELPERS);
    let rounds = 20_000 / blocks.len();
    let (ops, insns) = blocks.iter().fold((0, 0), |(ops, insns), block| {
        (ops + block.insts.len(), insns + block.insns as usize)
    });
    let mut work = blocks[0].clone();
    // The best of many batches: other work on the host only ever adds.
    let mut time = |which| {
        let (mut best, mut left) = (f64::INFINITY, 0);
        for _ in 0..30 {
            let start = Instant::now();
            for _ in 0..rounds {
                left = 0;
                for block in blocks {
                    work.clone_from(block);
                    optimise(&mut work, &mut scratch, which);
                    left += work.insts.len();
                }
            }
            best = best.min(start.elapsed().as_nanos() as f64 / rounds as f64);
        }
        (best, left)
    };
    let (copy, _) = time(Passes::NONE);
    for (pass, which) in Passes::NAMES {
        let (total, left) = time(which);
        let spent = total - copy;
        println!(
            "{name:8} {pass:18} {:6.1} ns an op {:7.1} ns an insn   {:5.2} -> {:5.2} ops an insn",
            spent / ops as f64,
            spent / insns as f64,
            ops as f64 / insns as f64,
            left as f64 / insns as f64,
        );
    }
}

fn main() {
    measure("typical", &[typical()]);
    let mut random = Entropy::new(1);
    let blocks: Vec<Block> = (0..200).map(|_| sample::block(&mut random, 32)).collect();
    measure("random", &blocks);
}
