//! A machine of the architecture whose instructions are blocks: one CPU, and a place for blocks.

use std::sync::Arc;

use vm_core::{Clock, PAGE_BYTES};
use vm_engine_interp::{Engine, Interpreter};
use vm_ir::Layout;
use vm_ir::sample::guest::{CODE, CODE_PAGES, DATA, Guest};
use vm_ir::sample::layout;
use vm_mem::GuestRam;

/// The machine.
pub struct Sampled {
    pub guest: Arc<Guest>,
    pub layout: Layout,
    pub ram: GuestRam,
    pub engine: Engine,
    pub cpu: Interpreter,
}

impl Sampled {
    /// A machine with the engine under test.
    pub fn new() -> Self {
        let guest = Arc::new(Guest::new());
        let bytes = CODE - DATA.0 + CODE_PAGES * PAGE_BYTES;
        let ram = GuestRam::new(&[(DATA, bytes)]).expect("the host has a few pages");
        let clock = Arc::new(Clock::virtual_time());
        let mut engine = Engine::new(guest.clone(), ram.clone(), clock);
        super::tier(&mut engine, guest.clone());
        let cpu = engine.cpu(0);
        Self {
            guest,
            layout: layout(),
            ram,
            engine,
            cpu,
        }
    }
}
