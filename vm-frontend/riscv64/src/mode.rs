//! The context of a hart: what lifting and the rights of accesses depend on.

use vm_ir::Context;
use vm_mem::ContextKey;

use crate::cells::cell;
use crate::csr::{data_privilege, effective_blocks};
use crate::fields::{MACHINE, SUPERVISOR, satp, status};
use crate::slots as s;

/// The address space while data addresses are not translated; no address space has this number.
pub(crate) const BARE_SPACE: u64 = 1 << 16;

/// The paging mode (`satp.MODE`) for accesses of a privilege.
pub(crate) fn paging(slots: &[u64], privilege: u64) -> u64 {
    if privilege == MACHINE {
        0
    } else {
        cell(slots, s::SATP) >> satp::MODE_AT
    }
}

/// The bits of [`crate::slots::Mode`] that decide what instructions mean, with those that say how
/// they are fetched.
const CODE: u64 = 0xf0_0fff;
/// Those that the rights of accesses depend on.
const RIGHTS: u64 = 0xff_f003;

/// The context that the hart is in.
pub(crate) fn context(slots: &[u64]) -> Context {
    let status = cell(slots, s::MSTATUS);
    let privilege = cell(slots, s::PRIV);
    let data = data_privilege(slots);
    let float = (status & status::FS) >> status::FS_AT;
    let bit = |mask: u64| u64::from(status & mask != 0);
    let float = match (privilege, float) {
        (SUPERVISOR, _) => 3,
        (_, 0) => 1,
        (_, 3) => 2,
        _ => 0,
    };
    let paging_of_data = paging(slots, data);
    let mode = privilege
        | float << 2
        | bit(status::TVM) << 4
        | bit(status::TW) << 5
        | bit(status::TSR) << 6
        | effective_blocks(slots) << 7
        | (cell(slots, s::FIRMWARE) & 1) << 11
        | data << 12
        | bit(status::SUM) << 14
        | bit(status::MXR) << 15
        | paging_of_data << 16
        | paging(slots, privilege) << 20;
    let space = if paging_of_data == 0 {
        BARE_SPACE
    } else {
        cell(slots, s::SATP) >> satp::ASID_AT & satp::ASID
    };
    Context {
        key: ContextKey {
            space,
            mode: mode & RIGHTS,
        },
        code: mode & CODE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::{Mode, SLOTS};

    /// Sets slots and compares what `Mode` says, in the order of its functions.
    fn check(set: &[(vm_ir::SlotId, u64)], expect: [u64; 11], space: u64) {
        let mut slots = vec![0; SLOTS];
        for (slot, value) in set {
            slots[usize::from(slot.0)] = *value;
        }
        let Context { key, code } = context(&slots);
        assert_eq!(key.mode & code, key.mode & (CODE & RIGHTS), "{set:x?}");
        let mode = Mode(key.mode | code);
        let found = [
            mode.privilege(),
            u64::from(mode.float_off()),
            u64::from(mode.float_dirty()),
            u64::from(mode.float_asks()),
            mode.traps(),
            mode.cache_blocks(),
            u64::from(mode.firmware()),
            mode.data_privilege(),
            u64::from(mode.sum()) | u64::from(mode.mxr()) << 1,
            mode.paging(),
            mode.fetch_paging(),
        ];
        assert_eq!((found, key.space), (expect, space), "{set:x?}");
    }

    #[test]
    fn the_mode_is_packed_as_it_is_unpacked() {
        use crate::fields::envcfg::{CBCFE, CBIE, CBZE};
        let sv39 = 8 << 60 | 7 << 44 | 0x80;
        let mprv = status::MPRV | 1 << status::MPP_AT;
        let all = CBIE | CBCFE | CBZE;
        check(&[], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], BARE_SPACE);
        check(
            &[(s::PRIV, 3), (s::SATP, sv39)],
            [3, 1, 0, 0, 0, 15, 0, 3, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::PRIV, 1), (s::SATP, sv39)],
            [1, 0, 0, 1, 0, 0, 0, 1, 0, 8, 8],
            7,
        );
        check(
            &[(s::PRIV, 3), (s::SATP, sv39), (s::MSTATUS, mprv)],
            [3, 1, 0, 0, 0, 15, 0, 1, 0, 8, 0],
            7,
        );
        check(
            &[(s::PRIV, 1), (s::MSTATUS, mprv & !(1 << status::MPP_AT))],
            [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[
                (s::PRIV, 3),
                (s::SATP, sv39),
                (s::MSTATUS, status::MPRV | status::MPP),
            ],
            [3, 1, 0, 0, 0, 15, 0, 3, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::FS)],
            [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, 1 << 13)],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::TVM)],
            [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::TW)],
            [0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::TSR)],
            [0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::SUM)],
            [0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MSTATUS, status::MXR)],
            [0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::FIRMWARE, 1)],
            [0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MENVCFG, all)],
            [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::PRIV, 1), (s::MENVCFG, all)],
            [1, 0, 0, 1, 0, 15, 0, 1, 0, 0, 0],
            BARE_SPACE,
        );
        check(
            &[(s::MENVCFG, all), (s::SENVCFG, 1 << 4 | CBZE)],
            [0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0],
            BARE_SPACE,
        );
    }
}
