//! Single steps with a witness: what `--trace` and the debugger see.

use vm_core::{GuestVirt, Trace, TraceEvent, TraceKinds};
use vm_ir::{Frontend, SlotId};

/// What a step changed, found by comparing the state before and after.
pub struct Before {
    slots: Vec<u64>,
    /// Where the instruction stands.
    pub pc: u64,
    /// The privilege it runs in.
    pub privilege: u32,
}

impl Before {
    /// Remembers the state.
    pub fn new(frontend: &dyn Frontend, slots: &[u64], pc: u64) -> Self {
        Self {
            slots: slots.to_vec(),
            pc,
            privilege: frontend.privilege(slots),
        }
    }

    /// The event of an instruction that was executed since.
    pub fn event(&self, frontend: &dyn Frontend, slots: &[u64], code: &[u8]) -> TraceEvent {
        let text = frontend.disassemble(code, self.pc);
        let layout = frontend.layout();
        let changed = |i: &usize| self.slots[*i] != slots[*i] && *i != usize::from(layout.pc.0);
        let changes = (0..self.slots.len()).filter(changed);
        TraceEvent::Insn {
            pc: GuestVirt(self.pc),
            bytes: code[..text.bytes.min(code.len())].to_vec(),
            text: text.text,
            changes: changes
                .map(|i| (frontend.text_name(SlotId(i as u16)).to_owned(), slots[i]))
                .collect(),
        }
    }
}

/// Whether these kinds need every instruction to be stepped.
pub fn steps(trace: Option<&mut (dyn Trace + '_)>) -> bool {
    let each = TraceKinds::INSN
        .with(TraceKinds::MEM)
        .with(TraceKinds::BLOCK);
    trace.is_some_and(|trace| trace.kinds().any(each))
}
