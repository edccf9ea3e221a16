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
    pub(crate) const FETCH_MISALIGNED: u32 = 0;
    pub(crate) const FETCH_ACCESS: u32 = 1;
    pub(crate) const ILLEGAL: u32 = 2;
    pub(crate) const BREAKPOINT: u32 = 3;
    pub(crate) const LOAD_MISALIGNED: u32 = 4;
    pub(crate) const LOAD_ACCESS: u32 = 5;
    pub(crate) const STORE_MISALIGNED: u32 = 6;
    pub(crate) const STORE_ACCESS: u32 = 7;
    /// Those from higher modes follow, by privilege.
    pub(crate) const CALL_FROM_USER: u32 = 8;
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

/// The trap of an access that would have to be aligned.
pub(crate) const fn misaligned(access: Access, addr: u64) -> Trap {
    let cause = match access {
        Access::Load => cause::LOAD_MISALIGNED,
        Access::Store => cause::STORE_MISALIGNED,
        Access::Fetch => cause::FETCH_MISALIGNED,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csr::tick;
    use crate::state;

    fn hart(privilege: u64) -> Vec<u64> {
        let mut slots = vec![0; s::SLOTS];
        state::reset(&mut slots, 0);
        set_cell(&mut slots, s::PRIV, privilege);
        set_cell(&mut slots, s::MTVEC, 0x1001);
        set_cell(&mut slots, s::STVEC, 0x2001);
        slots
    }

    /// Where a trap goes: (privilege, pc, status without UXL and SXL).
    fn check(from: u64, status: u64, delegate: bool, interrupt: bool, expect: (u64, u64, u64)) {
        let mut slots = hart(from);
        set_cell(&mut slots, s::MSTATUS, csr::STATUS_AT_RESET | status);
        if delegate {
            set_cell(&mut slots, s::MEDELEG, 1 << 13);
            set_cell(&mut slots, s::MIDELEG, 1 << 9);
        }
        let cause = if interrupt { 9 } else { 13 };
        deliver(&mut slots, Trap::new(cause, 0x77), interrupt, 0x8000);
        let found = (
            cell(&slots, s::PRIV),
            cell(&slots, s::PC),
            cell(&slots, s::MSTATUS) & !csr::STATUS_AT_RESET,
        );
        assert_eq!(found, expect, "{from} {status:#x} {delegate} {interrupt}");
        let shown = u64::from(cause) | u64::from(interrupt) << 63;
        let (taken, other) = (
            [s::MCAUSE, s::MEPC, s::MTVAL].map(|slot| cell(&slots, slot)),
            [s::SCAUSE, s::SEPC, s::STVAL].map(|slot| cell(&slots, slot)),
        );
        let written = [shown, 0x8000, 0x77];
        let machine = expect.0 == MACHINE;
        assert_eq!(if machine { taken } else { other }, written);
        assert_eq!(if machine { other } else { taken }, [0; 3]);
    }

    #[test]
    fn traps_go_where_they_are_delegated_and_stack_the_status() {
        use status::{MIE, MPIE, MPRV, SIE, SPIE, SPP};
        check(3, MIE, false, false, (3, 0x1000, MPIE | 3 << 11));
        check(3, MPIE, true, false, (3, 0x1000, 3 << 11));
        check(
            1,
            MIE | SIE,
            false,
            false,
            (3, 0x1000, MPIE | SIE | 1 << 11),
        );
        check(0, MIE | 3 << 11, false, false, (3, 0x1000, MPIE));
        check(0, MIE | SIE | SPP, true, false, (1, 0x2000, MIE | SPIE));
        check(1, SIE, true, false, (1, 0x2000, SPIE | SPP));
        check(1, SPIE | MPRV, true, false, (1, 0x2000, SPP | MPRV));
        check(1, SIE, true, true, (1, 0x2024, SPIE | SPP));
        check(0, MIE, false, true, (3, 0x1024, MPIE));
        check(3, MIE, true, true, (3, 0x1024, MPIE | 3 << 11));
    }

    #[test]
    fn direct_vectors_take_interrupts_too() {
        for (base, interrupt, expect) in [
            (0x1000, true, 0x1000),
            (0x1000, false, 0x1000),
            (0x1001, true, 0x101c),
            (0x1001, false, 0x1000),
            (u64::MAX - 2, true, 0x18),
        ] {
            assert_eq!(vector(base, 7, interrupt), expect, "{base:#x}");
        }
    }

    #[test]
    fn returns_undo_what_traps_did() {
        use status::{MIE, MPIE, MPP, MPRV, SIE, SPIE, SPP};
        // (machine's return, status before, privilege after, status after)
        for (machine, before, privilege, after) in [
            (true, MPIE | MPP | MPRV, 3, MIE | MPIE | MPRV),
            (true, MPIE | 1 << 11 | MPRV, 1, MIE | MPIE),
            (true, MIE | MPRV, 0, MPIE),
            (true, MIE | SIE | SPP, 0, MPIE | SIE | SPP),
            (false, SPIE | SPP | MPRV, 1, SIE | SPIE),
            (false, SIE | MPRV, 0, SPIE),
            (false, SIE | MIE | MPP, 0, SPIE | MIE | MPP),
        ] {
            let mut slots = hart(if machine { 3 } else { 1 });
            set_cell(&mut slots, s::MSTATUS, before);
            set_cell(&mut slots, s::MEPC, 0x3000);
            set_cell(&mut slots, s::SEPC, 0x4000);
            if machine {
                machine_return(&mut slots);
            } else {
                supervisor_return(&mut slots);
            }
            let found = (cell(&slots, s::PRIV), cell(&slots, s::MSTATUS));
            assert_eq!(found, (privilege, after), "{machine} {before:#x}");
            let pc = if machine { 0x3000 } else { 0x4000 };
            assert_eq!(cell(&slots, s::PC), pc);
        }
    }

    #[test]
    fn the_most_important_enabled_interrupt_comes_first() {
        use status::{MIE, SIE};
        const ALL: u64 = irq::ALL;
        // (privilege, status, delegated, enabled, pending, what is taken)
        for (privilege, status, delegated, enabled, pending, expect) in [
            (3, MIE, 0, ALL, ALL, Some(11)),
            (3, MIE, 0, ALL, 0x2aa, Some(3)),
            (3, MIE, 0, ALL, 0x2a2, Some(7)),
            (3, MIE, 0, ALL, 0x222, Some(9)),
            (3, MIE, 0, ALL, 0x022, Some(1)),
            (3, MIE, 0, ALL, 0x020, Some(5)),
            (3, MIE, 0, ALL, 0, None),
            (3, MIE, 0, 0x20, ALL, Some(5)),
            (3, MIE, 0, 0, ALL, None),
            (3, SIE, 0, ALL, ALL, None),
            (3, MIE | SIE, 0x222, ALL, 0x222, None),
            (3, MIE | SIE, 0x222, ALL, 0x2a2, Some(7)),
            (1, 0, 0, ALL, 0x20, Some(5)),
            (1, 0, 0x222, ALL, 0x222, None),
            (1, SIE, 0x222, ALL, 0x222, Some(9)),
            (1, SIE, 0x222, ALL, 0x2a2, Some(7)),
            (1, SIE, 0x20, ALL, 0x222, Some(9)),
            (1, 0, 0x20, ALL, 0x22, Some(1)),
            (1, MIE, 0x222, ALL, 0x222, None),
            (0, 0, 0x222, ALL, 0x022, Some(1)),
            (0, 0, 0x222, ALL, 0x888, Some(11)),
            (0, 0, 0x222, 0x20, 0x222, Some(5)),
        ] {
            let mut slots = hart(privilege);
            set_cell(&mut slots, s::MSTATUS, status);
            set_cell(&mut slots, s::MIDELEG, delegated);
            set_cell(&mut slots, s::MIE, enabled);
            set_cell(&mut slots, s::MIP_SOFT, pending & irq::SUPERVISOR);
            set_cell(&mut slots, s::MIP_LINES, pending & !irq::SUPERVISOR);
            let found = interrupt(&slots).map(|trap| trap.cause);
            assert_eq!(
                found, expect,
                "{privilege} {status:#x} {delegated:#x} {pending:#x}"
            );
            assert_eq!(wakes(&slots), pending & enabled != 0);
        }
    }

    #[test]
    fn lines_are_levels_but_for_the_supervisors_software_interrupt() {
        for (line, up, down) in [
            (3, 1 << 3, 0),
            (7, 1 << 7, 0),
            (9, 1 << 9, 0),
            (11, 1 << 11, 0),
            (1, 2, 2),
            (5, 0, 0),
            (0, 0, 0),
            (64, 0, 0),
            (u32::MAX, 0, 0),
        ] {
            let mut slots = hart(3);
            set_line(&mut slots, line, true);
            assert_eq!(mip(&slots), up, "{line} up");
            set_line(&mut slots, line, false);
            assert_eq!(mip(&slots), down, "{line} down");
        }
    }

    #[test]
    fn the_timer_has_a_deadline_until_it_is_due() {
        // (menvcfg, stimecmp, now, deadline after a tick)
        for (environment, compare, now_ns, expect) in [
            (0, 5, 0, None),
            (envcfg::STCE, 5, 0, Some(500)),
            (envcfg::STCE, 5, 499, Some(500)),
            (envcfg::STCE, 5, 500, None),
            (envcfg::STCE, u64::MAX, 0, None),
            (envcfg::STCE, u64::MAX / 100, 0, Some(u64::MAX / 100 * 100)),
            (envcfg::STCE, u64::MAX / 100 + 1, 0, None),
        ] {
            let mut slots = hart(1);
            set_cell(&mut slots, s::MENVCFG, environment);
            set_cell(&mut slots, s::STIMECMP, compare);
            tick(&mut slots, now_ns);
            assert_eq!(deadline_ns(&slots), expect, "{compare} {now_ns}");
        }
    }

    #[test]
    fn causes_have_the_manuals_names() {
        for (cause, interrupt, expect) in [
            (2, false, "illegal instruction"),
            (15, false, "store/AMO page fault"),
            (5, true, "supervisor timer interrupt"),
            (11, true, "machine external interrupt"),
            (4, true, "reserved interrupt 4"),
            (24, false, "reserved exception 24"),
        ] {
            assert_eq!(name(cause, interrupt), expect);
        }
    }
}
