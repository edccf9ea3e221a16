//! Who watches memory accesses: the trace.

use vm_core::{GuestVirt, TraceEvent};

/// Collects the accesses of the instruction at hand.
#[derive(Debug, Default)]
pub struct Watch {
    /// The accesses, in order.
    pub seen: Vec<TraceEvent>,
}

impl Watch {
    /// Notes one access.
    pub fn access(&mut self, pc: u64, addr: u64, bytes: u64, value: u64, store: bool) {
        let (pc, addr) = (GuestVirt(pc), GuestVirt(addr));
        self.seen.push(TraceEvent::Mem {
            pc,
            addr,
            bytes,
            value,
            store,
        });
    }
}
