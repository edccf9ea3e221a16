//! What the host runs on each turn of a loop.

use std::collections::HashSet;
use std::sync::Arc;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};
use vm_core::{GuestPhys, PAGE_BYTES};
use vm_engine_interp::native::{Member, RegionCompiler, RegionPage, RegionWork};
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
    let guest = Arc::new(Guest::new());
    let ram = GuestRam::new(&[(GuestPhys(CODE), PAGE_BYTES)]).expect("the host has a page");
    let (length, insns) = (block.bytes, block.insns);
    let placed = guest.put(&ram, &[block]);
    placed.expect("the place is in RAM");
    let jit = RegionJit::new(guest).expect("the host can run native code");
    let work = RegionWork {
        pages: vec![RegionPage {
            bytes: vec![0; PAGE_BYTES as usize],
            distance: 0,
        }],
        mode: 0,
        members: vec![Member {
            page: 0,
            page_offset: place(0) % PAGE_BYTES,
            length,
            insns,
            code: 0x1000,
            region: None,
        }],
        hot: 0,
        most: 500,
        went: Vec::new(),
        seen: Arc::default(),
    };
    let bytes = jit.compile(&work).expect("it is a loop").bytes;
    let told = jit.explain(&work).expect("what can be made can be told");
    assert_eq!(told.host, bytes, "telling changes nothing");
    let marks = told.marks.iter();
    let named: HashSet<_> = marks.filter_map(|mark| mark.whence?.insn.into()).collect();
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
