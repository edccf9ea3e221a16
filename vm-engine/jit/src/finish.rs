//! What is done to the code that Cranelift has made, on x86-64 hosts.
//!
//! - The frame goes: `push rbp; mov rbp, rsp` is left out and its counterparts become `nop`. The
//!   pair costs seven times as much as the jump that it stands around, and `rbp` holds the CPU.
//! - A check is a conditional jump to an instruction that traps, behind the function. It is led
//!   to a stub instead that says what the check was about, calls a gate and comes back.
//! - In front of it all, the fuel for the block is taken.
//!
//! On hosts where native code keeps its frames, none of it is done: checks are calls in cold blocks
//! there, and the function takes its fuel itself.
//!
//! Cranelift says where checks, their traps and exits are; the bytes there must be exactly what
//! is expected, or the function is refused.

use std::collections::BTreeMap;

use cranelift_codegen::CompiledCode;
use vm_engine_interp::native::{EXITS, Gates, KEEPS_FRAMES, Miss, Native, Places};

use crate::body::{Check, FIRST_EXIT, Notes, TO_STUB};
use crate::told::is_guest;
use crate::x64::{self, Writer};

/// Where the address of the block's struct stands.
const CODE: usize = 0;
/// Where the function stands, which constants in it may want to be so aligned.
pub const BODY: usize = 16;
/// Where it is entered: the instructions that take the fuel end where its frame would.
const ENTRY: usize = BODY + x64::FRAME.len() - FUEL_BYTES;
/// The length of `sub` and `jl`.
const FUEL_BYTES: usize = 4 + x64::JUMP_IF_BYTES;

const _: () = assert!(ENTRY >= CODE + 8, "the block's address has room");

impl Check {
    /// What its stub pushes.
    pub fn miss(self, register: u8) -> Miss {
        match self {
            Self::Tlb { site, store } => Miss {
                site,
                store,
                alone: false,
                register,
                bytes: 0,
            },
            Self::Alone { site } => Miss {
                site,
                store: false,
                alone: true,
                register,
                bytes: 0,
            },
        }
    }
}

/// Why a function is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It refers to something by name.
    Relocation,
    /// It wants to stand at a place that is aligned more than is promised.
    Alignment,
    /// It does not begin with a frame.
    NoFrame,
    /// A check is not a comparison and a jump to a trap of its own.
    Check(Check),
    /// An exit does not end with a frame and a jump.
    Exit,
    /// The fuel is compared in another way than is known.
    Fuel,
    /// There are not as many checks, traps or exits as were written.
    Count,
    /// The block has too many instructions.
    TooLong,
}

/// Makes what the compiler wrote into a piece of native code.
pub fn finish(compiled: &CompiledCode, notes: &Notes, insns: u32) -> Result<Native, Refused> {
    let body = movable(compiled)?;
    if KEEPS_FRAMES {
        return Ok(as_it_is(body, notes));
    }
    if !body.starts_with(&x64::FRAME) {
        return Err(Refused::NoFrame);
    }
    let fuel = u8::try_from(insns)
        .ok()
        .filter(|insns| *insns < 128)
        .ok_or(Refused::TooLong)?;
    let mut out = Writer::default();
    out.bytes.resize(ENTRY, 0);
    let behind = BODY + body.len();
    out.take_fuel(fuel);
    out.jump_if_less(behind);
    out.bytes.extend_from_slice(&body[x64::FRAME.len()..]);
    out.give_fuel_back(fuel);
    out.jump_by_frame(gate(std::mem::offset_of!(Gates, fuel)));
    places(&mut out, compiled, notes)?;
    Ok(Native {
        bytes: out.bytes,
        entry: ENTRY,
        code: CODE,
        distances: notes.distances,
        ways: None,
    })
}

/// The code that the compiler wrote, if it may stand anywhere.
pub fn movable(compiled: &CompiledCode) -> Result<&[u8], Refused> {
    let buffer = &compiled.buffer;
    if !buffer.relocs().is_empty() {
        return Err(Refused::Relocation);
    }
    if buffer.alignment > BODY as u32 {
        return Err(Refused::Alignment);
    }
    Ok(compiled.code_buffer())
}

