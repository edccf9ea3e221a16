//! Which window should go? Drives a real arena with traces of block executions and prints what
//! each policy costs.
//!
//! `cargo run --release -p vm-engine-cache --example eviction [FILE]`: FILE is a recorded trace,
//! the address of each block entered as eight little-endian bytes.
//!
//! The guest's time is modelled: a block runs slowly until it was entered often enough, then it
//! is compiled, placed, and runs fast until its window is evicted; then all begins again.
//! The arena only learns what an engine could tell it: one execution in some thousand.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

mod policies;
mod traces;

use std::env;
use std::fs;

use policies::POLICIES;
use traces::{Trace, recorded, synthetic};
use vm_engine_cache::{Arena, Epochs, NoRoom, Policy, UnitId, WINDOW_BYTES};

/// Nanoseconds an instruction, interpreted and compiled.
const SLOW_NS: f64 = 2.5;
const FAST_NS: f64 = 0.5;
/// Nanoseconds of compilation an instruction.
const COMPILE_NS: f64 = 5000.0;
/// Bytes of host code an instruction, and a block.
const INSN_BYTES: usize = 45;
const BLOCK_BYTES: usize = 60;
/// One execution in so many is noticed.
const SAMPLE: u64 = 1009;
/// Executions between two safe points.
const SLICE: u64 = 10_000;

/// What a block is doing.
#[derive(Clone, Copy)]
enum Block {
    Cold(u32),
    Placed(UnitId),
}

/// What came of a run.
#[derive(Default)]
struct Outcome {
    ns: f64,
    compiled: u64,
    fast: u64,
}

/// The instructions of a block: 1 to 15, by its number.
fn insns(block: u32) -> usize {
    1 + (block.wrapping_mul(0x9e37_79b9) >> 16) as usize % 15
}

fn bytes(block: u32) -> usize {
    BLOCK_BYTES + INSN_BYTES * insns(block)
}

struct Run<'a> {
    arena: Arena<u32>,
    epochs: Epochs,
    blocks: Vec<Block>,
    code: &'a [u8],
    /// A block is compiled when it was entered this often.
    hot: u32,
    out: Outcome,
}

impl Run<'_> {
    fn execute(&mut self, at: u64, block: u32) {
        let length = insns(block) as f64;
        match self.blocks[block as usize] {
            Block::Placed(id) => {
                self.out.ns += length * FAST_NS;
                self.out.fast += 1;
                if at.is_multiple_of(SAMPLE) {
                    self.arena.touch(id, 1);
                }
            }
            Block::Cold(count) => {
                self.out.ns += length * SLOW_NS;
                self.blocks[block as usize] = Block::Cold(count + 1);
                if count >= self.hot {
                    self.compile(block);
                }
            }
        }
    }

    fn compile(&mut self, block: u32) {
        let cost = insns(block);
        match self
            .arena
            .place(block, &self.code[..bytes(block)], cost as u32)
        {
            Ok(place) => {
                self.blocks[block as usize] = Block::Placed(place.id);
                self.out.compiled += 1;
                self.out.ns += cost as f64 * COMPILE_NS;
            }
            Err(NoRoom::Full) => {}
            Err(NoRoom::TooLong) => unreachable!("blocks are shorter than windows"),
        }
    }

    /// The safe point: what an owner does about its arena.
    fn tidy(&mut self) {
        self.arena.reclaim(&self.epochs);
        while self.arena.short()
            && let Some(evicted) = self.arena.evict()
        {
            for unit in &evicted.units {
                self.blocks[unit.key as usize] = Block::Cold(0);
            }
            self.arena.retire(evicted, &self.epochs);
        }
    }
}

fn run(trace: &Trace, arena_bytes: u64, policy: Box<dyn Policy>) -> Outcome {
    let code = vec![0x90; 4096];
    let mut run = Run {
        arena: Arena::new(arena_bytes, policy).expect("the sizes are possible"),
        epochs: Epochs::new(1),
        blocks: vec![Block::Cold(0); trace.blocks as usize],
        code: &code,
        hot: trace.hot,
        out: Outcome::default(),
    };
    for (at, block) in trace.entries.iter().enumerate() {
        if (at as u64).is_multiple_of(SLICE) {
            run.tidy();
        }
        run.execute(at as u64, *block);
    }
    run.out
}

/// The bytes of all blocks of a trace that become hot.
fn hot_bytes(trace: &Trace) -> u64 {
    let mut counts = vec![0_u32; trace.blocks as usize];
    for block in &trace.entries {
        counts[*block as usize] += 1;
    }
    let hot = (0..trace.blocks).filter(|block| counts[*block as usize] > trace.hot);
    hot.map(|block| bytes(block).next_multiple_of(16) as u64)
        .sum()
}

fn main() {
    let mut all = synthetic();
    if let Some(file) = env::args().nth(1) {
        let bytes = fs::read(&file).expect("the recorded trace can be read");
        all.push(recorded(&bytes));
    }
    for trace in &all {
        let need = hot_bytes(trace);
        let whole = (need + 16 * WINDOW_BYTES as u64).max(4 * WINDOW_BYTES as u64);
        let unbounded = run(trace, whole, (POLICIES[0].1)());
        println!(
            "\n{}: {} entries, {} blocks, {:.1} MiB of hot code; unbounded: {:.2} s, {} compiled",
            trace.name,
            trace.entries.len(),
            trace.blocks,
            need as f64 / (1 << 20) as f64,
            unbounded.ns / 1e9,
            unbounded.compiled,
        );
        println!(
            "{:<22} {:>22} {:>22} {:>22}",
            "arena", "25 %", "50 %", "75 %"
        );
        println!("{:<22} {}", "policy", "   time  compiled fast ".repeat(3));
        for (name, policy) in POLICIES {
            let mut row = String::new();
            for percent in [25, 50, 75] {
                let out = run(trace, need * percent / 100, policy());
                row += &format!(
                    " {:>6.2} {:>9} {:>3.0}%",
                    out.ns / unbounded.ns,
                    out.compiled,
                    100.0 * out.fast as f64 / trace.entries.len() as f64
                );
            }
            println!("{name:<22} {row}");
        }
    }
}
