//! Where blocks end.

use vm_ir::{Builder, End, Hint, Lifted};

use super::MACHINE;
use crate::helpers::HELPERS;
use crate::isa::{ROWS, Status};
use crate::lift;

const NOP: [u8; 4] = [0x13, 0, 0, 0];
const C_NOP: [u8; 2] = [1, 0];

fn check(code: &[&[u8]], limit: u32, lifted: Lifted, insns: u32, end: End) {
    let mut builder = Builder::new();
    assert_eq!(lift(&code.concat(), MACHINE, limit, &mut builder), lifted);
    let block = builder.block();
    assert_eq!((block.insns, block.end), (insns, end));
}

#[test]
fn blocks_end_at_the_limit_or_where_the_bytes_do() {
    let (goto, done) = (End::Goto, Lifted::Done);
    check(&[&NOP, &C_NOP, &NOP], 64, done, 3, goto(10));
    check(&[&NOP, &C_NOP, &NOP], 2, done, 2, goto(6));
    check(&[&NOP, &C_NOP, &NOP], 0, done, 1, goto(4));
    check(&[&NOP, &C_NOP, &NOP[..2]], 64, done, 2, goto(6));
    check(&[&NOP, &C_NOP, &NOP[..1]], 64, done, 2, goto(6));
    check(&[], 64, Lifted::Short(2), 0, goto(0));
    check(&[&NOP[..1]], 64, Lifted::Short(2), 0, goto(0));
    check(&[&NOP[..2]], 64, Lifted::Short(4), 0, goto(0));
    check(&[&NOP[..3]], 64, Lifted::Short(4), 0, goto(0));
    // A branch behind another instruction counts from the block's start.
    let c_j = 0xa001_u16.to_le_bytes();
    check(&[&NOP, &c_j, &NOP], 64, done, 2, goto(4));
}

#[test]
fn a_long_block_ends_before_it_is_full() {
    // cbo.zero (a0): the longest of all.
    let code = [0x0f, 0x20, 0x45, 0x00].repeat(4096);
    let mut builder = Builder::new();
    assert_eq!(lift(&code, MACHINE, u32::MAX, &mut builder), Lifted::Done);
    let block = builder.block();
    assert!(block.insts.len() <= vm_ir::block::MAX_INSTS);
    assert!(block.insns > 64);
    assert_eq!(block.end, End::Goto(i64::from(block.bytes)));
}

#[test]
fn calls_and_returns_are_told_apart() {
    let check = |insn: u32, expect: Hint| {
        let mut builder = Builder::new();
        lift(&insn.to_le_bytes(), MACHINE, 1, &mut builder);
        assert!(matches!(builder.block().end, End::Jump { hint, .. } if hint == expect));
    };
    check(0x0000_8067, Hint::Return); // jalr zero, 0(ra)
    check(0x0002_8067, Hint::Return); // jalr zero, 0(t0)
    check(0x0005_0067, Hint::Plain); // jalr zero, 0(a0)
    check(0x0005_00e7, Hint::Call); // jalr ra, 0(a0)
    check(0x0000_80e7, Hint::Call); // jalr ra, 0(ra)
}

#[test]
fn any_bytes_lift() {
    // Whatever the guest runs, lifting ends and the text is never empty.
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut builder = Builder::new();
    for mode in [0, 1, MACHINE, MACHINE & !(1 << 3), 1 << 2] {
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let code = state.to_le_bytes();
            builder.clear();
            assert_eq!(lift(&code, mode, 8, &mut builder), Lifted::Done);
            assert!(builder.block().insns >= 1);
            assert!(!crate::disassemble(&code, state).text.is_empty());
        }
    }
}

#[test]
fn every_row_lifts_to_a_valid_block_in_every_mode() {
    let layout = crate::slots::layout();
    let mut state = 0x0123_4567_89ab_cdef_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as u32
    };
    let mut builder = Builder::new();
    for row in ROWS.iter().filter(|row| row.status != Status::Reserved) {
        for _ in 0..40 {
            let Some(insn) = row.sample(random()) else {
                continue;
            };
            // Two of them, so that what the first one leaves behind is met too.
            let one = insn.to_le_bytes()[..row.bytes as usize].to_vec();
            let mode = u64::from(random()) & 0xfff;
            builder.clear();
            let lifted = lift(&one.repeat(2), mode, 2, &mut builder);
            assert_eq!(lifted, Lifted::Done);
            let valid = vm_ir::verify::verify(builder.block(), &layout, &HELPERS);
            assert!(
                valid.is_ok(),
                "{} {insn:#x} in {mode:#x}: {valid:?}",
                row.name
            );
        }
    }
}
