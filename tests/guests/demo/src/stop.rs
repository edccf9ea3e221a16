//! The ways to end: off, reboot, and a crash on purpose.

use crate::machine::Machine;
use crate::mmio::Registers;
use crate::riscv::{self, csr};
use crate::sbi::{self, Reason, Stop};
use crate::{console, println};

/// Values of the test finisher.
const FINISH_OFF: u32 = 0x5555;
const FINISH_REBOOT: u32 = 0x7777;

fn stop(machine: &Machine, stop: Stop, finish: u32) -> ! {
    console::flush();
    sbi::system_reset(stop, Reason::None);
    // No SRST in this firmware: the device does it too.
    Registers::at(machine.finisher).write32(0, finish);
    riscv::halt()
}

/// Powers off.
pub fn off(machine: &mut Machine) {
    println!("Bye.");
    stop(machine, Stop::Off, FINISH_OFF);
}

/// Starts again.
pub fn reboot(machine: &mut Machine) {
    println!("Starting again.");
    stop(machine, Stop::ColdReboot, FINISH_REBOOT);
}

/// Crashes the way a kernel with `panic=-1` does: a report, then a reset because of a failure.
pub fn panic(machine: &mut Machine) {
    let [pc, ra, sp, gp] = riscv::registers();
    println!("Kernel panic - not syncing: demo asked for it");
    println!("CPU: {} Comm: demo", machine.hart);
    println!("epc : {pc:016x} ra : {ra:016x} sp : {sp:016x}");
    println!(
        " gp : {gp:016x} status: {:016x}",
        riscv::read::<{ csr::SSTATUS }>()
    );
    println!(
        "satp: {:016x} time: {:016x}",
        riscv::read::<{ csr::SATP }>(),
        riscv::time()
    );
    println!("---[ end Kernel panic - not syncing: demo asked for it ]---");
    after_failure();
}

/// Resets because something failed.
pub fn after_failure() -> ! {
    console::flush();
    sbi::system_reset(Stop::ColdReboot, Reason::SystemFailure);
    riscv::halt()
}
