//! Reading and writing registers, and the right to.

use vm_core::Flush;
use vm_ir::{Request, SlotId};

use super::table::{Csr, Gate, Modify, Read, TABLE, Then, Write, find};
use super::{counts, views};
use crate::cells::{cell, set_cell};
use crate::fields::{MACHINE, SUPERVISOR, USER, counter, envcfg, satp, status};
use crate::slots as s;

const MIP: u16 = 0x344;

/// When an access happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Instructions retired before the accessing one.
    pub retired: u64,
    /// Guest time in nanoseconds.
    pub now_ns: u64,
}

/// What a write works with.
pub struct Change<'a> {
    /// The CPU state.
    pub slots: &'a mut [u64],
    /// When it happens.
    pub moment: Moment,
    /// What the write asks of the engine.
    pub requests: &'a mut Vec<Request>,
}

/// Whether the hart may read, or read and write, the register of this number now.
#[must_use]
pub fn permitted(slots: &[u64], number: u16, writes: bool) -> bool {
    let Some(csr) = find(number) else {
        return false;
    };
    let privilege = cell(slots, s::PRIV);
    let needed = u64::from(number >> 8 & 3);
    let read_only = number >> 10 == 3;
    if privilege < needed || writes && read_only {
        return false;
    }
    let status = cell(slots, s::MSTATUS);
    match csr.gate {
        Gate::Open => true,
        Gate::Float => status & status::FS != 0,
        Gate::Counter => counter_shown(slots, privilege, 1 << (number & 31)),
        Gate::Satp => privilege == MACHINE || status & status::TVM == 0,
        Gate::Timer => {
            let on = cell(slots, s::MENVCFG) & envcfg::STCE != 0;
            let seen = cell(slots, s::MCOUNTEREN) & counter::TM != 0;
            privilege == MACHINE || on && seen
        }
    }
}

fn counter_shown(slots: &[u64], privilege: u64, bit: u64) -> bool {
    let machine = cell(slots, s::MCOUNTEREN) & bit != 0;
    let supervisor = cell(slots, s::SCOUNTEREN) & bit != 0;
    match privilege {
        USER => machine && supervisor,
        SUPERVISOR => machine,
        _ => true,
    }
}

/// What the register of this number shows, whoever asks; zero if there is none.
#[must_use]
pub fn read(slots: &[u64], moment: Moment, number: u16) -> u64 {
    find(number).map_or(0, |csr| match csr.read {
        Read::Slot => csr.slot_of(number).map_or(0, |slot| cell(slots, slot)),
        Read::Fixed(value) => value,
        Read::View(view) => view(slots, number - csr.number),
        Read::Count(count) => count(slots, moment),
    })
}

/// Writes the register of this number with its own rules, whoever asks.
pub fn write(change: &mut Change, number: u16, value: u64) {
    let Some(csr) = find(number) else {
        return;
    };
    let index = number - csr.number;
    if let Write::View(set) = csr.write {
        set(change, index, value);
        after(change, csr.then, 0, 0);
        return;
    }
    let Some(slot) = csr.slot_of(number) else {
        return;
    };
    let old = cell(change.slots, slot);
    let new = match csr.write {
        Write::Ignored | Write::View(_) => return,
        Write::Masked(mask) => value & mask,
        Write::Held(mask, held) if !held(change.slots, index) => value & mask,
        Write::Held(..) => return,
        Write::Legal(rule) => rule(old, value),
    };
    set_cell(change.slots, slot, new);
    after(change, csr.then, old, new);
}

/// Changes a register and gives its old value.
pub fn modify(change: &mut Change, number: u16, how: Modify, operand: u64) -> u64 {
    let old = read(change.slots, change.moment, number);
    let base = if number == MIP {
        views::mip_base(change.slots)
    } else {
        old
    };
    let new = match how {
        Modify::Swap => operand,
        Modify::Set => base | operand,
        Modify::Clear => base & !operand,
    };
    write(change, number, new);
    old
}

fn after(change: &mut Change, then: Then, old: u64, new: u64) {
    match then {
        Then::Nothing => {}
        Then::Dirty => make_dirty(change.slots),
        Then::Forget => {
            if old != new {
                change.requests.push(Request::Flush(Flush::All));
            }
        }
        Then::Environment => {
            if (old ^ new) & (envcfg::ADUE | envcfg::PBMTE) != 0 {
                change.requests.push(Request::Flush(Flush::All));
            }
            if (old ^ new) & envcfg::STCE != 0 {
                set_timer(change);
            }
        }
        Then::Space => change_space(change, old, new),
        Then::Timer => set_timer(change),
        Then::Inhibit => counts::inhibit(change, old, new),
    }
}

