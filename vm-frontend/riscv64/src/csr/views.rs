//! Registers that are views of others.

use super::access::Change;
use super::rules;
use crate::cells::{cell, set_cell};
use crate::fields::{envcfg, irq, status};
use crate::slots as s;

/// All of the floating-point control and status register.
pub(crate) fn fcsr(slots: &[u64], _: u16) -> u64 {
    cell(slots, s::FRM) << 5 | cell(slots, s::FFLAGS)
}

pub(crate) fn set_fcsr(change: &mut Change, _: u16, value: u64) {
    set_cell(change.slots, s::FFLAGS, value & 31);
    set_cell(change.slots, s::FRM, value >> 5 & 7);
}

/// `mstatus` with SD, which says that floating-point state is dirty.
pub(crate) fn mstatus(slots: &[u64], _: u16) -> u64 {
    let status = cell(slots, s::MSTATUS);
    if status & status::FS == status::FS {
        status | status::SD
    } else {
        status
    }
}

pub(crate) fn sstatus(slots: &[u64], index: u16) -> u64 {
    mstatus(slots, index) & (status::SUPERVISOR_VIEW | status::SD)
}

pub(crate) fn set_sstatus(change: &mut Change, _: u16, value: u64) {
    let old = cell(change.slots, s::MSTATUS);
    let mask = status::SUPERVISOR_WRITABLE;
    set_cell(change.slots, s::MSTATUS, old & !mask | value & mask);
}

pub(crate) fn sie(slots: &[u64], _: u16) -> u64 {
    cell(slots, s::MIE) & cell(slots, s::MIDELEG)
}

pub(crate) fn set_sie(change: &mut Change, _: u16, value: u64) {
    let mask = cell(change.slots, s::MIDELEG);
    let old = cell(change.slots, s::MIE);
    set_cell(change.slots, s::MIE, old & !mask | value & mask);
}

/// The pending interrupts: what software, lines and the supervisor's timer hold up.
pub(crate) fn mip(slots: &[u64]) -> u64 {
    software(slots) | cell(slots, s::MIP_LINES) | cell(slots, s::MIP_TIMER)
}

/// What software holds up; not the timer, where that has its own register.
fn software(slots: &[u64]) -> u64 {
    cell(slots, s::MIP_SOFT) & writable(slots)
}

fn writable(slots: &[u64]) -> u64 {
    if cell(slots, s::MENVCFG) & envcfg::STCE == 0 {
        irq::SUPERVISOR
    } else {
        irq::SUPERVISOR & !irq::STI
    }
}

pub(crate) fn pending(slots: &[u64], _: u16) -> u64 {
    mip(slots)
}

/// What setting and clearing bits of `mip` begins with: a line is not made into a software bit.
pub(crate) fn mip_base(slots: &[u64]) -> u64 {
    software(slots)
}

pub(crate) fn set_mip(change: &mut Change, _: u16, value: u64) {
    let mask = writable(change.slots);
    let old = cell(change.slots, s::MIP_SOFT);
    set_cell(change.slots, s::MIP_SOFT, old & !mask | value & mask);
}

pub(crate) fn sip(slots: &[u64], _: u16) -> u64 {
    mip(slots) & cell(slots, s::MIDELEG)
}

/// Supervisor mode sets and clears its software interrupt only.
pub(crate) fn set_sip(change: &mut Change, _: u16, value: u64) {
    let mask = cell(change.slots, s::MIDELEG) & irq::SSI;
    let old = cell(change.slots, s::MIP_SOFT);
    set_cell(change.slots, s::MIP_SOFT, old & !mask | value & mask);
}

/// Compares the supervisor's timer with the time.
pub(crate) fn tick(slots: &mut [u64], now_ns: u64) {
    let on = cell(slots, s::MENVCFG) & envcfg::STCE != 0;
    let due = on && super::counts::ticks(now_ns) >= cell(slots, s::STIMECMP);
    set_cell(slots, s::MIP_TIMER, if due { irq::STI } else { 0 });
}

/// The `mstatus` that a hart has after reset.
pub(crate) const STATUS_AT_RESET: u64 = status::UXL_64 | status::SXL_64;

/// Whether a kept `mstatus` is one that software could have written.
pub(crate) fn is_status(value: u64) -> bool {
    rules::mstatus(STATUS_AT_RESET, value) == value
}
