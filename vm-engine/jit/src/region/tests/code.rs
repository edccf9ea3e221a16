//! What the host runs on each turn of a loop.

use std::collections::HashSet;
use std::sync::Arc;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    Register,
};
use vm_core::{GuestPhys, PAGE_BYTES};
use vm_engine_interp::native::{Mark, Member, RegionCompiler, RegionPage, RegionWork};
use vm_ir::sample::guest::{CODE, Guest, place};
use vm_ir::{Block, Builder, End, MemArg, SlotId, Type};
use vm_mem::GuestRam;

use crate::RegionJit;

/// Adds to words where one slot points, stores them where another one does, and moves both by
/// `step`.
fn copies(step: i64) -> Block {
    let builder = Builder::new();
    let b = &builder;
    b.begin_insn(4);
    let [from, to, end] = [1, 2, 3].map(|slot| b.get(Type::I64, SlotId(slot)));
    for offset in [0, 8, 16] {
        let word = b.load(Type::I64, from, MemArg::plain(offset));
        b.store(to, word + end, MemArg::plain(offset));
    }
    let moved = from + b.imm(step);
    b.set(SlotId(1), moved);
    b.set(SlotId(2), to + b.imm(step));
    b.branch(moved.ne(end), 0);
    let block = builder.finish();
    assert!(matches!(block.end, End::Branch { .. }));
    block
}

/// The native code of a region of one block.
fn compiled(block: Block) -> Vec<u8> {
    compiled_all(&[block])
}

/// The native code of a region of blocks.
fn compiled_all(blocks: &[Block]) -> Vec<u8> {
    let guest = Arc::new(Guest::new());
    let ram = GuestRam::new(&[(GuestPhys(CODE), PAGE_BYTES)]).expect("the host has a page");
    let members = blocks.iter().enumerate().map(|(n, block)| Member {
        page: 0,
        page_offset: place(n) % PAGE_BYTES,
        length: block.bytes,
        insns: block.insns,
        code: 0x1000,
        region: None,
    });
    let members = members.collect();
    let placed = guest.put(&ram, blocks);
    placed.expect("the place is in RAM");
    let mut bytes = vec![0; PAGE_BYTES as usize];
    let read = ram.read(GuestPhys(CODE), &mut bytes);
    read.expect("the page is in RAM");
    let jit = RegionJit::new(guest).expect("the host can run native code");
    let work = RegionWork {
        pages: vec![RegionPage { bytes, distance: 0 }],
        mode: 0,
        members,
        hot: 0,
        most: 500,
        went: Vec::new(),
        seen: Arc::default(),
    };
    let bytes = jit.compile(&work).expect("it is a loop").bytes;
    let told = jit.explain(&work).expect("what can be made can be told");
    assert_eq!(told.host, bytes, "telling changes nothing");
    let marks = told.marks.iter();
    let whence = |mark: &Mark| mark.whence.map(|at| (at.block, at.insn));
    let named: HashSet<_> = marks.filter_map(whence).collect();
    let insns: u32 = blocks.iter().map(|block| block.insns).sum();
    assert_eq!(named.len(), insns as usize, "code for each instruction");
    bytes
}

/// The shortest loop in the code.
fn turn(code: &[u8]) -> Vec<Instruction> {
    let jumps = [
        FlowControl::ConditionalBranch,
        FlowControl::UnconditionalBranch,
    ];
    let all: Vec<Instruction> = Decoder::new(64, code, DecoderOptions::NONE)
        .iter()
        .collect();
    let mut shortest: &[Instruction] = &all;
    for (last, jump) in all.iter().enumerate() {
        let target = jump.near_branch_target();
        let first = all.iter().position(|to| to.ip() == target).unwrap_or(last);
        let back = jumps.contains(&jump.flow_control()) && first < last;
        if back && last - first < shortest.len() {
            shortest = &all[first..=last];
        }
    }
    shortest.to_vec()
}

#[test]
fn a_turn_asks_for_nothing_but_its_fuel() {
    for step in [24, -24, 7] {
        let turn = turn(&compiled(copies(step)));
        let count = |mnemonic| turn.iter().filter(|i| i.mnemonic() == mnemonic).count();
        let text: Vec<String> = turn.iter().map(ToString::to_string).collect();
        // The fuel and the loop's own end are all that jumps; six accesses, nothing of the TLB.
        assert_eq!(count(Mnemonic::Shr), 0, "{text:#?}");
        assert_eq!(
            (count(Mnemonic::Cmp), count(Mnemonic::Jl)),
            (1, 1),
            "{text:#?}"
        );
        let memory = |insn: &&Instruction| {
            !matches!(insn.memory_base(), Register::None | Register::RSP)
                && !matches!(insn.mnemonic(), Mnemonic::Lea | Mnemonic::Nop)
        };
        assert_eq!(turn.iter().filter(memory).count(), 6, "{text:#?}");
        assert!(turn.len() <= 20, "{text:#?}");
    }
}

