//! Exceptions and interrupts: which there are, which comes first, where they go, and the way back.
//!
//! The RISC-V Instruction Set Manual, volume II, "Machine-Level ISA" (mstatus, mip, mcause),
//! "Supervisor-Level ISA", and Sstc.

use vm_core::Trap;
use vm_mem::Access;

use crate::cells::{cell, set_cell};
use crate::csr::{self, mip};
use crate::fields::{MACHINE, SUPERVISOR, USER, envcfg, irq, status};
use crate::slots as s;

/// The exception codes that this crate raises.
pub(crate) mod cause {
    pub(crate) const FETCH_ACCESS: u32 = 1;
    pub(crate) const ILLEGAL: u32 = 2;
    pub(crate) const LOAD_ACCESS: u32 = 5;
    pub(crate) const STORE_ACCESS: u32 = 7;
    pub(crate) const FETCH_PAGE: u32 = 12;
    pub(crate) const LOAD_PAGE: u32 = 13;
    pub(crate) const STORE_PAGE: u32 = 15;
}

const EXCEPTIONS: [&str; 20] = [
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store/AMO address misaligned",
    "store/AMO access fault",
    "environment call from U-mode",
    "environment call from S-mode",
    "environment call from VS-mode",
    "environment call from M-mode",
    "instruction page fault",
    "load page fault",
    "reserved exception 14",
    "store/AMO page fault",
    "double trap",
    "reserved exception 17",
    "software check",
    "hardware error",
];

/// Interrupts in the order in which they are taken, with their codes.
const ORDER: [(u64, u32, &str); 6] = [
    (irq::MEI, 11, "machine external interrupt"),
    (irq::MSI, 3, "machine software interrupt"),
    (irq::MTI, 7, "machine timer interrupt"),
    (irq::SEI, 9, "supervisor external interrupt"),
    (irq::SSI, 1, "supervisor software interrupt"),
    (irq::STI, 5, "supervisor timer interrupt"),
];

/// The name of a cause.
pub(crate) fn name(cause: u32, interrupt: bool) -> String {
    let found = if interrupt {
        let line = ORDER.iter().find(|(_, code, _)| *code == cause);
        line.map(|(_, _, name)| *name)
    } else {
        EXCEPTIONS.get(cause as usize).copied()
    };
    let kind = if interrupt { "interrupt" } else { "exception" };
    found.map_or_else(|| format!("reserved {kind} {cause}"), str::to_owned)
}

/// The trap of an access that physical memory protection or the bus refuses.
pub(crate) const fn access_fault(access: Access, addr: u64) -> Trap {
    let cause = match access {
        Access::Load => cause::LOAD_ACCESS,
        Access::Store => cause::STORE_ACCESS,
        Access::Fetch => cause::FETCH_ACCESS,
    };
    Trap::new(cause, addr)
}

/// The trap of an access that the page table refuses.
pub(crate) const fn page_fault(access: Access, addr: u64) -> Trap {
    let cause = match access {
        Access::Load => cause::LOAD_PAGE,
        Access::Store => cause::STORE_PAGE,
        Access::Fetch => cause::FETCH_PAGE,
    };
    Trap::new(cause, addr)
}

/// Where a trap goes, in the privilege that takes it.
const fn vector(base: u64, code: u64, interrupt: bool) -> u64 {
    let direct = base & !3;
    if interrupt && base & 3 == 1 {
        direct.wrapping_add(code << 2)
    } else {
        direct
    }
}

