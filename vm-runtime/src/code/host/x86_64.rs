//! x86-64 code as text, with the names of what it reads and writes in the CPU's struct.
//!
//! Those are told only where it is certain that a register holds native code's CPU pointer: it
//! comes in `rdi`, and is followed through moves and through the word of the stack where code
//! keeps it, along all ways that lead to an instruction.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Formatter, Instruction, InstructionInfoFactory,
    Mnemonic, NasmFormatter, OpKind, Register,
};
use vm_engine_interp::Maker;
use vm_engine_interp::native::{Places, place_name};
use vm_ir::Layout;

use super::HostInsn;

/// Registers, one bit each.
type Set = u16;

/// The registers that functions keep: `rbx`, `r12` to `r15`.
const KEPT: Set = 1 << 3 | 0xf000;

/// The instructions of a piece of host code from a place on, which `maker` has made.
pub fn disassemble(code: &[u8], from: usize, maker: Maker, layout: &Layout) -> Vec<HostInsn> {
    let rest = code.get(from..).unwrap_or_default();
    let insns: Vec<Instruction> = Decoder::with_ip(64, rest, from as u64, DecoderOptions::NONE)
        .into_iter()
        .collect();
    let pointers = Pointers::of(&insns, maker);
    let mut formatter = formatter();
    let insn = |(insn, known): (&Instruction, Set)| {
        let mut text = String::new();
        formatter.format(insn, &mut text);
        HostInsn {
            at: insn.ip() as usize,
            bytes: insn.len(),
            text,
            note: place(insn, known).and_then(|at| place_name(at, layout)),
        }
    };
    insns.iter().zip(pointers).map(insn).collect()
}

fn formatter() -> NasmFormatter {
    let mut formatter = NasmFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_add_leading_zero_to_hex_numbers(false);
    options.set_space_after_operand_separator(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    options.set_signed_immediate_operands(true);
    formatter
}

/// A general register's bit.
fn bit(register: Register) -> Set {
    let full = register.full_register();
    if full.is_gpr64() {
        1 << full.number()
    } else {
        0
    }
}

/// Where behind the CPU pointer an instruction accesses memory.
fn place(insn: &Instruction, known: Set) -> Option<i32> {
    let plain = insn.memory_base() != Register::None && insn.memory_index() == Register::None;
    if !plain || insn.mnemonic() == Mnemonic::Nop {
        return None;
    }
    // The frame pointer's register holds the CPU's struct in all native code.
    let bias = match insn.memory_base() {
        Register::RBP => Places::BIAS,
        base if known & bit(base) != 0 => 0,
        _ => return None,
    };
    (insn.memory_displacement64() as i32).checked_sub(bias)
}

/// Which registers hold the CPU pointer.
struct Pointers<'a> {
    insns: &'a [Instruction],
    maker: Maker,
    /// In front of each instruction, if it is reached.
    known: Vec<Option<Set>>,
    /// Where on the stack the pointer is kept, if it is.
    aside: Option<u64>,
    info: InstructionInfoFactory,
}

impl<'a> Pointers<'a> {
    /// In front of each instruction.
    fn of(insns: &'a [Instruction], maker: Maker) -> Vec<Set> {
        let mut all = Self {
            insns,
            maker,
            known: vec![None; insns.len()],
            aside: None,
            info: InstructionInfoFactory::new(),
        };
        all.enter();
        all.follow();
        all.aside = all.kept_aside();
        if all.aside.is_some() {
            all.known.fill(None);
            all.enter();
            all.follow();
        }
        all.known
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect()
    }

    /// The pointer comes in `rdi`, at the beginning; a region's entries say their number there.
    fn enter(&mut self) {
        let mut entries = self
            .insns
            .iter()
            .map(|insn| insn.code() == Code::Mov_r32_imm32);
        let first = Some(bit(Register::RDI));
        for (at, known) in self.known.iter_mut().enumerate() {
            let entry = entries.next() == Some(true);
            match at {
                0 => *known = first,
                _ if at % 2 == 1 => {}
                _ if entry => *known = first,
                _ => return,
            }
        }
    }

    /// Follows all ways until nothing changes: a register is known where it is on each.
    fn follow(&mut self) {
        loop {
            let before = self.known.clone();
            for at in 0..self.insns.len() {
                self.pass(at);
            }
            if self.known == before {
                return;
            }
        }
    }

    /// Passes on what is known in front of an instruction.
    fn pass(&mut self, at: usize) {
        let insn = &self.insns[at];
        let Some(known) = self.known[at] else { return };
        let after = self.after(insn, known);
        let flow = insn.flow_control();
        if matches!(
            flow,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        ) {
            let target = insn.near_branch_target();
            if let Ok(to) = self.insns.binary_search_by_key(&target, Instruction::ip) {
                self.meet(to, after);
            }
        }
        let goes_on = matches!(
            flow,
            FlowControl::Next
                | FlowControl::ConditionalBranch
                | FlowControl::Call
                | FlowControl::IndirectCall
        );
        if goes_on && at + 1 < self.insns.len() {
            self.meet(at + 1, after);
        }
    }

    fn meet(&mut self, at: usize, known: Set) {
        let all = &mut self.known[at];
        *all = Some(all.map_or(known, |before| before & known));
    }

