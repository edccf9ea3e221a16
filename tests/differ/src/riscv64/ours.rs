//! Our side: the interpreter runs the image in machine mode, without translation of addresses.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use vm_core::{Clock, GuestPhys, Vcpu};
use vm_engine_interp::Engine;
use vm_frontend_riscv64::Riscv64;
use vm_mem::GuestRam;

use super::program::{BASE, BYTES, DONE, ENTRY, LEFT, RECORD, TRAPPED};

/// `mstatus.FS`: floating point is on.
const FLOAT_ON: u64 = 3 << 13;
/// Cause of a call from machine mode.
const CALL: u64 = 11;
// LIMIT: an image of the most sequences executes some four million instructions.
const SLICES: u32 = 400;
const SLICE: u64 = 200_000;

/// What the image left; or how it ended, if not well.
pub fn run(image: &[u8], sequences: usize) -> Result<Result<Vec<u8>, String>> {
    let ram = GuestRam::new(&[(GuestPhys(BASE), BYTES)]).context("making guest memory")?;
    ram.write(GuestPhys(BASE), image)
        .context("writing the image")?;
    let clock = Arc::new(Clock::virtual_time());
    let engine = Engine::new(Arc::new(Riscv64::new()), ram.clone(), clock);
    let mut cpu = engine.cpu(0);
    for (name, value) in [("pc", ENTRY), ("mtvec", TRAPPED), ("mstatus", FLOAT_ON)] {
        assert!(cpu.set_register(name, value), "{name} is a register");
    }
    let register = |cpu: &dyn Vcpu, name: &str| cpu.register(name).unwrap_or_default();
    let mut exit = None;
    for _ in 0..SLICES {
        exit = Some(cpu.run(SLICE));
        if register(&cpu, "pc") == TRAPPED {
            break;
        }
    }
    let [pc, cause, at, value] = ["pc", "mcause", "mepc", "mtval"].map(|n| register(&cpu, n));
    if pc != TRAPPED {
        return Ok(Err(format!("does not end: {exit:?} at {pc:#x}")));
    }
    if (cause, at) != (CALL, DONE) {
        return Ok(Err(format!("trap {cause} at {at:#x}, value {value:#x}")));
    }
    let mut left = vec![0; sequences * RECORD as usize];
    ram.read(GuestPhys(LEFT), &mut left)
        .context("reading what was left")?;
    Ok(Ok(left))
}
