//! The state of a hart as a whole: after reset, by name, and whether a saved one is possible.

use vm_ir::{Layout, SlotId};

use crate::cells::{cell, nth, set_cell};
use crate::csr::{self, Csr, TABLE, Write};
use crate::fields::irq;
use crate::slots as s;

/// Where a hart begins.
const RESET_PC: u64 = 0x1000;

/// The integer registers by the names that assemblers use.
const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// The floating-point registers by the names that assemblers use.
const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// Brings a hart to its state after reset.
pub(crate) fn reset(slots: &mut [u64], cpu: u32) {
    slots.fill(0);
    set_cell(slots, s::PC, RESET_PC);
    set_cell(slots, s::RESERVATION, u64::MAX);
    set_cell(slots, s::PRIV, crate::fields::MACHINE);
    set_cell(slots, s::MHARTID, u64::from(cpu));
    set_cell(slots, s::MSTATUS, csr::STATUS_AT_RESET);
    // Never, until software says when.
    set_cell(slots, s::STIMECMP, u64::MAX);
}

/// A register of the integer or the floating-point file.
fn of_file(name: &str) -> Option<SlotId> {
    let name = if name == "fp" { "s0" } else { name };
    let place = |names: &[&str; 32]| names.iter().position(|known| *known == name);
    let x = place(&X_NAMES).map(|index| nth(s::X, index as u16));
    x.or_else(|| place(&F_NAMES).map(|index| nth(s::F, index as u16)))
}

/// The name of a slot as assemblers write it.
pub(crate) fn text_name(layout: &Layout, slot: SlotId) -> &str {
    let file = |names: &[&'static str; 32], first: SlotId| {
        let index = slot.0.checked_sub(first.0)?;
        names.get(usize::from(index)).copied()
    };
    let own = || layout.slots.get(usize::from(slot.0));
    file(&X_NAMES, s::X)
        .or_else(|| file(&F_NAMES, s::F))
        .or_else(|| own().map(|slot| slot.name.as_str()))
        .unwrap_or("?")
}

fn of_slot(layout: &Layout, name: &str) -> Option<SlotId> {
    let index = layout.slots.iter().position(|slot| slot.name == name)?;
    Some(SlotId(index as u16))
}

/// A register by name: control and status registers as software sees them, then registers by
/// either name, then slots. `None` for counters and time, which depend on the moment.
pub(crate) fn register(layout: &Layout, slots: &[u64], name: &str) -> Option<u64> {
    if let Some(number) = csr::by_name(name) {
        return csr::read_anytime(slots, number);
    }
    let id = of_file(name).or_else(|| of_slot(layout, name))?;
    Some(cell(slots, id))
}

/// Sets a register by name, with its own rules; false if there is none or if it depends on the
/// moment.
pub(crate) fn set_register(layout: &Layout, slots: &mut [u64], name: &str, value: u64) -> bool {
    if let Some(number) = csr::by_name(name) {
        return csr::write_anytime(slots, number, value);
    }
    let Some(id) = of_file(name).or_else(|| of_slot(layout, name)) else {
        return false;
    };
    let value = match id {
        s::X => 0,
        s::PC => value & !1,
        s::PRIV if !csr::is_privilege(value) => cell(slots, id),
        _ => value & width(layout, id),
    };
    set_cell(slots, id, value);
    true
}

/// The bits that a slot uses.
fn width(layout: &Layout, id: SlotId) -> u64 {
    let bits = layout
        .slots
        .get(usize::from(id.0))
        .map_or(64, |slot| slot.bits);
    u64::MAX >> (64 - bits.clamp(1, 64))
}

/// Refuses a state that no hart comes to; names the slot.
pub(crate) fn check(layout: &Layout, slots: &[u64]) -> Result<(), String> {
    if slots.len() != layout.slots.len() {
        return Err("slots".to_owned());
    }
    for (index, info) in layout.slots.iter().enumerate() {
        let id = SlotId(index as u16);
        if slots[index] & !width(layout, id) != 0 {
            return Err(info.name.clone());
        }
    }
    let fail = |id: SlotId| Err(layout.slots[usize::from(id.0)].name.clone());
    for (id, possible) in [
        (s::X, cell(slots, s::X) == 0),
        (s::PC, cell(slots, s::PC) & 1 == 0),
        (s::PRIV, csr::is_privilege(cell(slots, s::PRIV))),
        (s::MSTATUS, csr::is_status(cell(slots, s::MSTATUS))),
        (
            s::MIP_SOFT,
            cell(slots, s::MIP_SOFT) & !irq::SUPERVISOR == 0,
        ),
        (s::MIP_LINES, cell(slots, s::MIP_LINES) & !irq::LINES == 0),
        (s::MIP_TIMER, cell(slots, s::MIP_TIMER) & !irq::STI == 0),
        // No reservation is wider than a register.
        (
            nth(s::RESERVATION, 2),
            cell(slots, nth(s::RESERVATION, 2)) <= 16,
        ),
    ] {
        if !possible {
            return fail(id);
        }
    }
    for csr in TABLE {
        for number in csr.number..csr.number + csr.count {
            let Some(id) = csr.slot_of(number) else {
                continue;
            };
            if id != s::MSTATUS && !is_legal(csr, cell(slots, id)) {
                return fail(id);
            }
        }
    }
    Ok(())
}

