//! The small decoder against the large one.

use iced_x86::code_asm::*;
use iced_x86::{Code, Decoder, DecoderOptions, IcedError, Mnemonic, OpKind, Register};

use crate::x64::{self, compare_with_memory, is_indirect_jump, jump_if};

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

#[test]
fn a_comparison_of_the_fuel_becomes_a_subtraction() {
    // `mov rsi, r15; cmp rsi, 16 + 5; jl`, with a move between and in other registers.
    let jump = [0x0f, 0x8c, 1, 2, 3, 4];
    let moved = [0x48, 0x89, 0xc1];
    let taken = [0x49, 0x83, 0xef, 5];
    // Without a move between, in the room of both.
    let long = [0x49, 0x81, 0xef, 5, 0, 0, 0];
    for (copy, compare, between) in [
        ([0x4c, 0x89, 0xfe], [0x48, 0x83, 0xfe, 21], &[][..]),
        ([0x4d, 0x89, 0xfa], [0x49, 0x83, 0xfa, 21], &moved[..]),
        ([0x4c, 0x89, 0xf8], [0x48, 0x83, 0xf8, 21], &moved[..]),
    ] {
        let mut code = [&copy, between, &compare, &jump].concat();
        assert_eq!(x64::take_instead(&mut code), Some(()), "{copy:x?}");
        let wanted = if between.is_empty() {
            [&long[..], &jump].concat()
        } else {
            [&[0x0f, 0x1f, 0][..], between, &taken, &jump].concat()
        };
        assert_eq!(code, wanted);
    }
    // Numbers of more than a byte, the other jump; a register has an instruction of its own.
    let unless = [0x0f, 0x8d, 1, 2, 3, 4];
    let more = [0x49, 0x81, 0xef, 200, 0, 0, 0];
    let nothing = [0x0f, 0x1f, 0];
    for (copy, compare, between, behind) in [
        (
            [0x4c, 0x89, 0xfe],
            &[0x48, 0x81, 0xfe, 216, 0, 0, 0][..],
            &moved[..],
            &nothing[..],
        ),
        (
            [0x4c, 0x89, 0xf8],
            &[0x48, 0x3d, 216, 0, 0, 0],
            &[],
            &[0x66, 0x90],
        ),
        (
            [0x4c, 0x89, 0xf8],
            &[0x48, 0x3d, 216, 0, 0, 0],
            &moved,
            &[0x66, 0x90],
        ),
    ] {
        let mut code = [&copy, between, compare, &unless].concat();
        assert_eq!(x64::take_instead(&mut code), Some(()), "{code:x?}");
        assert_eq!(code, [between, &more, behind, &unless].concat());
    }
    // Another register, another comparison, another jump, nothing.
    for code in [
        [&[0x4c, 0x89, 0xf6][..], &[0x48, 0x83, 0xfe, 21], &jump].concat(),
        [&[0x4c, 0x89, 0xfe][..], &[0x48, 0x83, 0xf8, 21], &jump].concat(),
        [
            &[0x4c, 0x89, 0xfe][..],
            &[0x48, 0x83, 0xfe, 21],
            &[0x0f, 0x8f, 1, 2, 3, 4],
        ]
        .concat(),
        [&[0x4c, 0x89, 0xfe][..], &[0x48, 0x83, 0xfe, 15], &jump].concat(),
        Vec::new(),
    ] {
        assert_eq!(x64::take_instead(&mut code.clone()), None, "{code:x?}");
    }
}

#[test]
fn registers_that_are_saved_are_loaded_again() {
    // `mov [rsp], rbx`, `mov [rsp + 8], r12`, `mov [rsp + 0x100], r14`, `mov [rsp + 16], rdi`
    let saves = [
        &[0x48, 0x89, 0x1c, 0x24][..],
        &[0x4c, 0x89, 0x64, 0x24, 8],
        &[0x4c, 0x89, 0xb4, 0x24, 0, 1, 0, 0],
    ]
    .concat();
    let code = [&saves[..], &[0x48, 0x89, 0x7c, 0x24, 16]].concat();
    assert_eq!(x64::saves(&code), saves);
    let loads = x64::loads(&saves);
    for (save, load) in saves.iter().zip(&loads) {
        assert_eq!(*load, if *save == 0x89 { 0x8b } else { *save });
    }
    assert_eq!(x64::saves(&loads), [0; 0]);
}

#[test]
fn what_is_left_out_does_nothing() {
    for length in 0..40 {
        let mut code = vec![0xcc; length];
        x64::leave_out(&mut code);
        let insns = Decoder::new(64, &code, DecoderOptions::NONE).into_iter();
        let mut bytes = 0;
        for insn in insns {
            assert_eq!(insn.mnemonic(), Mnemonic::Nop, "{code:x?}");
            bytes += insn.len();
        }
        assert_eq!(bytes, length);
    }
}
