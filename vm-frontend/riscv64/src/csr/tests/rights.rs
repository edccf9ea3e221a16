//! Who may read and who may write.

use super::*;

/// Who may read and who may write: a set of letters out of `urswmW` for reads in U, S, M and
/// writes in the same, with some slots set.
fn rights(name: &str, set: &[(vm_ir::SlotId, u64)], expect: &str) {
    let number = by_name(name).unwrap();
    let mut slots = hart();
    for (slot, value) in set {
        slots[usize::from(slot.0)] = *value;
    }
    let mut found = String::new();
    for (privilege, letters) in [(0, ["u", "U"]), (1, ["s", "S"]), (3, ["m", "M"])] {
        slots[usize::from(s::PRIV.0)] = privilege;
        for (writes, letter) in [(false, letters[0]), (true, letters[1])] {
            if permitted(&slots, number, writes) {
                found.push_str(letter);
            }
        }
    }
    assert_eq!(found, expect, "{name} {set:x?}");
}

#[test]
fn privilege_and_gates_decide_who_may() {
    const FS: u64 = 1 << 13;
    const TVM: u64 = 1 << 20;
    const STCE: u64 = 1 << 63;
    for name in ["fflags", "frm", "fcsr"] {
        rights(name, &[], "");
        for fs in 1..4 {
            rights(name, &[(s::MSTATUS, fs << 13)], "uUsSmM");
        }
        rights(name, &[(s::MSTATUS, !(3 << 13))], "");
    }
    for (name, bit) in [
        ("cycle", 0),
        ("time", 1),
        ("instret", 2),
        ("hpmcounter3", 3),
        ("hpmcounter31", 31),
    ] {
        let bit = 1u64 << bit;
        rights(name, &[], "m");
        rights(name, &[(s::MCOUNTEREN, bit)], "sm");
        rights(name, &[(s::SCOUNTEREN, bit)], "m");
        rights(name, &[(s::MCOUNTEREN, bit), (s::SCOUNTEREN, bit)], "usm");
        rights(name, &[(s::MCOUNTEREN, !bit), (s::SCOUNTEREN, !bit)], "m");
    }
    for name in [
        "sstatus",
        "sie",
        "stvec",
        "scounteren",
        "senvcfg",
        "sscratch",
        "sepc",
        "scause",
        "stval",
        "sip",
    ] {
        rights(name, &[(s::MSTATUS, FS | TVM)], "sSmM");
    }
    rights("satp", &[], "sSmM");
    rights("satp", &[(s::MSTATUS, TVM)], "mM");
    rights("stimecmp", &[], "mM");
    rights("stimecmp", &[(s::MENVCFG, STCE)], "mM");
    rights("stimecmp", &[(s::MCOUNTEREN, 2)], "mM");
    rights(
        "stimecmp",
        &[(s::MENVCFG, STCE), (s::MCOUNTEREN, 2)],
        "sSmM",
    );
    for name in ["mvendorid", "marchid", "mimpid", "mhartid", "mconfigptr"] {
        rights(name, &[], "m");
    }
    for csr in TABLE
        .iter()
        .filter(|csr| (0x300..0xc00).contains(&csr.number))
    {
        rights(
            &name(csr.number).unwrap(),
            &[(s::MCOUNTEREN, ALL), (s::SCOUNTEREN, ALL)],
            "mM",
        );
    }
}