    /// What is known behind an instruction.
    fn after(&mut self, insn: &Instruction, known: Set) -> Set {
        if matches!(
            insn.flow_control(),
            FlowControl::Call | FlowControl::IndirectCall
        ) {
            // Gates for misses keep all registers, and regions call nothing that does not.
            let keeps = self.maker == Maker::Region || is_miss(insn);
            return if keeps { known } else { known & KEPT };
        }
        let gains = self.gains(insn, known);
        let used = self.info.info(insn).used_registers().iter();
        let written = used.filter(|used| {
            use iced_x86::OpAccess as A;
            matches!(
                used.access(),
                A::Write | A::CondWrite | A::ReadWrite | A::ReadCondWrite
            )
        });
        let lost = written.fold(0, |all, used| all | bit(used.register()));
        known & !lost | gains
    }

    /// The register that an instruction puts the pointer into.
    fn gains(&self, insn: &Instruction, known: Set) -> Set {
        let to = bit(insn.op0_register());
        let has = match insn.code() {
            Code::Mov_r64_rm64 | Code::Mov_rm64_r64 if insn.op1_kind() == OpKind::Register => {
                insn.op0_kind() == OpKind::Register && known & bit(insn.op1_register()) != 0
            }
            Code::Mov_r64_rm64 => {
                let from = stack_word(insn);
                from.is_some() && from == self.aside
            }
            Code::Lea_r64_m => place(insn, 0) == Some(0),
            _ => false,
        };
        if has { to } else { 0 }
    }

    /// The word of the stack that is written once, with the pointer.
    fn kept_aside(&self) -> Option<u64> {
        let stores = |word: u64| {
            let insns = self.insns.iter();
            insns.filter(move |insn| {
                insn.op0_kind() == OpKind::Memory && stack_word(insn) == Some(word)
            })
        };
        let holds = |(insn, known): (&Instruction, &Option<Set>)| {
            let stores = insn.code() == Code::Mov_rm64_r64;
            let pointer = known.unwrap_or_default() & bit(insn.op1_register()) != 0;
            stack_word(insn).filter(|_| stores && pointer)
        };
        let word = self.insns.iter().zip(&self.known).find_map(holds)?;
        (stores(word).count() == 1).then_some(word)
    }
}

/// The word of the stack that an instruction accesses.
fn stack_word(insn: &Instruction) -> Option<u64> {
    let plain = insn.memory_base() == Register::RSP && insn.memory_index() == Register::None;
    plain.then(|| insn.memory_displacement64())
}

/// Whether a call goes to the gate for misses.
fn is_miss(insn: &Instruction) -> bool {
    let miss = Places::GATES + std::mem::offset_of!(vm_engine_interp::native::Gates, miss) as i32;
    place(insn, 0) == Some(miss)
}

#[cfg(test)]
mod tests {
    use vm_frontend_riscv64::Riscv64;
    use vm_ir::Frontend;

    use super::*;

    /// The notes of what stands at these bytes.
    fn check(code: &[u8], maker: Maker, wanted: &[(&str, Option<&str>)]) {
        let frontend = Riscv64::default();
        let found = disassemble(code, 0, maker, frontend.layout());
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|insn| (insn.text.as_str(), insn.note.as_deref()))
            .collect();
        assert_eq!(found, wanted);
    }

    /// `mov rax, [rdi-0x30]; mov [rsp], rdi; mov rcx, rdi; xor rdi, rdi; mov [rcx-0x30], rax`,
    /// `mov rax, [rdi-0x30]; mov rdx, [rsp]; mov rax, [rdx-0x30]`.
    const CODE: [u8; 30] = [
        0x48, 0x8b, 0x47, 0xd0, 0x48, 0x89, 0x3c, 0x24, 0x48, 0x89, 0xf9, 0x48, 0x31, 0xff, 0x48,
        0x89, 0x41, 0xd0, 0x48, 0x8b, 0x47, 0xd0, 0x48, 0x8b, 0x14, 0x24, 0x48, 0x8b, 0x42, 0xd0,
    ];

    #[test]
    fn what_is_in_the_struct_is_named_where_the_pointer_is_certain() {
        check(
            &CODE,
            Maker::Region,
            &[
                ("mov rax, [rdi-0x30]", Some("x10")),
                ("mov [rsp], rdi", None),
                ("mov rcx, rdi", None),
                ("xor rdi, rdi", None),
                ("mov [rcx-0x30], rax", Some("x10")),
                ("mov rax, [rdi-0x30]", None),
                ("mov rdx, [rsp]", None),
                ("mov rax, [rdx-0x30]", Some("x10")),
            ],
        );
    }

    #[test]
    fn a_way_back_on_which_the_register_is_another_counts() {
        // `jne` to the beginning, and `mov rax, [rdi-0x30]`.
        let code = [&CODE[..26], &[0x75, 0xe4, 0x48, 0x8b, 0x47, 0xd0]].concat();
        let frontend = Riscv64::default();
        for maker in [Maker::Block, Maker::Region, Maker::Template] {
            let found = disassemble(&code, 0, maker, frontend.layout());
            assert!(found.iter().all(|insn| insn.note.is_none()), "{found:?}");
        }
    }

    #[test]
    fn a_call_of_the_block_compiler_leaves_what_functions_keep() {
        // `mov rbx, rdi; call rax; mov rax, [rbx-0x30]; mov rax, [rdi-0x30]`
        let code = [
            0x48, 0x89, 0xfb, 0xff, 0xd0, 0x48, 0x8b, 0x43, 0xd0, 0x48, 0x8b, 0x47, 0xd0,
        ];
        for (maker, kept) in [(Maker::Block, None), (Maker::Region, Some("x10"))] {
            let text = ["mov rbx, rdi", "call rax"].map(|text| (text, None));
            let last = ("mov rax, [rdi-0x30]", kept);
            let all = [&text[..], &[("mov rax, [rbx-0x30]", Some("x10")), last]].concat();
            check(&code, maker, &all);
        }
    }
}
