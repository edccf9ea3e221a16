//! The demo guest: what `vm run` starts when it is given nothing else.
//!
//! A freestanding RISC-V64 program that runs in S-mode like a kernel. It finds its devices in the
//! device tree, turns on paging, takes interrupts from the serial line and the timer, and waits at
//! a prompt. So a first run shows a whole machine at work, and each part of it can be looked at.
//!
//! **Invariant**: one hart, one thread; interrupt handlers share only atomics with the rest.
//!
//! **Invariant**: until the prompt stands it runs fewer than two million instructions.
#![no_std]
#![no_main]

mod bench;
mod bytes;
mod commands;
mod console;
mod editor;
mod entry;
mod fdt;
mod machine;
mod memory;
mod mmio;
mod paging;
mod plic;
mod report;
mod riscv;
mod sbi;
mod stop;
mod timer;
mod trap;

use machine::Machine;

/// Everything after the first instructions.
fn run(hart: usize, device_tree: usize) -> ! {
    let since_reset = riscv::time();
    let mut machine = Machine::discover(hart, device_tree);
    console::start(mmio::Registers::at(machine.uart.base));
    let paged = paging::start();
    plic::start(machine.plic, machine.context, machine.uart.line);
    timer::start(machine.timebase, machine.has_extension("sstc"));
    riscv::interrupts(true);
    report::banner(&machine, since_reset);
    if !paged {
        println!("This hart has no Sv39: running without translation.");
    }
    let mut editor = editor::Editor::new();
    loop {
        let line = editor.read_line();
        commands::run(line, &mut machine);
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("\nKernel panic - not syncing: {info}");
    stop::after_failure()
}
