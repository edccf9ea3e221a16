//! Runs a program on the interpreter, up to its first system call.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail, ensure};
use vm_core::{Clock, Exit, GuestPhys, Vcpu};
use vm_engine_interp::Engine;
use vm_ir::Frontend;
use vm_mem::GuestRam;

use crate::Program;

const PAGE: u64 = 4096;

/// What the program would write: its output as memory holds it at the first system call.
///
/// The architecture must stop at traps.
pub fn run(program: &Program, frontend: Arc<dyn Frontend>) -> Result<Vec<u8>> {
    let code = (GuestPhys(program.code_addr), pages(&program.code));
    let data = (GuestPhys(program.data_addr), pages(&program.data));
    let ram = GuestRam::new(&[code, data])?;
    for (addr, bytes) in [(code.0, &program.code), (data.0, &program.data)] {
        ram.write(addr, bytes)
            .map_err(|fault| anyhow!("{fault:?}"))?;
    }
    let engine = Engine::new(
        frontend.clone(),
        ram.clone(),
        Arc::new(Clock::virtual_time()),
    );
    let mut cpu = engine.cpu(0);
    let pc = &frontend.layout().slots[usize::from(frontend.layout().pc.0)].name;
    ensure!(cpu.set_register(pc, program.code_addr), "no {pc}");
    let most = program.code.len() as u64;
    let exit = cpu.run(most);
    let at = cpu.register(pc).unwrap_or_default();
    if exit != Exit::Stuck || at != program.call_addr() {
        let place = at.wrapping_sub(program.code_addr) as usize;
        let bytes = program.code.get(place..).unwrap_or_default();
        let bytes = bytes.get(..4).unwrap_or(bytes);
        let text = frontend.disassemble(bytes, at).text;
        bail!("{exit:?} at {at:#x}: `{text}`");
    }
    let (place, length) = program.output;
    let mut out = vec![0; length];
    ram.read(GuestPhys(program.data_addr + place as u64), &mut out)
        .map_err(|fault| anyhow!("{fault:?}"))?;
    Ok(out)
}

fn pages(bytes: &[u8]) -> u64 {
    (bytes.len() as u64).next_multiple_of(PAGE)
}
