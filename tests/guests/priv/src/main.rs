//! Checks of privileged behaviour: a program that runs in M-mode on the bare machine.
//!
//! Each check writes a few instructions to memory, enters them in some mode with some state, and
//! compares how that ended with what the manual says. It prints a line a check, `ok NAME`,
//! `FAIL NAME got X want Y` or `skip NAME REASON`, and ends the machine through the test finisher:
//! pass, or failure with code 1. Where the manual leaves a choice, the check names it and takes
//! QEMU's, so that the same image passes there.
//!
//! **Invariant**: every group starts from `hart::reset`, so groups do not depend on their order.
#![no_std]
#![no_main]

mod bytes;
mod cache_ops;
mod context;
mod counters;
mod csr;
mod data;
mod entry;
mod float;
mod hart;
mod insn;
mod interrupts;
mod leaf_bits;
mod memory;
mod modes;
mod mprv;
mod pages;
mod paging;
mod pmp;
mod raw;
mod report;
mod traps;
mod warl;

/// Every group of checks.
const GROUPS: [fn(); 14] = [
    traps::checks,
    modes::checks,
    warl::checks,
    pages::checks,
    leaf_bits::checks,
    context::checks,
    mprv::checks,
    cache_ops::checks,
    counters::checks,
    interrupts::checks,
    data::checks,
    float::checks,
    pmp::checks,
    // What these lock stays locked.
    pmp::locks,
];

/// Called when the stack stands.
fn all() -> ! {
    for group in GROUPS {
        hart::reset();
        group();
    }
    report::end()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print!("FAIL panic got {info} want none\n");
    memory::finish(1)
}