/// A function that keeps its frame, takes its fuel itself and has no checks to be led to stubs.
fn as_it_is(body: &[u8], notes: &Notes) -> Native {
    let mut bytes = vec![0; BODY];
    bytes.extend_from_slice(body);
    Native {
        bytes,
        entry: BODY,
        code: CODE,
        distances: notes.distances,
        ways: None,
    }
}

/// Changes checks and exits, and writes the stubs.
fn places(out: &mut Writer, compiled: &CompiledCode, notes: &Notes) -> Result<(), Refused> {
    let buffer = &compiled.buffer;
    let traps = buffer.traps().iter().filter(|trap| trap.code == TO_STUB);
    let mut traps: BTreeMap<usize, bool> =
        traps.map(|trap| (trap.offset as usize, false)).collect();
    let (mut checks, mut exits) = (0, 0);
    for place in buffer.get_srclocs_sorted() {
        if place.loc.is_default() || is_guest(place.loc) {
            continue;
        }
        let (start, end) = (place.start as usize, place.end as usize);
        let number = place.loc.bits();
        // The trap of a check has the same number as the check.
        if traps.contains_key(&start) {
            continue;
        }
        if number >= FIRST_EXIT {
            leave_frame_out(out, BODY + start, BODY + end)?;
            exits += 1;
        } else {
            let check = *notes.checks.get(number as usize).ok_or(Refused::Count)?;
            let code = &compiled.code_buffer()[start..end];
            let found = parse(code, start, check, &traps).ok_or(Refused::Check(check))?;
            traps.insert(found.trap, true);
            stub(
                out,
                check,
                found.register,
                BODY + found.behind,
                notes.floats,
            );
            checks += 1;
        }
    }
    let all = traps.len() == checks && traps.values().all(|taken| *taken);
    let wanted = (notes.checks.len(), notes.exits as usize);
    if !all || (checks, exits) != wanted {
        return Err(Refused::Count);
    }
    Ok(())
}

/// A check as it was found.
struct Found {
    /// The register that it compares.
    register: u8,
    /// Where its jump ends.
    behind: usize,
    /// The trap that its jump leads to.
    trap: usize,
}

/// Finds the jump of a check, which stands at `start`; what follows it are moves of registers.
fn parse(code: &[u8], start: usize, check: Check, traps: &BTreeMap<usize, bool>) -> Option<Found> {
    let mut jumps = (0..code.len()).filter_map(|at| {
        let behind = start + at + x64::JUMP_IF_BYTES;
        let trap = behind.checked_add_signed(x64::jump_if(&code[at..])? as isize)?;
        traps.contains_key(&trap).then_some((at, behind, trap))
    });
    // A condition that takes two jumps is not known here.
    let ((at, behind, trap), None) = (jumps.next()?, jumps.next()) else {
        return None;
    };
    let register = match check {
        Check::Tlb { .. } => {
            let (register, length) = x64::compare_with_memory(code)?;
            (length == at).then_some(register)?
        }
        Check::Alone { .. } => 0,
    };
    let free = traps.get(&trap) == Some(&false);
    free.then_some(Found {
        register,
        behind,
        trap,
    })
}

/// Writes the stub of a check, and leads its jump, which ends at `behind`, there.
fn stub(out: &mut Writer, check: Check, register: u8, behind: usize, floats: bool) {
    let here = out.here();
    out.push_from(CODE);
    out.push(check.miss(register).pack());
    out.call_by_frame(gate(if floats {
        std::mem::offset_of!(Gates, miss_float)
    } else {
        std::mem::offset_of!(Gates, miss)
    }));
    out.jump(behind);
    out.retarget(behind - 4, here);
}

/// Leaves out the end of the frame in front of a jump.
pub fn leave_frame_out(out: &mut Writer, start: usize, end: usize) -> Result<(), Refused> {
    let code = &mut out.bytes[start..end];
    let frame = code
        .windows(x64::NO_FRAME.len())
        .rposition(|window| window == x64::NO_FRAME)
        .ok_or(Refused::Exit)?;
    let behind = frame + x64::NO_FRAME.len();
    if !x64::is_indirect_jump(&code[behind..]) {
        return Err(Refused::Exit);
    }
    code[frame..behind].copy_from_slice(&x64::NOP);
    Ok(())
}

/// Where a gate is, from the CPU's struct itself.
const fn gate(offset: usize) -> i32 {
    Places::BIAS + Places::GATES + offset as i32
}

const _: () = assert!(EXITS == 3, "as the blocks' exits are numbered");
