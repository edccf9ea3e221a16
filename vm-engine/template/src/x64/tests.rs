//! Another's disassembler reads what the assembler writes.

use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};

use super::*;

/// The text of what is written, one instruction after the other.
fn texts(write: impl FnOnce(&mut Assembler)) -> Vec<String> {
    let mut asm = Assembler::default();
    write(&mut asm);
    let mut formatter = NasmFormatter::new();
    let mut texts = Vec::new();
    for insn in Decoder::with_ip(64, &asm.bytes, 0, DecoderOptions::NONE) {
        let mut text = String::new();
        formatter.format(&insn, &mut text);
        texts.push(text);
    }
    texts
}

fn check(write: impl FnOnce(&mut Assembler), wanted: &[&str]) {
    assert_eq!(texts(write), wanted);
}

const NAMES: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];
const LOW: [&str; 16] = [
    "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
    "r13b", "r14b", "r15b",
];

use Size::{Dword, Qword};

#[test]
fn every_register_stands_in_every_place() {
    for (a, first) in NAMES.iter().enumerate() {
        for (b, second) in NAMES.iter().enumerate() {
            let (reg, other) = (Reg(a as u8), Reg(b as u8));
            check(
                |asm| {
                    asm.alu(Alu::Add, Qword, reg, other);
                    asm.test(Qword, reg, other);
                    asm.mov(Qword, reg, other);
                    asm.mov(Qword, reg, at(other, 0));
                    asm.mov(Qword, reg, at(other, -128));
                    asm.mov(Qword, reg, at(other, 0x12345));
                    asm.store(8, at(other, 8), reg);
                    asm.store(1, at(other, 8), reg);
                    asm.movsxd(reg, at(other, 8));
                    asm.extend(Extend::Zero8, Qword, reg, other);
                    asm.imul(Qword, reg, other);
                    asm.mov_if(Cond::Less, Qword, reg, other);
                    asm.count(Count::Ones, Qword, reg, other);
                },
                &[
                    &format!("add {first},{second}"),
                    &format!("test {first},{second}"),
                    &format!("mov {first},{second}"),
                    &format!("mov {first},[{second}]"),
                    &format!("mov {first},[{second}-80h]"),
                    &format!("mov {first},[{second}+12345h]"),
                    &format!("mov [{second}+8],{first}"),
                    &format!("mov [{second}+8],{}", LOW[a]),
                    &format!("movsxd {first},[{second}+8]"),
                    &format!("movzx {first},{}", LOW[b]),
                    &format!("imul {first},{second}"),
                    &format!("cmovl {first},{second}"),
                    &format!("popcnt {first},{second}"),
                ],
            );
            if *second != "rsp" {
                let sum = Mem {
                    base: reg,
                    index: Some(other),
                    disp: 0,
                };
                let text = texts(|asm| asm.lea(Qword, RAX, sum));
                assert!(
                    [
                        format!("lea rax,[{first}+{second}]"),
                        format!("lea rax,[{first}+{second}+0]"),
                        // Either may be the base.
                        format!("lea rax,[{second}+{first}]"),
                    ]
                    .contains(&text[0]),
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn single_operands_are_any_register() {
    for (number, name) in NAMES.iter().enumerate() {
        let reg = Reg(number as u8);
        check(
            |asm| {
                asm.alu_imm(Alu::Cmp, Qword, reg, -4096);
                asm.alu_imm(Alu::Sub, Qword, reg, 127);
                asm.mov_imm(reg, 0xffff_ffff_ffff_fff0);
                asm.mov_imm(reg, 0x1234_5678_9abc_def0);
                asm.shift_imm(Shift::Sar, Qword, reg, 7);
                asm.shift(Shift::Rol, Qword, reg);
                asm.unary(Unary::Div, Qword, reg);
                asm.bswap(Qword, reg);
                asm.set(Cond::NotEqual, reg);
                asm.jump_by(at(reg, 8));
                asm.call_by(at(reg, 0x1000));
            },
            &[
                &format!("cmp {name},0FFFFFFFFFFFFF000h"),
                &format!("sub {name},7Fh"),
                &format!("mov {name},0FFFFFFFFFFFFFFF0h"),
                &format!("mov {name},123456789ABCDEF0h"),
                &format!("sar {name},7"),
                &format!("rol {name},cl"),
                &format!("div {name}"),
                &format!("bswap {name}"),
                &format!("setne {}", LOW[number]),
                &format!("jmp qword [{name}+8]"),
                &format!("call qword [{name}+1000h]"),
            ],
        );
    }
}

#[test]
fn halves_and_constants_are_as_asked_for() {
    check(
        |asm| {
            asm.alu(Alu::Xor, Dword, RAX, R9);
            asm.alu(Alu::Or, Dword, R8, at(RDI, 4));
            asm.alu_imm(Alu::And, Dword, RDX, 0x7fe0);
            asm.alu_imm(Alu::Cmp, Qword, at(RDI, -8), 1);
            asm.alu_imm(Alu::Sub, Dword, at(RSI, 0x40), 1);
            asm.mov_imm(RAX, 0xffff_ffff);
            asm.mov_imm(R9, 0);
            asm.mov(Dword, RCX, R8);
            asm.store(2, at(RAX, 0), R9);
            asm.store(4, at(RAX, 0), R9);
            asm.store_imm(1, at(RAX, 0), -1);
            asm.store_imm(2, at(RAX, 0), 0x1234);
            asm.store_imm(4, at(RAX, 0), 0x1234_5678);
            asm.store_imm(8, at(RAX, 0x200), -2);
            asm.spread_sign(Dword);
            asm.spread_sign(Qword);
        },
        &[
            "xor eax,r9d",
            "or r8d,[rdi+4]",
            "and edx,7FE0h",
            "cmp qword [rdi-8],1",
            "sub dword [rsi+40h],1",
            "mov eax,0FFFFFFFFh",
            "mov r9d,0",
            "mov ecx,r8d",
            "mov [rax],r9w",
            "mov [rax],r9d",
            "mov byte [rax],0FFh",
            "mov word [rax],1234h",
            "mov dword [rax],12345678h",
            "mov qword [rax+200h],0FFFFFFFFFFFFFFFEh",
            "cdq",
            "cqo",
        ],
    );
}

#[test]
fn every_number_names_its_instruction() {
    use Alu::*;
    for (op, name) in [
        (Add, "add"),
        (Or, "or"),
        (And, "and"),
        (Sub, "sub"),
        (Xor, "xor"),
    ] {
        let text = format!("{name} eax,ecx");
        check(|asm| asm.alu(op, Dword, RAX, RCX), &[&text]);
        let text = format!("{name} ecx,5");
        check(|asm| asm.alu_imm(op, Dword, RCX, 5), &[&text]);
    }
    check(|asm| asm.alu(Cmp, Dword, RAX, RCX), &["cmp eax,ecx"]);
    for (op, name) in [
        (Shift::Rol, "rol"),
        (Shift::Ror, "ror"),
        (Shift::Shl, "shl"),
        (Shift::Shr, "shr"),
        (Shift::Sar, "sar"),
    ] {
        let text = format!("{name} ecx,5");
        check(|asm| asm.shift_imm(op, Dword, RCX, 5), &[&text]);
    }
    for (op, name) in [
        (Unary::Not, "not"),
        (Unary::Neg, "neg"),
        (Unary::Mul, "mul"),
        (Unary::Imul, "imul"),
        (Unary::Div, "div"),
        (Unary::Idiv, "idiv"),
    ] {
        let text = format!("{name} ecx");
        check(|asm| asm.unary(op, Dword, RCX), &[&text]);
    }
    for (what, name) in [
        (Count::Ones, "popcnt"),
        (Count::Trailing, "tzcnt"),
        (Count::Leading, "lzcnt"),
    ] {
        let text = format!("{name} eax,r9d");
        check(|asm| asm.count(what, Dword, RAX, R9), &[&text]);
    }
    for (how, text) in [
        (Extend::Zero8, "movzx eax,cl"),
        (Extend::Zero16, "movzx eax,cx"),
        (Extend::Sign8, "movsx eax,cl"),
        (Extend::Sign16, "movsx eax,cx"),
    ] {
        check(|asm| asm.extend(how, Dword, RAX, RCX), &[text]);
    }
}

#[test]
fn conditions_are_named_turned_and_swapped() {
    use Cond::*;
    for (cond, name, inverted, swapped) in [
        (Below, "b", "ae", "a"),
        (AboveEqual, "ae", "b", "be"),
        (Equal, "e", "ne", "e"),
        (NotEqual, "ne", "e", "ne"),
        (BelowEqual, "be", "a", "ae"),
        (Above, "a", "be", "b"),
        (Less, "l", "ge", "g"),
        (GreaterEqual, "ge", "l", "le"),
        (LessEqual, "le", "g", "ge"),
        (Greater, "g", "le", "l"),
    ] {
        for (cond, name) in [
            (cond, name),
            (cond.inverted(), inverted),
            (cond.swapped(), swapped),
        ] {
            let text = format!("set{name} cl");
            check(|asm| asm.set(cond, RCX), &[&text]);
            let text = format!("cmov{name} eax,ecx");
            check(|asm| asm.mov_if(cond, Dword, RAX, RCX), &[&text]);
        }
    }
}

#[test]
fn jumps_end_where_they_are_led() {
    check(
        |asm| {
            let over = asm.jump_if(Cond::Equal);
            let far = asm.jump();
            asm.land(over);
            asm.push_from(0);
            asm.push_imm(-2);
            asm.land(far);
            asm.mov_from(RSI, 0);
            asm.jump_back(6);
        },
        &[
            "je near 000000000000000Bh",
            "jmp 0000000000000016h",
            "push qword [rel 0]",
            "push 0FFFFFFFFFFFFFFFEh",
            "mov rsi,[rel 0]",
            "jmp 6",
        ],
    );
}

#[test]
fn distances_that_may_change_are_aligned() {
    for before in 0..8 {
        for cond in [None, Some(Cond::Less)] {
            let mut asm = Assembler::default();
            asm.bytes.resize(before, 0x90);
            let jump = asm.jump_aligned(cond);
            asm.land(jump);
            let at = Assembler::distance_of(jump);
            assert_eq!((at % 4, asm.here()), (0, at + 4), "behind {before}");
            let insns = Decoder::new(64, &asm.bytes, DecoderOptions::NONE);
            let last = insns.into_iter().last().expect("there is a jump");
            assert_eq!(last.near_branch_target(), asm.here() as u64);
            assert_eq!(last.is_jcc_near(), cond.is_some());
        }
    }
}

#[test]
fn what_nothing_comes_between_is_locked() {
    for (n, name) in NAMES.iter().enumerate() {
        let reg = Reg(n as u8);
        check(
            |asm| {
                asm.alu_locked(Alu::Xor, Qword, at(RDX, 0), reg);
                asm.add_locked(Qword, at(RAX, 0), reg);
                asm.swap_locked(Qword, at(RAX, 0), reg);
                asm.compare_locked(Qword, at(RDX, 0), reg);
            },
            &[
                &format!("lock xor [rdx],{name}"),
                &format!("lock xadd [rax],{name}"),
                &format!("xchg {name},[rax]"),
                &format!("lock cmpxchg [rdx],{name}"),
            ],
        );
    }
    check(
        |asm| {
            asm.add_locked(Dword, at(RAX, 0), R9);
            asm.fence(at(RDI, -8));
            asm.jump_back_if(Cond::NotEqual, 0);
        },
        &[
            "lock xadd [rax],r9d",
            "lock or dword [rdi-8],0",
            "jne near 0",
        ],
    );
}
