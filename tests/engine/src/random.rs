//! Random blocks do in the engine what they do in the reference run.

use vm_core::{Entropy, Exit, PAGE_BYTES, Section, Vcpu};
use vm_ir::passes::Passes;
use vm_ir::reference::{self, Stop};
use vm_ir::sample::guest::{DATA, SPACING, TRAPPED, place};
use vm_ir::sample::{self, Memory, World};
use vm_ir::text::print;
use vm_ir::{Block, End, Inst, Layout, Op, Type, block, float};

use super::suite::sampled::Sampled;

/// How many blocks stand together.
const BLOCKS: usize = 24;
/// How many of them are run one after the other.
const STEPS: u64 = 12;

impl Sampled {
    /// Runs from the block of this number; the outcome, and how many instructions were retired.
    fn run(&mut self, number: usize, slots: &[u64], fuel: u64) -> (Exit, u64) {
        let mut state = Section::new("cpu", 1);
        state.u64("retired", 0);
        for (at, (slot, value)) in self.layout.slots.iter().zip(slots).enumerate() {
            let is_pc = at == usize::from(self.layout.pc.0);
            state.u64(&slot.name, if is_pc { place(number) } else { *value });
        }
        self.cpu
            .restore(&state.fields())
            .expect("any state will do");
        let exit = self.cpu.run(fuel);
        (exit, self.cpu.retired())
    }

    fn slots(&self) -> Vec<u64> {
        let mut state = Section::new("cpu", 1);
        self.cpu.save(&mut state);
        let slots = self.layout.slots.iter();
        slots
            .map(|slot| state.fields().u64(&slot.name).expect("every slot is saved"))
            .collect()
    }

    fn data(&self) -> Vec<u8> {
        let mut bytes = vec![0; PAGE_BYTES as usize];
        self.ram.read(DATA, &mut bytes).expect("the page is in RAM");
        bytes
    }
}

/// Addresses and values to begin with.
fn slots(layout: &Layout, random: &mut Entropy) -> Vec<u64> {
    let mut slots: Vec<u64> = (0..layout.slots.len())
        .map(|_| match random.next_u64() % 4 {
            0 => random.next_u64() % 3,
            1 => random.next_u64() % 0x8_0000,
            2 => (random.next_u64() % 0x80) << 12 | 0xff8 | (random.next_u64() % 8),
            _ => random.next_u64(),
        })
        .collect();
    slots[usize::from(layout.fp_flags.0)] &= 31;
    for slot in TRAPPED {
        slots[slot] = 0;
    }
    slots
}

/// Appends an operation; its value.
fn push(block: &mut Block, op: Op, args: &[u16], imm: u64) -> u16 {
    let mut inst = Inst {
        op,
        ty: Type::I64,
        args: [block::NONE; 4],
        imm,
    };
    inst.args[..args.len()].copy_from_slice(args);
    block.insts.push(inst);
    (block.insts.len() - 1) as u16
}

/// Lets the exits of a block lead to other blocks, mostly.
fn connect(block: &mut Block, number: usize, pc: u64, random: &mut Entropy) {
    let mut other = || place((random.next_u64() % BLOCKS as u64) as usize);
    let distance = |to: u64| to.wrapping_sub(place(number)) as i64;
    let (first, second) = (other(), other());
    match &mut block.end {
        End::Goto(at) | End::Next(at) => *at = distance(first),
        End::Branch { taken, fall, .. } => (*taken, *fall) = (distance(first), distance(second)),
        End::Leave => {
            let to = push(block, Op::Const, &[], first);
            push(block, Op::Set, &[to], pc);
        }
        End::Jump { hint, .. } => {
            let hint = *hint;
            // The forms that become a part of the jump, and one that does not.
            let target = match first >> 8 & 3 {
                0 => push(block, Op::Const, &[], first),
                1 => {
                    let base = push(block, Op::Const, &[], 1);
                    push(block, Op::Set, &[base], 50);
                    let base = push(block, Op::Get, &[], 50);
                    let by = push(block, Op::Const, &[], first);
                    let sum = push(block, Op::Add, &[base, by], 0);
                    let even = push(block, Op::Const, &[], !1);
                    push(block, Op::And, &[sum, even], 0)
                }
                2 => return,
                _ => {
                    let base = push(block, Op::Pc, &[], 0);
                    let by = push(block, Op::Const, &[], distance(first) as u64);
                    push(block, Op::Add, &[base, by], 0)
                }
            };
            block.end = End::Jump { target, hint };
        }
        End::Trap { .. } => {}
    }
}

