//! The walk as debuggers want it: through the same tables, but no right is asked for and no bit
//! is set, and each entry is told.

use vm_core::{GuestPhys, Translation, Width};
use vm_mem::GuestRam;

use super::table::{
    ACCESSED, DIRTY, EXECUTE, Entry, Meaning, READ, USER, VALID, WRITE, is_canonical, levels, place,
};
use crate::cells::cell;
use crate::fields::{MACHINE, SUPERVISOR, envcfg, satp};
use crate::mode::paging;
use crate::slots as s;

/// The bit of a global mapping, which only people look at.
const GLOBAL: u64 = 1 << 5;

/// Where an address leads for supervisor mode; for machine mode where it stands, or, since its
/// debugger may ask for what the supervisor has mapped, where it would lead if there is no RAM.
pub(crate) fn examine(slots: &[u64], ram: &GuestRam, addr: u64) -> Translation {
    let mut steps = Vec::new();
    let levels = levels(paging(slots, SUPERVISOR));
    let here = ram.contains(GuestPhys(addr), 1);
    if levels == 0 || cell(slots, s::PRIV) == MACHINE && here {
        steps.push("addresses are physical".to_owned());
        let phys = Some(GuestPhys(addr));
        return Translation { phys, steps };
    }
    let phys = descend(slots, ram, addr, levels, &mut steps);
    Translation { phys, steps }
}

fn descend(
    slots: &[u64],
    ram: &GuestRam,
    addr: u64,
    levels: u32,
    steps: &mut Vec<String>,
) -> Option<GuestPhys> {
    let satp = cell(slots, s::SATP);
    let mode = 9 * levels + 12;
    steps.push(format!("satp {satp:#018x}: Sv{mode}"));
    if !is_canonical(addr, levels) {
        steps.push(format!("{addr:#x} is no address of Sv{mode}"));
        return None;
    }
    let types = cell(slots, s::MENVCFG) & envcfg::PBMTE != 0;
    let mut table = (satp & satp::PPN) << 12;
    for level in (0..levels).rev() {
        let at = table + place(addr, level);
        let Some(entry) = ram.load(GuestPhys(at), Width::B8) else {
            steps.push(format!("level {level}: {at:#x} is not in RAM"));
            return None;
        };
        let entry = Entry(entry);
        let told = |what: &str| {
            let flags = flags(entry);
            format!(
                "level {level}: {at:#x} holds {:#018x} {flags}: {what}",
                entry.0
            )
        };
        match entry.meaning(level, types) {
            Meaning::Fault => {
                steps.push(told("no mapping"));
                return None;
            }
            Meaning::Table(next) => {
                steps.push(told("a table"));
                table = next;
            }
            Meaning::Page(bits) => {
                steps.push(told(&format!("a page of {} KiB", 1u64 << (bits - 10))));
                let inside = (1 << bits) - 1;
                return Some(GuestPhys(entry.address() & !inside | addr & inside));
            }
        }
    }
    None
}

/// The flags of an entry as letters.
fn flags(entry: Entry) -> String {
    let letters = [
        (DIRTY, 'd'),
        (ACCESSED, 'a'),
        (GLOBAL, 'g'),
        (USER, 'u'),
        (EXECUTE, 'x'),
        (WRITE, 'w'),
        (READ, 'r'),
        (VALID, 'v'),
    ];
    let letter = |(bit, letter)| if entry.has(bit) { letter } else { '-' };
    letters.into_iter().map(letter).collect()
}
