//! Puts one case through everything that knows what instructions mean.

use std::path::Path;
use std::sync::Arc;

use vm_core::{Answer, Clock, Exit, Fault, GuestPhys, Section, Trap, Vcpu};
use vm_engine_interp::Engine;
use vm_ir::passes::Passes;
use vm_mem::GuestRam;

use crate::case::{self, Assign, CODE, Case, MEMORY_END};
use crate::memory::Memory;
use crate::stopped::Stopped;
use crate::{Guest, reference};

/// The state of a CPU and its memory.
#[derive(Clone, PartialEq, Eq)]
struct State {
    slots: Vec<u64>,
    memory: Vec<u8>,
    trap: Option<(u32, u64)>,
}

/// Runs all cases of a file and panics with a list of those that fail; how many there are.
pub fn check_file(guest: &Guest, path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let cases = match case::parse(&text) {
        Ok(cases) => cases,
        Err(bad) => panic!("{}:{}: {}", path.display(), bad.line, bad.why),
    };
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let why = check(guest, case).err()?;
            Some(format!("{}:{}: {why}", path.display(), case.line))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    cases.len()
}

/// Runs one case in all ways; what is wrong with it.
pub fn check(guest: &Guest, case: &Case) -> Result<(), String> {
    let code = texts(guest, case)?;
    let before = before(guest, case, &code)?;
    let wanted = wanted(guest, case, &before, &code)?;
    let count = case.encodings.len() as u32;
    for (name, passes) in [
        ("reference", Passes::NONE),
        ("reference after the flat passes", Passes::FLAT),
        ("reference after all passes", Passes::ALL),
    ] {
        let found = by_reference(guest, &before, &code, count, passes)?;
        compare(guest, case, name, &wanted, found)?;
    }
    let found = by_interpreter(guest, &before, count)?;
    compare(guest, case, "interpreter", &wanted, found)
}

/// Compares the texts; the code.
fn texts(guest: &Guest, case: &Case) -> Result<Vec<u8>, String> {
    let mut code = Vec::new();
    for (digits, text) in case.encodings.iter().zip(&case.texts) {
        let bytes = guest
            .bytes(digits)
            .ok_or_else(|| format!("`{digits}` is no encoding"))?;
        let pc = CODE + code.len() as u64;
        let shown = guest.frontend.disassemble(&bytes, pc);
        if shown.text != *text || shown.bytes != bytes.len() {
            return Err(format!("`{digits}` is `{}`, not `{text}`", shown.text));
        }
        code.extend(bytes);
    }
    Ok(code)
}

fn before(guest: &Guest, case: &Case, code: &[u8]) -> Result<State, String> {
    let frontend = &guest.frontend;
    let mut state = State {
        slots: vec![0; frontend.layout().slots.len()],
        memory: vec![0; MEMORY_END as usize],
        trap: None,
    };
    frontend.reset(&mut state.slots, 0);
    state.slots[usize::from(frontend.layout().pc.0)] = CODE;
    let at = CODE as usize;
    state.memory[at..at + code.len()].copy_from_slice(code);
    for assign in &case.before {
        apply(guest, &mut state, assign)?;
    }
    Ok(state)
}

fn wanted(guest: &Guest, case: &Case, before: &State, code: &[u8]) -> Result<State, String> {
    let mut state = before.clone();
    let pc = usize::from(guest.frontend.layout().pc.0);
    let traps = case.after.iter().any(|a| matches!(a, Assign::Trap(..)));
    let last = case.encodings.last().and_then(|e| guest.bytes(e));
    let last = if traps {
        last.map_or(0, |e| e.len())
    } else {
        0
    };
    state.slots[pc] = CODE + (code.len() - last) as u64;
    for assign in &case.after {
        apply(guest, &mut state, assign)?;
    }
    Ok(state)
}

fn apply(guest: &Guest, state: &mut State, assign: &Assign) -> Result<(), String> {
    match assign {
        Assign::Register(name, value) => {
            let frontend = &guest.frontend;
            if !frontend.set_register(&mut state.slots, name, *value) {
                return Err(format!("there is no register `{name}`"));
            }
            let has = frontend.register(&state.slots, name);
            if has != Some(*value) {
                return Err(format!("register `{name}` can not be {value:#x}"));
            }
        }
        Assign::Memory(addr, bytes, value) => {
            let (at, count) = (*addr as usize, *bytes as usize);
            state.memory[at..at + count].copy_from_slice(&value.to_le_bytes()[..count]);
        }
        Assign::Trap(cause, value) => state.trap = Some((*cause, *value)),
    }
    Ok(())
}

