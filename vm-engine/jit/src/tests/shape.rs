//! The form of native code: every way through it keeps to the convention of the gates.

use std::collections::BTreeMap;
use std::sync::Arc;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};
use vm_core::{Entropy, GuestPhys, PAGE_BYTES};
use vm_engine_interp::native::{Compiler, Miss, Native, Work};
use vm_ir::sample;
use vm_ir::sample::guest::{CODE, CODE_PAGES, DATA, Guest, place};
use vm_mem::GuestRam;

use crate::Jit;

/// The instruction that traps.
const UD2: [u8; 2] = [0x0f, 0x0b];

/// What was seen on all ways through a piece of code.
#[derive(Default)]
struct Seen {
    /// The depth of the stack before each instruction, in bytes.
    depths: BTreeMap<u64, i64>,
    exits: usize,
    stubs: usize,
    frames: usize,
}

/// Follows every way through the code.
fn walk(native: &Native) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let mut ways = vec![(native.entry as u64, 0)];
    while let Some((at, depth)) = ways.pop() {
        if let Some(known) = seen.depths.insert(at, depth) {
            if known != depth {
                return Err(format!("{at:#x} is reached with {known} and {depth} bytes"));
            }
            continue;
        }
        let code = native.bytes.get(at as usize..).unwrap_or_default();
        let insn = Decoder::with_ip(64, code, at, DecoderOptions::NONE).decode();
        check(&insn, at == native.entry as u64)?;
        let behind = insn.next_ip();
        let depth = depth - i64::from(insn.stack_pointer_increment()) + adjustment(&insn);
        match insn.flow_control() {
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => {
                seen.frames += usize::from(insn.mnemonic() == Mnemonic::Sub && depth > 0);
                let stub = insn.memory_base() == Register::RBP;
                seen.stubs += usize::from(stub && insn.mnemonic() == Mnemonic::Call);
                // What a call pushes it takes back; a stub's gate takes what the stub pushed.
                let depth = match insn.mnemonic() {
                    Mnemonic::Call if stub => depth - 8 - 16,
                    Mnemonic::Call => depth - 8,
                    _ => depth,
                };
                ways.push((behind, depth));
            }
            FlowControl::ConditionalBranch => {
                // The code generator looks once more whether a divisor is zero, which it is not.
                let target = native.bytes.get(insn.near_branch_target() as usize..);
                let trap = target.is_some_and(|code| code.starts_with(&UD2));
                if !(trap && insn.mnemonic() == Mnemonic::Je) {
                    ways.push((insn.near_branch_target(), depth));
                }
                ways.push((behind, depth));
            }
            FlowControl::UnconditionalBranch => ways.push((insn.near_branch_target(), depth)),
            FlowControl::IndirectBranch if depth == 0 => seen.exits += 1,
            flow => return Err(format!("{flow:?} at {at:#x}, {depth} bytes deep")),
        }
    }
    Ok(seen)
}

/// What `sub rsp` and `add rsp` add to the depth.
fn adjustment(insn: &Instruction) -> i64 {
    if insn.op0_kind() != OpKind::Register || insn.op0_register() != Register::RSP {
        return 0;
    }
    match insn.mnemonic() {
        Mnemonic::Sub => insn.immediate(1) as i64,
        Mnemonic::Add => -(insn.immediate(1) as i64),
        _ => 0,
    }
}

/// Nobody changes the CPU's register, and nobody but the entry and the way back the fuel's.
fn check(insn: &Instruction, first: bool) -> Result<(), String> {
    if insn.is_invalid() || insn.code() == Code::Ud2 {
        return Err(format!("{insn} is reached at {:#x}", insn.ip()));
    }
    let mut info = InstructionInfoFactory::new();
    for used in info.info(insn).used_registers() {
        let register = used.register().full_register();
        let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
        let fuel = register == Register::R15;
        let gives_back = fuel && insn.mnemonic() == Mnemonic::Add;
        if (fuel && !first && !gives_back) || (register == Register::RBP && writes) {
            return Err(format!("{insn} at {:#x}", insn.ip()));
        }
    }
    Ok(())
}

/// What is told of a block is what is run: the same bytes, with each check and its stub beside
/// the instruction that the stub names.
fn tells(jit: &Jit, work: &Work, native: &Native) {
    let told = jit.explain(work).expect("what can be made can be told");
    assert_eq!(told.host, native.bytes, "telling changes nothing");
    assert_eq!(told.blocks[0].insns.len(), work.insns as usize);
    for mark in told.marks.iter().filter(|mark| mark.what == Some("miss")) {
        // `push [block]; push number`
        let number = &native.bytes[mark.at + 7..mark.at + 11];
        let number = u32::from_le_bytes(number.try_into().expect("four bytes"));
        let named = Miss::unpack(u64::from(number)).site;
        let insn = mark.whence.map(|whence| whence.insn);
        assert_eq!(
            insn,
            Some(usize::from(named)),
            "{mark:?}: {:02x?}",
            native.bytes
        );
    }
}

fn check_blocks(seeds: std::ops::Range<u64>, insns: u32) {
    let guest = Arc::new(Guest::new());
    let bytes = CODE - DATA.0 + CODE_PAGES * PAGE_BYTES;
    let ram = GuestRam::new(&[(DATA, bytes)]).expect("the host has a few pages");
    let jit = Jit::new(guest.clone()).expect("the host can run native code");
    let mut all = Seen::default();
    for seed in seeds {
        let block = sample::block(&mut Entropy::new(seed), insns);
        let placed = guest.put(&ram, std::slice::from_ref(&block));
        placed.expect("the place is in RAM");
        let mut bytes = vec![0; block.bytes as usize + 16];
        ram.read(GuestPhys(place(0)), &mut bytes)
            .expect("the block is in RAM");
        let work = Work {
            bytes,
            length: block.bytes,
            insns: block.insns,
            page_offset: seed * 2 % PAGE_BYTES,
            mode: 0,
            odd: seed % 2 == 1,
        };
        let native = jit.compile(&work);
        let native = native.unwrap_or_else(|| panic!("seed {seed}: {:?}", jit.refused()));
        tells(&jit, &work, &native);
        match walk(&native) {
            Ok(seen) => {
                all.exits += seen.exits;
                all.stubs += seen.stubs;
                all.frames += seen.frames;
            }
            Err(fact) => panic!("seed {seed}: {fact}: {:02x?}", native.bytes),
        }
    }
    assert!(
        all.exits > 100 && all.stubs > 100 && all.frames > 10,
        "{} exits, {} stubs, {} frames",
        all.exits,
        all.stubs,
        all.frames
    );
}

#[test]
fn short_blocks_keep_to_the_convention() {
    check_blocks(0..1500, 2);
}

#[test]
fn long_blocks_keep_to_the_convention() {
    check_blocks(5000..5300, 14);
}
