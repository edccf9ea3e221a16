//! What software may write in each register.

use crate::cells::{cell, nth};
use crate::fields::{MACHINE, envcfg, pmp, satp, status};
use crate::slots::{PMPADDR, PMPCFG};

const fn letters(text: &[u8]) -> u64 {
    let (mut bits, mut i) = (0, 0);
    while i < text.len() {
        bits |= 1 << (text[i] - b'a');
        i += 1;
    }
    bits
}

/// `misa`: 64 bits, and the extensions that have letters.
pub(crate) const MISA: u64 = 2 << 62 | letters(b"imafdcsu");

/// The exceptions that may go to supervisor mode: all but a call from machine mode.
pub(crate) const DELEGABLE: u64 = 0xb3ff;

/// `mstatus`: a previous privilege that there is none of leaves the old one.
pub(crate) fn mstatus(old: u64, new: u64) -> u64 {
    let fixed = old & !(status::WRITABLE | status::MPP);
    let previous = if new & status::MPP == 2 << status::MPP_AT {
        old
    } else {
        new
    };
    fixed | new & status::WRITABLE | previous & status::MPP
}

/// `mtvec`, `stvec`: direct or vectored; another mode leaves the register as it was.
pub(crate) fn tvec(old: u64, new: u64) -> u64 {
    if new & 2 == 0 { new } else { old }
}

/// `satp`: another paging mode than bare, Sv39, Sv48, Sv57 leaves the register as it was.
pub(crate) fn satp(old: u64, new: u64) -> u64 {
    match new >> satp::MODE_AT {
        0 | satp::SV39 | satp::SV48 | satp::SV57 => new,
        _ => old,
    }
}

/// `menvcfg`.
pub(crate) fn menvcfg(old: u64, new: u64) -> u64 {
    environment(old, new & envcfg::MACHINE)
}

/// `senvcfg`.
pub(crate) fn senvcfg(old: u64, new: u64) -> u64 {
    environment(old, new & envcfg::SUPERVISOR)
}

/// The value 2 of CBIE is reserved and leaves the old one.
fn environment(old: u64, new: u64) -> u64 {
    if new & envcfg::CBIE == 2 << envcfg::CBIE_AT {
        new & !envcfg::CBIE | old & envcfg::CBIE
    } else {
        new
    }
}

/// `pmpcfg`: a locked entry stays, and so does one that would be writable but not readable.
pub(crate) fn pmpcfg(old: u64, new: u64) -> u64 {
    let byte = |at: u32| {
        let (old, new) = (old >> at & 0xff, new >> at & pmp::ALL);
        let reserved = new & (pmp::READ | pmp::WRITE) == pmp::WRITE;
        if old & pmp::LOCK != 0 || reserved {
            old
        } else {
            new
        }
    };
    (0..8).fold(0, |all, i| all | byte(8 * i) << (8 * i))
}

/// The configuration of one entry.
pub(crate) fn pmp_entry(slots: &[u64], index: u16) -> u64 {
    if index >= pmp::ENTRIES {
        return 0;
    }
    cell(slots, nth(PMPCFG, index / 8)) >> (8 * (index % 8)) & 0xff
}

/// The entries of a group of eight, the first one in the lowest byte.
pub(crate) fn pmp_entries(slots: &[u64], group: u16) -> u64 {
    cell(slots, nth(PMPCFG, group))
}

/// An address is held by its own lock, and by that of a range that begins with it.
pub(crate) fn pmpaddr_held(slots: &[u64], index: u16) -> bool {
    let next = pmp_entry(slots, index + 1);
    let begins = next & pmp::LOCK != 0 && next & pmp::MATCH == pmp::TOR;
    pmp_entry(slots, index) & pmp::LOCK != 0 || begins
}

/// The address register of one entry, as an address.
pub(crate) fn pmp_address(slots: &[u64], index: u16) -> u64 {
    cell(slots, nth(PMPADDR, index))
}

/// Whether this is a privilege.
pub(crate) fn is_privilege(value: u64) -> bool {
    value <= 1 || value == MACHINE
}
