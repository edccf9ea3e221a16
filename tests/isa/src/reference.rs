//! Straight-line code by the reference run, one block after the other.

use std::sync::Arc;

use vm_core::Trap;
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::reference::{self, Stop};
use vm_ir::verify::verify;
use vm_ir::{Builder, Frontend, Lifted};
use vm_mem::Access;

use crate::case::CODE;
use crate::memory::Memory;

/// Runs `count` instructions of `code`, which stands at [`CODE`], with these passes between
/// lifting and running; the trap that one of them raised.
pub fn run(
    frontend: &Arc<dyn Frontend>,
    slots: &mut [u64],
    memory: &mut Memory,
    code: &[u8],
    count: u32,
    passes: Passes,
) -> Result<Option<Trap>, String> {
    let (layout, helpers) = (frontend.layout(), frontend.helpers());
    let pc_slot = usize::from(layout.pc.0);
    let mut scratch = Scratch::new(layout, helpers);
    let mut left = count;
    while left > 0 {
        let pc = slots[pc_slot];
        let rest = usize::try_from(pc.wrapping_sub(CODE)).unwrap_or(usize::MAX);
        let Some(rest) = code.get(rest..).filter(|rest| !rest.is_empty()) else {
            return Ok(Some(frontend.bus_fault(Access::Fetch, pc)));
        };
        let mut builder = Builder::new();
        let mode = frontend.context(slots).code;
        if let Lifted::Short(needed) = frontend.lift(rest, mode, left, &mut builder) {
            return Err(format!("lifting wants {needed} bytes"));
        }
        let mut block = builder.finish();
        verify(&block, layout, helpers).map_err(|e| format!("the lifted block: {e}"))?;
        optimise(&mut block, &mut scratch, passes);
        verify(&block, layout, helpers).map_err(|e| format!("the optimised block: {e}"))?;
        let rules = frontend.float_rules();
        let outcome = reference::run(&block, layout, rules, pc, slots, memory);
        slots[pc_slot] = outcome.pc;
        left = left.saturating_sub(outcome.insns);
        if let Stop::Trap(trap) = outcome.stop {
            return Ok(Some(trap));
        }
    }
    Ok(None)
}