/// RAM with this content.
fn ram(memory: &[u8]) -> Result<GuestRam, String> {
    let ram = GuestRam::new(&[(GuestPhys(0), MEMORY_END)]).map_err(|e| e.to_string())?;
    ram.write(GuestPhys(0), memory)
        .map_err(|e| format!("{e:?}"))?;
    Ok(ram)
}

fn state_of(slots: Vec<u64>, ram: &GuestRam, trap: Option<Trap>) -> Result<State, String> {
    let mut memory = vec![0; MEMORY_END as usize];
    ram.read(GuestPhys(0), &mut memory)
        .map_err(|e| format!("{e:?}"))?;
    Ok(State {
        slots,
        memory,
        trap: trap.map(|trap| (trap.cause, trap.value)),
    })
}

fn by_reference(
    guest: &Guest,
    before: &State,
    code: &[u8],
    count: u32,
    passes: Passes,
) -> Result<State, String> {
    let mut memory = Memory {
        frontend: guest.frontend.clone(),
        ram: ram(&before.memory)?,
        clock: Arc::new(Clock::virtual_time()),
    };
    let mut slots = before.slots.clone();
    let frontend = &guest.frontend;
    let trap = reference::run(frontend, &mut slots, &mut memory, code, count, passes)?;
    state_of(slots, &memory.ram, trap)
}

fn by_interpreter(guest: &Guest, before: &State, count: u32) -> Result<State, String> {
    let stopped = Arc::new(Stopped::new(guest.frontend.clone()));
    let ram = ram(&before.memory)?;
    let clock = Arc::new(Clock::virtual_time());
    let engine = Engine::new(stopped.clone(), ram.clone(), clock);
    let mut cpu = engine.cpu(0);
    let slots = &guest.frontend.layout().slots;
    let mut section = Section::new("cpu", 1);
    section.u64("retired", 0);
    for (slot, value) in slots.iter().zip(&before.slots) {
        section.u64(&slot.name, *value);
    }
    cpu.restore(&section.fields())
        .map_err(|e| format!("the state before: {e}"))?;
    let mut exit = cpu.run(u64::from(count));
    // Nothing is there but RAM.
    if let Exit::Access(_) = exit {
        cpu.answer(Answer::Fault(Fault::NoRegister));
        exit = cpu.run(u64::from(count) - cpu.retired());
    }
    let trap = stopped.take_trap();
    let good = match exit {
        Exit::Budget => trap.is_none() && cpu.retired() == u64::from(count),
        Exit::Stuck => trap.is_some(),
        _ => false,
    };
    if !good {
        let retired = cpu.retired();
        return Err(format!(
            "interpreter: {exit:?} after {retired} instructions"
        ));
    }
    let mut section = Section::new("cpu", 1);
    cpu.save(&mut section);
    let fields = section.fields();
    let values: Result<Vec<u64>, _> = slots.iter().map(|slot| fields.u64(&slot.name)).collect();
    state_of(values.map_err(|e| e.to_string())?, &ram, trap)
}

/// What differs between what is wanted and what was found.
fn compare(
    guest: &Guest,
    case: &Case,
    name: &str,
    wanted: &State,
    mut found: State,
) -> Result<(), String> {
    let layout = guest.frontend.layout();
    // A reservation is part of the engine's work; only cases that name it look at it.
    let first = usize::from(layout.reservation.0);
    for slot in first..first + 3 {
        let info = &layout.slots[slot];
        let named = |a: &Assign| matches!(a, Assign::Register(name, _) if *name == info.name);
        if !case.after.iter().any(named) {
            found.slots[slot] = wanted.slots[slot];
        }
    }
    let mut wrong = Vec::new();
    for (info, (want, has)) in layout
        .slots
        .iter()
        .zip(wanted.slots.iter().zip(&found.slots))
    {
        if want != has {
            wrong.push(format!("{}={has:#x} not {want:#x}", info.name));
        }
    }
    let bytes = wanted.memory.iter().zip(&found.memory).enumerate();
    for (addr, (want, has)) in bytes.filter(|(_, (want, has))| want != has).take(8) {
        wrong.push(format!("[{addr:#x}]:1={has:#x} not {want:#x}"));
    }
    if wanted.trap != found.trap {
        wrong.push(format!("trap {:x?} not {:x?}", found.trap, wanted.trap));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        let texts = case.texts.join("; ");
        Err(format!("`{texts}` by {name}: {}", wrong.join(", ")))
    }
}
