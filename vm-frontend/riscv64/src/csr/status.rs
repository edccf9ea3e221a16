//! What `mstatus` and the environment configuration mean for instructions and data.

use crate::cells::cell;
use crate::fields::{MACHINE, SUPERVISOR, envcfg, status};
use crate::slots as s;

/// The privilege of data accesses: the previous one while `mstatus.MPRV` is set in machine mode.
pub(crate) fn data_privilege(slots: &[u64]) -> u64 {
    let (privilege, status) = (cell(slots, s::PRIV), cell(slots, s::MSTATUS));
    if privilege == MACHINE && status & status::MPRV != 0 {
        (status & status::MPP) >> status::MPP_AT
    } else {
        privilege
    }
}

/// The cache-block instructions permitted now, as in `Mode::cache_blocks`: CBIE in bits 0 and 1
/// (0 forbidden, 1 flush instead of invalidate, 3 permitted), CBCFE bit 2, CBZE bit 3.
pub(crate) fn effective_blocks(slots: &[u64]) -> u64 {
    let machine = cell(slots, s::MENVCFG);
    let user = cell(slots, s::SENVCFG);
    let fields = |value: u64| (value & (envcfg::CBIE | envcfg::CBCFE | envcfg::CBZE)) >> 4;
    match cell(slots, s::PRIV) {
        MACHINE => 0xf,
        SUPERVISOR => fields(machine),
        // Forbidden is stronger than flush, and flush than permitted: a conjunction of bits.
        _ => fields(machine) & fields(user),
    }
}