/// Takes a trap; `pc` is the instruction it belongs to, or before which an interrupt comes.
pub(crate) fn deliver(slots: &mut [u64], trap: Trap, interrupt: bool, pc: u64) {
    let code = u64::from(trap.cause);
    let shown = code | u64::from(interrupt) << 63;
    let privilege = cell(slots, s::PRIV);
    let status = cell(slots, s::MSTATUS);
    let delegated = cell(slots, if interrupt { s::MIDELEG } else { s::MEDELEG });
    if privilege <= SUPERVISOR && delegated >> (code & 63) & 1 == 1 {
        set_cell(slots, s::SCAUSE, shown);
        set_cell(slots, s::SEPC, pc & !1);
        set_cell(slots, s::STVAL, trap.value);
        let mut new = status & !(status::SPP | status::SPIE | status::SIE);
        new |= privilege << status::SPP_AT;
        new |= (status & status::SIE) << 4;
        set_cell(slots, s::MSTATUS, new);
        set_cell(slots, s::PRIV, SUPERVISOR);
        let target = vector(cell(slots, s::STVEC), code, interrupt);
        set_cell(slots, s::PC, target);
        return;
    }
    set_cell(slots, s::MCAUSE, shown);
    set_cell(slots, s::MEPC, pc & !1);
    set_cell(slots, s::MTVAL, trap.value);
    let mut new = status & !(status::MPP | status::MPIE | status::MIE);
    new |= privilege << status::MPP_AT;
    new |= (status & status::MIE) << 4;
    set_cell(slots, s::MSTATUS, new);
    set_cell(slots, s::PRIV, MACHINE);
    let target = vector(cell(slots, s::MTVEC), code, interrupt);
    set_cell(slots, s::PC, target);
}

/// Returns from a trap that machine mode took.
pub(crate) fn machine_return(slots: &mut [u64]) {
    let status = cell(slots, s::MSTATUS);
    let privilege = (status & status::MPP) >> status::MPP_AT;
    let mut new = status & !(status::MPP | status::MIE);
    new |= (status & status::MPIE) >> 4 | status::MPIE;
    if privilege != MACHINE {
        new &= !status::MPRV;
    }
    set_cell(slots, s::MSTATUS, new);
    set_cell(slots, s::PRIV, privilege);
    let target = cell(slots, s::MEPC);
    set_cell(slots, s::PC, target);
}

/// Returns from a trap that supervisor mode took.
pub(crate) fn supervisor_return(slots: &mut [u64]) {
    let status = cell(slots, s::MSTATUS);
    let privilege = (status & status::SPP) >> status::SPP_AT;
    let mut new = status & !(status::SPP | status::SIE | status::MPRV);
    new |= (status & status::SPIE) >> 4 | status::SPIE;
    set_cell(slots, s::MSTATUS, new);
    set_cell(slots, s::PRIV, privilege);
    let target = cell(slots, s::SEPC);
    set_cell(slots, s::PC, target);
}

/// The interrupt to be taken now.
pub(crate) fn interrupt(slots: &[u64]) -> Option<Trap> {
    let pending = mip(slots) & cell(slots, s::MIE);
    if pending == 0 {
        return None;
    }
    let (privilege, status) = (cell(slots, s::PRIV), cell(slots, s::MSTATUS));
    let delegated = cell(slots, s::MIDELEG);
    let machine = privilege < MACHINE || status & status::MIE != 0;
    let supervisor = privilege == USER || privilege == SUPERVISOR && status & status::SIE != 0;
    let first = |set: u64| {
        let found = ORDER.iter().find(|(bit, _, _)| set & bit != 0)?;
        Some(Trap::new(found.1, 0))
    };
    let to_machine = machine.then(|| first(pending & !delegated)).flatten();
    to_machine.or_else(|| supervisor.then(|| first(pending & delegated)).flatten())
}

/// Whether an enabled interrupt is pending, taken or not.
pub(crate) fn wakes(slots: &[u64]) -> bool {
    mip(slots) & cell(slots, s::MIE) != 0
}

/// Sets an interrupt input, numbered as in `mip`. The supervisor's software interrupt is an edge
/// that software clears; the others are levels.
pub(crate) fn set_line(slots: &mut [u64], line: u32, level: bool) {
    let bit = 1u64.checked_shl(line).unwrap_or(0);
    if bit == irq::SSI {
        let soft = cell(slots, s::MIP_SOFT);
        set_cell(slots, s::MIP_SOFT, if level { soft | bit } else { soft });
    } else if bit & irq::LINES != 0 {
        let lines = cell(slots, s::MIP_LINES);
        let changed = if level { lines | bit } else { lines & !bit };
        set_cell(slots, s::MIP_LINES, changed);
    }
}

/// When the supervisor's timer will next be due.
pub(crate) fn deadline_ns(slots: &[u64]) -> Option<u64> {
    let on = cell(slots, s::MENVCFG) & envcfg::STCE != 0;
    let due = cell(slots, s::MIP_TIMER) != 0;
    let at = cell(slots, s::STIMECMP).checked_mul(csr::TICK_NS);
    at.filter(|_| on && !due)
}