/// Floating-point state is no longer what was last saved.
pub(crate) fn make_dirty(slots: &mut [u64]) {
    let status = cell(slots, s::MSTATUS);
    set_cell(slots, s::MSTATUS, status | status::FS);
}

fn set_timer(change: &mut Change) {
    views::tick(change.slots, change.moment.now_ns);
    change.requests.push(Request::Reschedule);
}

/// Another table under the same number is forgotten at once, with what it shares with all others:
/// programs that use one number for all tables may rely on it, although the manual asks them to
/// fence.
fn change_space(change: &mut Change, old: u64, new: u64) {
    let space = |value: u64| value >> satp::ASID_AT & satp::ASID;
    if old != new && space(old) == space(new) {
        change.requests.push(Request::Flush(Flush::All));
    }
}

/// Whether reading or writing the register of this number depends on guest time.
#[must_use]
pub fn knows_time(number: u16) -> bool {
    find(number).is_some_and(|csr| {
        matches!(csr.read, Read::Count(_)) || matches!(csr.then, Then::Timer | Then::Environment)
    })
}

/// The slot of a register whose reading and writing are those of the slot, with no right beyond
/// privilege and no effect on anything else, and the bits of it that are kept.
#[must_use]
pub fn is_plain(number: u16) -> Option<(SlotId, u64)> {
    let csr = find(number)?;
    let slot = is_plain_read(number)?;
    // Which interrupts are taken is looked at behind the instruction.
    let interrupts = [s::MIE, s::MIDELEG].contains(&slot);
    match csr.write {
        Write::Masked(kept) if csr.then == Then::Nothing && !interrupts => Some((slot, kept)),
        _ => None,
    }
}

/// The slot of a register whose reading is that of the slot, with no right beyond privilege.
#[must_use]
pub fn is_plain_read(number: u16) -> Option<SlotId> {
    let csr = find(number)?;
    let plain = csr.gate == Gate::Open && matches!(csr.read, Read::Slot);
    csr.slot_of(number).filter(|_| plain)
}

/// The name of the register of this number.
#[must_use]
pub fn name(number: u16) -> Option<String> {
    let csr = find(number)?;
    Some(match csr.count {
        1 => csr.name.to_owned(),
        _ => format!("{}{}", csr.name, number - csr.number + csr.suffix),
    })
}

/// The number of the register of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<u16> {
    TABLE.iter().find_map(|csr| {
        let rest = name.strip_prefix(csr.name)?;
        if csr.count == 1 {
            return rest.is_empty().then_some(csr.number);
        }
        let index = rest.parse::<u16>().ok()?.checked_sub(csr.suffix)?;
        let canonical = index < csr.count && !rest.starts_with(['+', '0']) || rest == "0";
        canonical.then_some(csr.number + index)
    })
}

/// The names of all registers that show the same whenever they are read: no counters, no time.
pub(crate) fn timeless() -> impl Iterator<Item = String> {
    let rows = TABLE
        .iter()
        .filter(|csr| !matches!(csr.read, Read::Count(_)));
    rows.flat_map(|csr| csr.number..csr.number + csr.count)
        .filter_map(name)
}

/// What a register shows when nobody knows the moment: `None` for counters and time.
#[must_use]
pub fn read_anytime(slots: &[u64], number: u16) -> Option<u64> {
    let csr: &Csr = find(number)?;
    let timeless = !matches!(csr.read, Read::Count(_));
    timeless.then(|| read(slots, Moment::default(), number))
}

/// Writes a register when nobody knows the moment: false for counters and what stops them.
///
/// What depends on the slots (translations, the timer) is to be brought up to date afterwards.
pub fn write_anytime(slots: &mut [u64], number: u16, value: u64) -> bool {
    let Some(csr) = find(number) else {
        return false;
    };
    if matches!(csr.read, Read::Count(_)) || csr.then == Then::Inhibit {
        return false;
    }
    let timer = cell(slots, s::MIP_TIMER);
    let mut change = Change {
        slots,
        moment: Moment::default(),
        requests: &mut Vec::new(),
    };
    write(&mut change, number, value);
    if matches!(csr.then, Then::Timer | Then::Environment) {
        // The time is not known here: the next tick compares.
        let on = cell(slots, s::MENVCFG) & envcfg::STCE != 0;
        set_cell(slots, s::MIP_TIMER, if on { timer } else { 0 });
    }
    true
}