/// Whether software could have written a value.
fn is_legal(csr: &Csr, value: u64) -> bool {
    match csr.write {
        Write::Ignored | Write::View(_) => true,
        Write::Masked(mask) | Write::Held(mask, _) => value & !mask == 0,
        Write::Legal(rule) => rule(0, value) == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hart() -> (Layout, Vec<u64>) {
        let mut slots = vec![7; s::SLOTS];
        reset(&mut slots, 3);
        (s::layout(), slots)
    }

    #[test]
    fn registers_have_all_their_names() {
        let (layout, mut slots) = hart();
        for (set, value, shown, expect) in [
            ("a0", 5, "x10", 5),
            ("x2", 6, "sp", 6),
            ("fp", 7, "s0", 7),
            ("s0", 8, "x8", 8),
            ("t6", 9, "x31", 9),
            ("zero", 1, "x0", 0),
            ("x0", 1, "zero", 0),
            ("fa0", u64::MAX, "f10", u64::MAX),
            ("ft11", 2, "f31", 2),
            ("pc", 0x8000_0001, "pc", 0x8000_0000),
            ("priv", 1, "priv", 1),
            ("priv", 2, "priv", 1),
            ("sstatus", 2, "mstatus", 0xa_0000_0002),
            ("mip", 2, "mip_soft", 2),
            ("fcsr", 0xff, "frm", 7),
            ("mhartid", 9, "mhartid", 3),
            ("pmpaddr2", u64::MAX, "pmpaddr2", (1 << 54) - 1),
        ] {
            assert!(set_register(&layout, &mut slots, set, value), "{set}");
            assert_eq!(
                register(&layout, &slots, shown),
                Some(expect),
                "{set} {shown}"
            );
        }
        for name in ["", "x32", "f32", "a8", "rip", "cycle", "mcycle"] {
            assert_eq!(register(&layout, &slots, name), None, "{name}");
            assert!(!set_register(&layout, &mut slots, name, 0), "{name}");
        }
        assert_eq!(check(&layout, &slots), Ok(()));
    }

    #[test]
    fn states_that_no_hart_comes_to_are_refused() {
        let (layout, good) = hart();
        assert_eq!(check(&layout, &good), Ok(()));
        for (id, value, name) in [
            (s::X, 1, "x0"),
            (s::PC, 1, "pc"),
            (s::PRIV, 2, "priv"),
            (s::PRIV, 4, "priv"),
            (s::FFLAGS, 32, "fflags"),
            (s::MSTATUS, 0, "mstatus"),
            (s::MSTATUS, csr::STATUS_AT_RESET | 2 << 11, "mstatus"),
            (s::MSTATUS, csr::STATUS_AT_RESET | 1 << 63, "mstatus"),
            (s::MEDELEG, 1 << 11, "medeleg"),
            (s::MIDELEG, 8, "mideleg"),
            (s::MIE, 1, "mie"),
            (s::MIP_SOFT, 8, "mip_soft"),
            (s::MIP_LINES, 2, "mip_lines"),
            (s::MIP_TIMER, 2, "mip_timer"),
            (s::MTVEC, 2, "mtvec"),
            (s::SEPC, 1, "sepc"),
            (s::MENVCFG, 2 << 4, "menvcfg"),
            (s::SENVCFG, 1 << 63, "senvcfg"),
            (s::SATP, 1 << 60, "satp"),
            (s::MCOUNTINHIBIT, 2, "mcountinhibit"),
            (nth(s::PMPCFG, 1), 2, "pmpcfg1"),
            (s::PMPADDR, 1 << 54, "pmpaddr0"),
            (s::FIRMWARE, 2, "firmware"),
            (nth(s::RESERVATION, 2), 64, "reservation2"),
        ] {
            let mut slots = good.clone();
            set_cell(&mut slots, id, value);
            assert_eq!(check(&layout, &slots), Err(name.to_owned()), "{value:#x}");
        }
        assert!(check(&layout, &good[1..]).is_err());
    }

    /// As a built-in firmware starts a supervisor: each register shows what was set.
    #[test]
    fn a_supervisors_start_is_reached_by_names() {
        let (layout, mut slots) = hart();
        for (name, value) in [
            ("pmpaddr0", (1 << 54) - 1),
            ("pmpcfg0", 0x1f),
            ("medeleg", 0xb1ff),
            ("mideleg", 0x222),
            ("mcounteren", 0xffff_ffff),
            ("menvcfg", 0xc000_0000_0000_00f0),
            ("stimecmp", u64::MAX),
            ("firmware", 1),
            ("priv", 1),
        ] {
            assert!(set_register(&layout, &mut slots, name, value), "{name}");
            assert_eq!(register(&layout, &slots, name), Some(value), "{name}");
        }
        assert_eq!(check(&layout, &slots), Ok(()));
    }
}
