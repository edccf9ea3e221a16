//! The small decoder against the large one.

use iced_x86::code_asm::*;
use iced_x86::{Code, Decoder, DecoderOptions, IcedError, OpKind, Register};

use crate::x64::{compare_with_memory, is_indirect_jump, jump_if};

/// Registers of 64 bits by number.
const REGISTERS: [Register; 16] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RBX,
    Register::RSP,
    Register::RBP,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// What the large decoder says of a comparison.
fn known(code: &[u8]) -> Option<(u8, usize)> {
    let insn = Decoder::new(64, code, DecoderOptions::NONE).decode();
    let register = match insn.code() {
        Code::Cmp_r64_rm64 if insn.op1_kind() == OpKind::Memory => insn.op0_register(),
        Code::Cmp_rm64_r64 if insn.op0_kind() == OpKind::Memory => insn.op1_register(),
        _ => return None,
    };
    let number = REGISTERS.iter().position(|known| *known == register)?;
    let based = insn.memory_base() != Register::None && insn.memory_base() != Register::RIP;
    based.then(|| (number as u8, insn.len()))
}

#[test]
fn comparisons_are_recognised() {
    let mut found = 0;
    // Every REX with W, both opcodes and some others, every ModRM, some SIBs.
    for rex in [0x40, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f] {
        for opcode in [0x39, 0x3b, 0x03, 0x85] {
            for modrm in 0..=255 {
                for sib in [0x00, 0x08, 0x25, 0x4c, 0xe5, 0xff] {
                    let code = [rex, opcode, modrm, sib, 1, 2, 3, 4, 5, 6];
                    let (ours, theirs) = (compare_with_memory(&code), known(&code));
                    assert_eq!(ours, theirs, "{code:02x?}");
                    found += usize::from(ours.is_some());
                }
            }
        }
    }
    assert!(found > 10_000, "{found}");
}

fn assembled(write: impl FnOnce(&mut CodeAssembler) -> Result<(), IcedError>) -> Vec<u8> {
    let mut a = CodeAssembler::new(64).expect("64 bits are known");
    write(&mut a).expect("the instruction exists");
    a.assemble(0).expect("the instruction can be written")
}

#[test]
fn jumps_are_recognised() {
    for (code, wanted) in [
        (assembled(|a| a.jmp(rax)), true),
        (assembled(|a| a.jmp(r10)), true),
        (assembled(|a| a.jmp(qword_ptr(rsi))), true),
        (assembled(|a| a.jmp(qword_ptr(rdi + 0x88))), true),
        (assembled(|a| a.jmp(qword_ptr(r12 + 8))), true),
        (
            assembled(|a| a.jmp(qword_ptr(rax + 8 * rcx + 0x1234))),
            true,
        ),
        (assembled(|a| a.call(rax)), false),
        (assembled(|a| a.push(qword_ptr(rax))), false),
        (assembled(|a| a.ret()), false),
        (assembled(|a| a.jmp(rax).and_then(|()| a.nop())), false),
    ] {
        assert_eq!(is_indirect_jump(&code), wanted, "{code:02x?}");
    }
    assert_eq!(jump_if(&[0x0f, 0x85, 0x10, 0, 0, 0]), Some(16));
    assert_eq!(jump_if(&[0x0f, 0x8c, 0xf0, 0xff, 0xff, 0xff]), Some(-16));
    assert_eq!(jump_if(&[0x0f, 0x95, 0xc0, 0, 0, 0]), None);
    assert_eq!(jump_if(&[0x75, 0x10]), None);
}
