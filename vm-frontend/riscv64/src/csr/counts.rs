//! Counters and time: what depends on the instructions retired and on the clock.
//!
//! A counter's slot holds what is added to the retired instructions, or the value itself while
//! `mcountinhibit` makes it stand still.

use vm_ir::SlotId;

use super::access::{Change, Moment};
use crate::cells::{cell, set_cell};
use crate::fields::counter;
use crate::slots as s;

/// Nanoseconds between two ticks of `time`: 10 MHz.
pub(crate) const TICK_NS: u64 = 100;

/// `time` at a moment of guest time.
pub(crate) const fn ticks(now_ns: u64) -> u64 {
    now_ns / TICK_NS
}

pub(crate) fn time(_: &[u64], moment: Moment) -> u64 {
    ticks(moment.now_ns)
}

pub(crate) fn mcycle(slots: &[u64], moment: Moment) -> u64 {
    count(slots, s::MCYCLE_OFFSET, counter::CY, moment.retired)
}

pub(crate) fn minstret(slots: &[u64], moment: Moment) -> u64 {
    count(slots, s::MINSTRET_OFFSET, counter::IR, moment.retired)
}

fn count(slots: &[u64], slot: SlotId, bit: u64, retired: u64) -> u64 {
    let kept = cell(slots, slot);
    if cell(slots, s::MCOUNTINHIBIT) & bit == 0 {
        kept.wrapping_add(retired)
    } else {
        kept
    }
}

pub(crate) fn set_mcycle(change: &mut Change, _: u16, value: u64) {
    set_count(change, s::MCYCLE_OFFSET, counter::CY, value);
}

pub(crate) fn set_minstret(change: &mut Change, _: u16, value: u64) {
    set_count(change, s::MINSTRET_OFFSET, counter::IR, value);
}

/// The value written is what the next instruction reads: the writing one is not counted.
fn set_count(change: &mut Change, slot: SlotId, bit: u64, value: u64) {
    let next = change.moment.retired.wrapping_add(1);
    let still = cell(change.slots, s::MCOUNTINHIBIT) & bit != 0;
    let kept = if still {
        value
    } else {
        value.wrapping_sub(next)
    };
    set_cell(change.slots, slot, kept);
}

/// Turns offsets into values and back where a counter was stopped or goes on; the writing
/// instruction itself is still counted as the old setting says.
pub(crate) fn inhibit(change: &mut Change, old: u64, new: u64) {
    let next = change.moment.retired.wrapping_add(1);
    for (slot, bit) in [
        (s::MCYCLE_OFFSET, counter::CY),
        (s::MINSTRET_OFFSET, counter::IR),
    ] {
        let kept = cell(change.slots, slot);
        let changed = match (old & bit != 0, new & bit != 0) {
            (false, true) => kept.wrapping_add(next),
            (true, false) => kept.wrapping_sub(next),
            _ => continue,
        };
        set_cell(change.slots, slot, changed);
    }
}
