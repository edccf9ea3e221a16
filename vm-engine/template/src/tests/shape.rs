//! The form of the code: it keeps to the convention of the gates, whatever the block.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    Register,
};
use vm_core::Entropy;
use vm_engine_interp::native::Native;
use vm_ir::sample;

use super::machine::Machine;

/// Reads all of the code, from the entry to its end: nothing else stands between; how many exits
/// and stubs there are.
fn read(native: &Native) -> Result<(usize, usize), String> {
    let code = &native.bytes[native.entry..];
    let decoder = Decoder::with_ip(64, code, native.entry as u64, DecoderOptions::NONE);
    let insns: Vec<Instruction> = decoder.into_iter().collect();
    let starts: Vec<u64> = insns.iter().map(Instruction::ip).collect();
    let (mut depth, mut exits, mut stubs) = (0, 0, 0);
    for (number, insn) in insns.iter().enumerate() {
        let fact = format!("{insn} at {:#x}, {depth} bytes deep", insn.ip());
        if insn.is_invalid() {
            return Err(fact);
        }
        registers(insn, number == 0).ok_or(&fact)?;
        match insn.flow_control() {
            FlowControl::Next => {
                depth += i64::from(insn.mnemonic() == Mnemonic::Push) * 8;
            }
            // A stub's gate takes what the stub has pushed, which is two words.
            FlowControl::IndirectCall if insn.memory_base() == Register::RBP && depth == 16 => {
                (depth, stubs) = (0, stubs + 1);
            }
            FlowControl::IndirectCall if insn.memory_base() == Register::RDI && depth == 0 => {}
            FlowControl::IndirectBranch if depth == 0 => exits += 1,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                let inside = starts.binary_search(&insn.near_branch_target()).is_ok();
                if !inside || depth != 0 {
                    return Err(fact);
                }
            }
            _ => return Err(fact),
        }
    }
    let last = insns.last().ok_or("there is no code")?;
    if last.flow_control() != FlowControl::IndirectBranch {
        return Err(format!("it ends with {last}"));
    }
    Ok((exits, stubs))
}

/// Nobody changes the CPU's register; the fuel's is changed at the entry and on the way back, and
/// the stack's by what pushes and calls.
fn registers(insn: &Instruction, first: bool) -> Option<()> {
    let mut info = InstructionInfoFactory::new();
    for used in info.info(insn).used_registers() {
        let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
        let allowed = match used.register().full_register() {
            Register::RBP => !writes,
            Register::R15 => first || insn.mnemonic() == Mnemonic::Add,
            Register::RSP => matches!(insn.mnemonic(), Mnemonic::Push | Mnemonic::Call),
            _ => true,
        };
        if !allowed {
            return None;
        }
    }
    Some(())
}

#[test]
fn blocks_keep_to_the_convention() {
    let mut machine = Machine::new();
    let (mut written, mut exits, mut stubs) = (0, 0, 0);
    for seed in 0..4000 {
        let block = sample::block(&mut Entropy::new(seed), 1 + seed as u32 % 12);
        let Some(native) = machine.put(&block) else {
            continue;
        };
        let seen = read(&native).unwrap_or_else(|fact| {
            panic!("seed {seed}: {fact}: {:02x?}", native.bytes);
        });
        written += 1;
        exits += seen.0;
        stubs += seen.1;
    }
    assert!(
        written > 500 && exits > written && stubs > 300,
        "{written} blocks, {exits} exits, {stubs} stubs"
    );
}
