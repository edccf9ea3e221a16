//! A machine of the test guest: one CPU.

use std::sync::Arc;

use vm_core::{Clock, PAGE_BYTES};
use vm_ir::sample::guest::{CODE, CODE_PAGES, DATA, Guest};
use vm_mem::GuestRam;

use crate::engine::Engine;
use crate::interpreter::Interpreter;

/// The CPU of a machine without code.
pub fn cpu() -> Interpreter {
    let bytes = CODE - DATA.0 + CODE_PAGES * PAGE_BYTES;
    let ram = GuestRam::new(&[(DATA, bytes)]).expect("the host has a few pages");
    let clock = Arc::new(Clock::virtual_time());
    Engine::new(Arc::new(Guest::new()), ram, clock).cpu(0)
}
