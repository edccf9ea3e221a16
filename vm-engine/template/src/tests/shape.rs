//! The form of the code: it keeps to the convention of the gates, whatever the block.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    Register,
};
use vm_core::Entropy;
use vm_engine_interp::native::Native;
use vm_ir::{Builder, End, Hint, SlotId, Type, sample};

use super::machine::Machine;

/// Reads all of the code, from the entry to its end: nothing else stands between; how many exits
/// and stubs there are.
pub fn read(native: &Native) -> Result<(usize, usize), String> {
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
                // Behind a call of the guest, what was pushed for it is taken away.
                depth -= i64::from(is_end_of_call(insn)) * 8;
            }
            FlowControl::Call
                if depth == 8 && insns.get(number + 1).is_some_and(is_end_of_call) =>
            {
                let to = insn.near_branch_target();
                if starts.binary_search(&to).is_err() {
                    return Err(fact);
                }
            }
            FlowControl::Return if depth == 0 && insn.op_count() == 0 => exits += 1,
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

/// `lea rsp, [rsp + 8]`
fn is_end_of_call(insn: &Instruction) -> bool {
    let stack = [insn.op0_register(), insn.memory_base()] == [Register::RSP; 2];
    insn.mnemonic() == Mnemonic::Lea && stack && insn.memory_displacement64() == 8
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
            Register::RSP => {
                let known = [Mnemonic::Push, Mnemonic::Call, Mnemonic::Ret];
                !writes || known.contains(&insn.mnemonic()) || is_end_of_call(insn)
            }
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

fn jump(out: &Builder, hint: Hint) -> End {
    let target = out.get(Type::I64, SlotId(2)).id;
    End::Jump { target, hint }
}

#[test]
fn calls_and_returns_are_the_hosts_own() {
    let mut machine = Machine::new();
    let mut host = |end: fn(&Builder) -> End| {
        let out = Builder::new();
        out.begin_insn(64);
        out.set(SlotId(1), out.pc(64));
        let end = end(&out);
        out.end(end);
        let native = machine.put(&out.finish()).expect("it is known");
        read(&native).unwrap_or_else(|fact| panic!("{fact}: {:02x?}", native.bytes));
        let code = Decoder::new(64, &native.bytes[native.entry..], DecoderOptions::NONE);
        let flows: Vec<_> = code.into_iter().map(|insn| insn.flow_control()).collect();
        let has = |flow| flows.contains(&flow);
        (has(FlowControl::Call), has(FlowControl::Return))
    };
    assert_eq!(host(|_| End::Goto(128)), (true, false));
    assert_eq!(host(|_| End::Goto(1 << 20)), (true, false));
    assert_eq!(host(|out| jump(out, Hint::Call)), (true, false));
    assert_eq!(host(|out| jump(out, Hint::Return)), (true, true));
}