/// Blocks that lead to each other.
fn program(layout: &Layout, random: &mut Entropy, insns: u32) -> Vec<Block> {
    let pc = u64::from(layout.pc.0);
    let one = |number| {
        let mut block = sample::block(random, insns);
        connect(&mut block, number, pc, random);
        block
    };
    (0..BLOCKS).map(one).collect()
}

/// What a run leaves behind: slots, memory, instructions retired.
type Left = (Vec<u64>, Vec<u8>, u64);

/// Runs up to [`STEPS`] blocks from block `number` on; what is left, and the fuel it takes.
fn reference(
    blocks: &[Block],
    layout: &Layout,
    number: usize,
    slots: &[u64],
    data: Vec<u8>,
) -> (Left, u64) {
    let (mut slots, mut memory) = (slots.to_vec(), Memory(World::new(0)));
    memory.0.bytes = data;
    let (mut pc, mut insns, mut fuel) = (place(number), 0, 0);
    let pc_slot = usize::from(layout.pc.0);
    slots[pc_slot] = pc;
    for _ in 0..STEPS {
        let at = pc.wrapping_sub(place(0));
        let Some(block) = blocks
            .get((at / SPACING) as usize)
            .filter(|_| at % SPACING == 0)
        else {
            break;
        };
        let outcome = reference::run(block, layout, float::RISCV, pc, &mut slots, &mut memory);
        insns += u64::from(outcome.insns);
        // A block is entered only if all of it can be done.
        fuel += u64::from(block.insns);
        pc = outcome.pc;
        if let Stop::Trap(trap) = outcome.stop {
            let [cause, value, count] = TRAPPED;
            (slots[cause], slots[value], slots[count]) = (u64::from(trap.cause), trap.value, 1);
            break;
        }
    }
    slots[pc_slot] = pc;
    ((slots, memory.0.bytes, insns), fuel)
}

fn check(seeds: std::ops::Range<u64>, insns: u32, passes: Passes) {
    let mut machine = Sampled::new();
    machine.engine.set_passes(passes);
    let layout = sample::layout();
    let (mut traps, mut retired) = (0, 0);
    for seed in seeds {
        let random = &mut Entropy::new(seed);
        let blocks = program(&layout, random, insns);
        machine
            .guest
            .put(&machine.ram, &blocks)
            .expect("every place is in RAM");
        for number in 0..BLOCKS {
            let slots = slots(&layout, random);
            let (wanted, fuel) = reference(&blocks, &layout, number, &slots, machine.data());
            let (exit, insns) = machine.run(number, &slots, fuel);
            let found = (machine.slots(), machine.data(), insns);
            let trapped = wanted.0[TRAPPED[2]] != 0;
            if wanted != found {
                explain(&layout, &blocks, (seed, number), &wanted, &found);
            }
            let wanted = if trapped { Exit::Stuck } else { Exit::Budget };
            assert_eq!(exit, wanted, "seed {seed}, block {number}");
            traps += u64::from(trapped);
            retired += insns;
        }
    }
    assert!(
        traps > 100 && retired > 10_000,
        "{traps} traps, {retired} instructions"
    );
}

/// Says where two runs part.
fn explain(layout: &Layout, blocks: &[Block], (seed, number): (u64, usize), a: &Left, b: &Left) {
    let mut text = format!("seed {seed}, block {number}: retired {} and {}\n", a.2, b.2);
    for (slot, (x, y)) in layout.slots.iter().zip(a.0.iter().zip(&b.0)) {
        if x != y {
            text += &format!("{}: {x:#x} and {y:#x}\n", slot.name);
        }
    }
    for (at, (x, y)) in a.1.iter().zip(&b.1).enumerate() {
        if x != y {
            text += &format!("[{at:#x}]: {x:#x} and {y:#x}\n");
        }
    }
    panic!("{text}{}", print(&blocks[number], layout, sample::HELPERS));
}

#[test]
fn short_blocks_agree_with_the_reference() {
    check(0..2000, 2, Passes::FLAT);
}

#[test]
fn long_blocks_agree_with_the_reference() {
    check(10_000..10_400, 12, Passes::FLAT);
}

#[test]
fn blocks_agree_without_passes() {
    check(20_000..21_000, 3, Passes::NONE);
}

#[test]
fn blocks_agree_after_all_passes() {
    check(30_000..31_000, 4, Passes::ALL);
}