/// How many instructions of a turn write to memory that is the host's own, and how many compare.
fn stores_and_comparisons(turn: &[Instruction]) -> (usize, usize) {
    let mut infos = InstructionInfoFactory::new();
    let stores = turn.iter().filter(|insn| {
        let used = infos.info(insn).used_memory().iter().any(|memory| {
            let writes = [OpAccess::Write, OpAccess::ReadWrite];
            memory.base() == Register::RSP && writes.contains(&memory.access())
        });
        used && insn.mnemonic() != Mnemonic::Call
    });
    let compares = turn.iter().filter(|i| i.mnemonic() == Mnemonic::Cmp);
    (stores.count(), compares.count())
}

#[test]
fn a_turn_puts_nothing_away_that_the_next_one_sets() {
    let builder = Builder::new();
    let b = &builder;
    b.begin_insn(4);
    let (at, end) = (b.get(Type::I64, SlotId(1)), b.get(Type::I64, SlotId(2)));
    let mut sum = b.get(Type::I64, SlotId(3));
    for n in 0..6 {
        let word = b.load(Type::I64, at, MemArg::plain(8 * n));
        b.set(SlotId(8 + n as u16), word ^ end);
        sum = sum + word;
    }
    b.set(SlotId(3), sum);
    let moved = at + b.imm(48);
    b.set(SlotId(1), moved);
    b.branch(moved.ne(end), 0);
    let turn = turn(&compiled(builder.finish()));
    let text: Vec<String> = turn.iter().map(ToString::to_string).collect();
    assert_eq!(stores_and_comparisons(&turn), (0, 1), "{text:#?}");
    let takes = turn.iter().filter(|i| i.mnemonic() == Mnemonic::Jl).count();
    assert_eq!(takes, 1, "{text:#?}");
    assert!(turn.len() <= 24, "{text:#?}");
}

#[test]
fn what_is_loaded_and_stored_is_compared_once() {
    let builder = Builder::new();
    let b = &builder;
    b.begin_insn(4);
    let (bit, table) = (b.get(Type::I64, SlotId(1)), b.get(Type::I64, SlotId(2)));
    let at = table + ((bit >> b.imm(6)) << b.imm(3));
    let word = b.load(Type::I64, at, MemArg::plain(0));
    b.store(at, word | bit, MemArg::plain(0));
    let moved = bit + b.get(Type::I64, SlotId(3));
    b.set(SlotId(1), moved);
    b.branch(moved.ne(b.get(Type::I64, SlotId(4))), 0);
    let turn = turn(&compiled(builder.finish()));
    let text: Vec<String> = turn.iter().map(ToString::to_string).collect();
    // Of the page, and of the end.
    assert_eq!(stores_and_comparisons(&turn), (0, 2), "{text:#?}");
}

#[test]
fn blocks_in_a_row_take_their_fuel_at_once() {
    let part = |last: bool| {
        let builder = Builder::new();
        let b = &builder;
        b.begin_insn(4);
        let (sum, by) = (b.get(Type::I64, SlotId(1)), b.get(Type::I64, SlotId(2)));
        let sum = (sum ^ by) + b.imm(77);
        b.set(SlotId(1), sum);
        let to = place(usize::from(!last)).wrapping_sub(place(usize::from(last))) as i64;
        if last {
            b.branch(sum.ne(by), to);
        } else {
            b.goto(to);
        }
        builder.finish()
    };
    let turn = turn(&compiled_all(&[part(false), part(true)]));
    let text: Vec<String> = turn.iter().map(ToString::to_string).collect();
    let takes = turn.iter().filter(|i| i.mnemonic() == Mnemonic::Jl).count();
    assert_eq!(takes, 1, "{text:#?}");
    let adds = turn
        .iter()
        .filter(|i| i.mnemonic() == Mnemonic::Xor)
        .count();
    assert_eq!(adds, 2, "{text:#?}");
}

#[test]
fn a_byte_is_cut_and_extended_once() {
    let builder = Builder::new();
    let b = &builder;
    b.begin_insn(4);
    let (at, index) = (b.get(Type::I64, SlotId(1)), b.get(Type::I64, SlotId(2)));
    let byte = b.load(Type::I8, at + (index & b.imm(255)), MemArg::plain(0));
    let sum = index.trunc(Type::I32) + byte.zext(Type::I32);
    let sum = sum.sext(Type::I64) & b.imm(255);
    b.set(SlotId(2), sum);
    b.branch(sum.ne(b.get(Type::I64, SlotId(3))), 0);
    let turn = turn(&compiled(builder.finish()));
    let text: Vec<String> = turn.iter().map(ToString::to_string).collect();
    let count = |mnemonic| turn.iter().filter(|i| i.mnemonic() == mnemonic).count();
    assert_eq!(count(Mnemonic::Movsxd), 0, "{text:#?}");
    assert!(count(Mnemonic::Movzx) <= 2, "{text:#?}");
}
