//! Every handler hands on by a jump.
//!
//! A handler that called the next one instead would use up the host's stack, one frame an op.
//! Nothing in the language promises the jump, so the machine code is read.

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use vm_ir::{Op, Type};

use crate::control::Control;
use crate::flat::Handler;
use crate::handlers::Arithmetic;
use crate::memory::Memory;

const FLAGS: [bool; 2] = [false, true];

/// Every handler, with its name.
fn handlers() -> Vec<(String, Handler)> {
    let mut arithmetic = vec![
        Arithmetic::Mask,
        Arithmetic::Const,
        Arithmetic::Pc,
        Arithmetic::Extract,
        Arithmetic::Deposit,
        Arithmetic::GetAt,
        Arithmetic::SetAt,
    ];
    let mut memory = vec![Memory::Call, Memory::TrapIf];
    let mut control = vec![
        Control::Goto,
        Control::BranchWord,
        Control::Jump { even: false },
        Control::Jump { even: true },
    ];
    for ty in Type::ALL {
        arithmetic.extend(Type::ALL.map(|to| Arithmetic::Sext { from: ty, to }));
        memory.extend(FLAGS.map(|sext| Memory::Load { ty, sext }));
        memory.push(Memory::Store { ty });
        for &op in Op::ALL {
            arithmetic.push(Arithmetic::Ternary { op, ty });
            memory.extend([Memory::Special { op, ty }, Memory::Float { op, ty }]);
            for imm in FLAGS {
                control.push(Control::Branch { op, ty, imm });
                arithmetic.extend(FLAGS.map(|sext| Arithmetic::Binary { op, ty, imm, sext }));
            }
        }
    }
    let arithmetic = arithmetic
        .iter()
        .map(|kind| (format!("{kind:?}"), kind.handler()));
    let memory = memory
        .iter()
        .map(|kind| (format!("{kind:?}"), kind.handler()));
    let control = control
        .iter()
        .map(|kind| (format!("{kind:?}"), kind.handler()));
    let all = arithmetic.chain(memory).chain(control);
    all.filter_map(|(name, handler)| Some((name, handler?)))
        .collect()
}

/// Whether an indirect call goes through something that was computed, rather than through an
/// address of the program's own (calls of library functions do that).
fn is_computed(insn: &Instruction) -> bool {
    match insn.op0_kind() {
        OpKind::Register => true,
        _ => insn.memory_base() != Register::RIP,
    }
}

/// Where the functions of this program begin and end, from the symbol table of its file.
struct Functions(BTreeMap<u64, u64>);

impl Functions {
    fn new() -> Self {
        let path = std::env::current_exe().expect("a test runs from a file");
        let file = std::fs::read(&path).expect("the file can be read");
        let maps = std::fs::read_to_string("/proc/self/maps").expect("the host says what it maps");
        let name = path.to_str().expect("the path is text");
        let line = maps
            .lines()
            .find(|line| line.ends_with(name))
            .expect("the file is mapped");
        let start = line.split('-').next().expect("a line begins with a range");
        let base = u64::from_str_radix(start, 16).expect("addresses are hexadecimal");
        let number = |at: u64, bytes: usize| {
            let mut value = [0; 8];
            value[..bytes].copy_from_slice(&file[at as usize..][..bytes]);
            u64::from_le_bytes(value)
        };
        // ELF-64: the header's `e_shoff` and `e_shnum`, a section's `sh_type`, `sh_offset` and
        // `sh_size`, a symbol's `st_value` and `st_size`.
        let (sections, count) = (number(40, 8), number(60, 2));
        let table = (0..count)
            .map(|n| sections + 64 * n)
            .find(|at| number(at + 4, 4) == 2);
        let table = table.expect("the file has a symbol table");
        let (first, bytes) = (number(table + 24, 8), number(table + 32, 8));
        let symbols = (first..first + bytes).step_by(24);
        Self(
            symbols
                .map(|at| (base + number(at + 8, 8), number(at + 16, 8)))
                .collect(),
        )
    }

    /// The instructions of the function that begins at an address.
    #[expect(unsafe_code, reason = "reads machine code; see UNSAFETY")]
    // UNSAFETY: the symbol table says where a function ends, and all of it is mapped.
    fn insns(&self, start: u64) -> Vec<Instruction> {
        let bytes = *self
            .0
            .get(&start)
            .expect("a handler is in the symbol table");
        // SAFETY: see UNSAFETY.
        let code = unsafe { std::slice::from_raw_parts(start as *const u8, bytes as usize) };
        Decoder::with_ip(64, code, start, DecoderOptions::NONE)
            .into_iter()
            .collect()
    }
}

fn check(functions: &Functions, name: &str, handler: Handler) -> Result<(), String> {
    let insns = functions.insns(handler as usize as u64);
    let has = |flow| insns.iter().filter(move |insn| insn.flow_control() == flow);
    if let Some(call) = has(FlowControl::IndirectCall).find(|insn| is_computed(insn)) {
        return Err(format!("{name} calls at {:#x}", call.ip()));
    }
    if has(FlowControl::IndirectBranch).next().is_none() {
        return Err(format!("{name} never jumps on"));
    }
    Ok(())
}

#[test]
fn handlers_hand_on_by_jumps() {
    let (functions, handlers) = (Functions::new(), handlers());
    let wrong: Vec<String> = handlers
        .iter()
        .filter_map(|(name, run)| check(&functions, name, *run).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        handlers.len(),
        wrong.join("\n")
    );
    assert!(handlers.len() > 800, "only {} handlers", handlers.len());
}
