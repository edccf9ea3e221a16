//! Calls to the firmware: "RISC-V Supervisor Binary Interface Specification", version 2.0.

use crate::riscv::ecall;

const BASE: u64 = 0x10;
const TIME: u64 = 0x5449_4d45;
const HSM: u64 = 0x48_534d;
const SRST: u64 = 0x5352_5354;

/// Extensions by number, for the list that `cpu` prints.
pub const EXTENSIONS: [(u64, &str); 11] = [
    (TIME, "TIME"),
    (0x73_5049, "IPI"),
    (0x5246_4e43, "RFENCE"),
    (HSM, "HSM"),
    (SRST, "SRST"),
    (0x50_4d55, "PMU"),
    (0x4442_434e, "DBCN"),
    (0x5355_5350, "SUSP"),
    (0x4350_5043, "CPPC"),
    (0x5354_41, "STA"),
    (0x4657_4654, "FWFT"),
];

/// What the machine does when it is asked to stop.
#[derive(Clone, Copy)]
pub enum Stop {
    /// Power off.
    Off = 0,
    /// Start again, all of it.
    ColdReboot = 1,
}

/// Why the machine is asked to stop.
#[derive(Clone, Copy)]
pub enum Reason {
    /// It was asked for.
    None = 0,
    /// Something broke.
    SystemFailure = 1,
}

fn base(function: u64, argument: u64) -> u64 {
    match ecall(BASE, function, [argument, 0, 0]) {
        (0, value) => value,
        _ => 0,
    }
}

/// The specification that the firmware follows: (major, minor).
pub fn version() -> (u64, u64) {
    let version = base(0, 0);
    (version >> 24 & 0x7f, version & 0xff_ffff)
}

/// Who wrote the firmware, by number, and its version.
pub fn implementation() -> (u64, u64) {
    (base(1, 0), base(2, 0))
}

/// The name that goes with an implementation number.
pub fn implementation_name(number: u64) -> &'static str {
    match number {
        0 => "Berkeley Boot Loader",
        1 => "OpenSBI",
        2 => "Xvisor",
        3 => "KVM",
        4 => "RustSBI",
        5 => "Diosix",
        6 => "Coffer",
        7 => "Xen",
        8 => "PolarFire HSS",
        9 => "coreboot",
        10 => "oreboot",
        _ => "built in, or not known here",
    }
}

/// `mvendorid`, `marchid` and `mimpid`.
pub fn identity() -> (u64, u64, u64) {
    (base(4, 0), base(5, 0), base(6, 0))
}

/// Whether the firmware has an extension.
pub fn has(extension: u64) -> bool {
    base(3, extension) != 0
}

/// The cheapest call there is, for timing.
pub fn ping() -> u64 {
    base(0, 0)
}

/// Asks for a timer interrupt at `deadline`.
pub fn set_timer(deadline: u64) {
    ecall(TIME, 0, [deadline, 0, 0]);
}

/// The state of a hart in words.
pub fn hart_state(hart: u64) -> &'static str {
    match ecall(HSM, 2, [hart, 0, 0]) {
        (0, 0) => "started",
        (0, 1) => "stopped",
        (0, 2) => "starting",
        (0, 3) => "stopping",
        (0, 4..=6) => "suspended",
        _ => "unknown",
    }
}

/// Asks the firmware to stop the machine; returns only if it cannot.
pub fn system_reset(stop: Stop, reason: Reason) {
    ecall(SRST, 0, [stop as u64, reason as u64, 0]);
}
