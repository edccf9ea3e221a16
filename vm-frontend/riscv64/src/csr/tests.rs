//! Values, rights and requests of CSRs.

use vm_core::Flush;
use vm_ir::Request;

use super::*;
use crate::slots as s;
use crate::state;

mod rights;

const ALL: u64 = u64::MAX;

fn hart() -> Vec<u64> {
    let mut slots = vec![0; s::SLOTS];
    state::reset(&mut slots, 5);
    slots
}

fn set(slots: &mut [u64], name: &str, value: u64) -> Vec<Request> {
    swap(slots, Moment::default(), name, value).1
}

fn swap(slots: &mut [u64], moment: Moment, name: &str, value: u64) -> (u64, Vec<Request>) {
    change(slots, moment, name, Modify::Swap, value)
}

fn change(
    slots: &mut [u64],
    moment: Moment,
    name: &str,
    how: Modify,
    value: u64,
) -> (u64, Vec<Request>) {
    let mut requests = Vec::new();
    let number = by_name(name).unwrap_or_else(|| panic!("{name}"));
    let mut change = Change {
        slots,
        moment,
        requests: &mut requests,
    };
    (modify(&mut change, number, how, value), requests)
}

fn shown(slots: &[u64], name: &str) -> u64 {
    read(slots, Moment::default(), by_name(name).unwrap())
}

/// Writes in order, and what the register shows after each.
fn check(name: &str, steps: &[(u64, u64)]) {
    let mut slots = hart();
    for (value, expect) in steps {
        set(&mut slots, name, *value);
        let found = shown(&slots, name);
        assert_eq!(found, *expect, "{name} <- {value:#x}: {found:#x}");
    }
}

#[test]
fn registers_keep_what_is_legal() {
    const XL: u64 = 0xa_0000_0000;
    const SD: u64 = 1 << 63;
    check("fflags", &[(ALL, 31), (0, 0)]);
    check("frm", &[(ALL, 7), (5, 5)]);
    check("fcsr", &[(ALL, 0xff), (0xa3, 0xa3)]);
    check(
        "mstatus",
        &[
            (ALL, SD | XL | 0x7e_79aa),
            (0x1000, XL | 0x1800),
            (0x800, XL | 0x800),
        ],
    );
    check(
        "mstatus",
        &[
            (0x2000, XL | 0x2000),
            (0x4000, XL | 0x4000),
            (0x6000, SD | XL | 0x6000),
        ],
    );
    check("sstatus", &[(ALL, SD | 0x2_000c_6122), (0, 0x2_0000_0000)]);
    check(
        "misa",
        &[(0, 0x8000_0000_0014_112d), (ALL, 0x8000_0000_0014_112d)],
    );
    check("medeleg", &[(ALL, 0xb3ff), (1 << 11, 0)]);
    check("mideleg", &[(ALL, 0x222)]);
    check("mie", &[(ALL, 0xaaa), (0x82, 0x82)]);
    check("mip", &[(ALL, 0x222), (0x20, 0x20), (0xaaa, 0x222)]);
    check("sie", &[(ALL, 0)]);
    check("sip", &[(ALL, 0)]);
    check(
        "mtvec",
        &[
            (ALL - 2, ALL - 2),
            (0x8000_0002, ALL - 2),
            (0x8000_0004, 0x8000_0004),
        ],
    );
    check(
        "stvec",
        &[(0x1001, 0x1001), (ALL, 0x1001), (0x2000, 0x2000)],
    );
    check("mepc", &[(ALL, ALL - 1), (0x1003, 0x1002)]);
    check("sepc", &[(ALL, ALL - 1), (0x1002, 0x1002)]);
    check("mcounteren", &[(ALL, 0xffff_ffff)]);
    check("scounteren", &[(ALL, 0xffff_ffff)]);
    check("mcountinhibit", &[(ALL, 0xffff_fffd), (2, 0)]);
    check(
        "menvcfg",
        &[
            (ALL, 0xe000_0000_0000_00f1),
            (0xa0, 0xb0),
            (0x10, 0x10),
            (0x20, 0x10),
        ],
    );
    check("senvcfg", &[(ALL, 0xf1), (0x20, 0x30), (0, 0), (0x20, 0)]);
    check(
        "satp",
        &[
            (0x8fff_ffff_ffff_ffff, 0x8fff_ffff_ffff_ffff),
            (0x9000_0000_0000_0001, 0x9000_0000_0000_0001),
            (0x1000_0000_0000_0002, 0x9000_0000_0000_0001),
            (0xb000_0000_0000_0003, 0x9000_0000_0000_0001),
            (0xf000_0000_0000_0003, 0x9000_0000_0000_0001),
            (0xa000_1000_0000_0003, 0xa000_1000_0000_0003),
            (0, 0),
        ],
    );
    for name in [
        "mscratch", "sscratch", "mcause", "scause", "mtval", "stval", "stimecmp",
    ] {
        check(
            name,
            &[
                (ALL, ALL),
                (0x1234_5678_9abc_def1, 0x1234_5678_9abc_def1),
                (0, 0),
            ],
        );
    }
    for name in ["mhpmcounter3", "mhpmcounter31", "mhpmevent3", "mhpmevent31"] {
        check(name, &[(ALL, ALL), (7, 7)]);
    }
    for (name, value) in [
        ("mvendorid", 0),
        ("marchid", 0),
        ("mimpid", 0),
        ("mhartid", 5),
        ("mconfigptr", 0),
        ("tselect", 0),
        ("tdata1", 0),
        ("tdata3", 0),
        ("tinfo", 1),
        ("hpmcounter3", 0),
    ] {
        check(name, &[(ALL, value), (1, value)]);
    }
    check("pmpaddr15", &[(ALL, (1 << 54) - 1)]);
    check(
        "pmpcfg0",
        &[
            (ALL >> 1 & !(0x60 << 56), 0x1f9f_9f9f_9f9f_9f9f),
            (0, 0x009f_9f9f_9f9f_9f9f),
        ],
    );
    check(
        "pmpcfg2",
        &[
            (0x1f, 0x1f),
            (0x02, 0x1f),
            (0x06, 0x1f),
            (0x60, 0),
            (0x0a0c, 0x0c),
        ],
    );
}

#[test]
fn what_is_shown_can_be_written_back_and_every_state_is_possible() {
    let layout = s::layout();
    for csr in TABLE {
        for number in csr.number..csr.number + csr.count {
            for pattern in [
                0,
                ALL,
                0x5555_5555_5555_5555,
                0xaaaa_aaaa_aaaa_aaaa,
                0x1234_5678,
            ] {
                let mut slots = hart();
                let name = name(number).unwrap();
                set(&mut slots, &name, pattern);
                assert_eq!(
                    state::check(&layout, &slots),
                    Ok(()),
                    "{name} <- {pattern:#x}"
                );
                if read_anytime(&slots, number).is_some() {
                    let before = shown(&slots, &name);
                    set(&mut slots, &name, before);
                    assert_eq!(shown(&slots, &name), before, "{name} <- {pattern:#x} twice");
                }
            }
        }
    }
}

#[test]
fn names_and_numbers_name_each_other() {
    for number in 0..4096 {
        if let Some(name) = name(number) {
            assert_eq!(by_name(&name), Some(number), "{name}");
        }
    }
    for (name, number) in [
        ("hpmcounter3", Some(0xc03)),
        ("hpmcounter31", Some(0xc1f)),
        ("mhpmevent31", Some(0x33f)),
        ("pmpaddr0", Some(0x3b0)),
        ("pmpaddr15", Some(0x3bf)),
        ("pmpcfg2", Some(0x3a2)),
        ("pmpaddr16", None),
        ("pmpcfg1", None),
        ("pmpcfg4", None),
        ("hpmcounter2", None),
        ("pmpaddr00", None),
        ("pmpaddr+1", None),
        ("pmpaddr", None),
        ("mcycleh", None),
        ("", None),
    ] {
        assert_eq!(by_name(name), number, "{name}");
    }
    for number in [
        0x3a1, 0x3a3, 0x3a4, 0x3c0, 0x747, 0x800, 0xb01, 0xc80, 0xfff, 0x200, 0x015,
    ] {
        assert_eq!(name(number), None, "{number:#x}");
        assert!(!permitted(&hart(), number, false), "{number:#x}");
    }
    assert!(!permitted(&hart(), 0x1300, false));
}

#[test]
fn locked_protection_stays() {
    let mut slots = hart();
    set(&mut slots, "pmpaddr0", 0x10);
    set(&mut slots, "pmpaddr1", 0x20);
    set(&mut slots, "pmpaddr7", 0x70);
    set(&mut slots, "pmpaddr8", 0x80);
    // Entry 1 is a locked range that begins where entry 0's address is; entry 8 begins at 7's.
    set(&mut slots, "pmpcfg0", 0x89 << 8);
    set(&mut slots, "pmpcfg2", 0x88);
    for (name, value, expect) in [
        ("pmpaddr0", 1, 0x10),
        ("pmpaddr1", 1, 0x20),
        ("pmpaddr2", 1, 1),
        ("pmpaddr7", 1, 0x70),
        ("pmpaddr8", 1, 0x80),
        ("pmpcfg0", 0x1f1f1f, 0x1f891f),
        ("pmpcfg2", 0, 0x88),
    ] {
        set(&mut slots, name, value);
        assert_eq!(shown(&slots, name), expect, "{name}");
    }
}

#[test]
fn supervisor_views_show_and_set_what_is_delegated() {
    let mut slots = hart();
    set(&mut slots, "mie", 0x888);
    set(&mut slots, "mideleg", 0x202);
    set(&mut slots, "sie", ALL);
    assert_eq!((shown(&slots, "sie"), shown(&slots, "mie")), (0x202, 0xa8a));
    set(&mut slots, "mip", 0x222);
    assert_eq!(shown(&slots, "sip"), 0x202);
    set(&mut slots, "sip", 0);
    assert_eq!((shown(&slots, "sip"), shown(&slots, "mip")), (0x200, 0x220));
    set(&mut slots, "sip", 2);
    assert_eq!(shown(&slots, "mip"), 0x222);
    set(&mut slots, "mideleg", 0x200);
    set(&mut slots, "sip", 0);
    assert_eq!(shown(&slots, "mip"), 0x222, "not delegated");

    set(&mut slots, "mstatus", ALL);
    set(&mut slots, "sstatus", 0);
    assert_eq!(
        shown(&slots, "mstatus"),
        0xa_0072_1888,
        "sstatus leaves machine's bits"
    );
}

#[test]
fn a_line_is_not_made_into_a_software_bit() {
    let mut slots = hart();
    slots[usize::from(s::MIP_LINES.0)] = 1 << 9;
    let (old, _) = change(&mut slots, Moment::default(), "mip", Modify::Set, 2);
    assert_eq!((old, shown(&slots, "mip")), (0x200, 0x202));
    slots[usize::from(s::MIP_LINES.0)] = 0;
    assert_eq!(shown(&slots, "mip"), 2);
    change(&mut slots, Moment::default(), "mip", Modify::Set, 0x200);
    slots[usize::from(s::MIP_LINES.0)] = 1 << 9;
    let (old, _) = change(&mut slots, Moment::default(), "mip", Modify::Clear, 0x202);
    assert_eq!((old, shown(&slots, "mip")), (0x202, 0x200));
    slots[usize::from(s::MIP_LINES.0)] = 0;
    assert_eq!(shown(&slots, "mip"), 0);
}

#[test]
fn with_sstc_the_timer_bit_is_the_comparison() {
    let mut slots = hart();
    let at = |now_ns| Moment { retired: 0, now_ns };
    set(&mut slots, "mip", 0x20);
    assert_eq!(
        swap(&mut slots, at(500), "menvcfg", 1 << 63).1,
        [Request::Reschedule]
    );
    assert_eq!(shown(&slots, "mip"), 0, "what software set is hidden");
    set(&mut slots, "mip", 0x20);
    assert_eq!(shown(&slots, "mip"), 0, "and not set");
    assert_eq!(
        swap(&mut slots, at(500), "stimecmp", 5).1,
        [Request::Reschedule]
    );
    assert_eq!(shown(&slots, "mip"), 0x20);
    swap(&mut slots, at(500), "stimecmp", 6);
    assert_eq!(shown(&slots, "mip"), 0);
    tick(&mut slots, 599);
    assert_eq!(shown(&slots, "mip"), 0);
    tick(&mut slots, 600);
    assert_eq!(shown(&slots, "mip"), 0x20);
    swap(&mut slots, at(600), "menvcfg", 0);
    tick(&mut slots, 700);
    assert_eq!(shown(&slots, "mip"), 0x20, "software's bit again");
    set(&mut slots, "mip", 0);
    assert_eq!(shown(&slots, "mip"), 0);
}

#[test]
fn counters_count_from_what_was_written() {
    let mut slots = hart();
    let at = |retired| Moment {
        retired,
        now_ns: 1234,
    };
    let count = |slots: &[u64], retired, name| read(slots, at(retired), by_name(name).unwrap());
    for (written, shadow) in [("mcycle", "cycle"), ("minstret", "instret")] {
        assert_eq!(count(&slots, 77, written), 77);
        swap(&mut slots, at(100), written, 5);
        assert_eq!(
            count(&slots, 101, written),
            5,
            "the next instruction reads the value"
        );
        assert_eq!(count(&slots, 111, shadow), 15);
        swap(&mut slots, at(100), written, ALL);
        assert_eq!(count(&slots, 102, written), 0);
    }
    assert_eq!(count(&slots, 0, "time"), 12);

    swap(&mut slots, at(100), "mcycle", 0);
    swap(&mut slots, at(110), "mcountinhibit", 1);
    assert_eq!(count(&slots, 111, "mcycle"), 10);
    assert_eq!(count(&slots, 150, "cycle"), 10, "stands still");
    assert_ne!(
        count(&slots, 150, "minstret"),
        count(&slots, 111, "minstret")
    );
    swap(&mut slots, at(150), "mcycle", 40);
    assert_eq!(count(&slots, 190, "mcycle"), 40);
    swap(&mut slots, at(200), "mcountinhibit", 4);
    assert_eq!(count(&slots, 201, "mcycle"), 40);
    assert_eq!(count(&slots, 203, "mcycle"), 42);
    assert_eq!(
        count(&slots, 300, "minstret"),
        count(&slots, 201, "minstret")
    );
}

#[test]
fn writes_ask_for_what_they_need() {
    let forget = vec![Request::Flush(Flush::All)];
    let mut slots = hart();
    let sv39 = |asid: u64, page: u64| 8 << 60 | asid << 44 | page;
    for (name, value, expect) in [
        ("satp", sv39(0, 1), forget.clone()),
        ("satp", sv39(0, 1), vec![]),
        ("satp", sv39(3, 1), vec![]),
        ("satp", sv39(3, 2), forget.clone()),
        ("satp", 3 << 60, vec![]),
        ("pmpcfg0", 0x1f, forget.clone()),
        ("pmpcfg0", 0x1f, vec![]),
        ("pmpaddr3", 1, forget.clone()),
        ("menvcfg", 1 << 62, forget.clone()),
        ("menvcfg", 3 << 61, forget),
        ("menvcfg", 3 << 61 | 0xf0, vec![]),
        ("mstatus", ALL, vec![]),
        ("sscratch", 1, vec![]),
    ] {
        assert_eq!(set(&mut slots, name, value), expect, "{name} <- {value:#x}");
    }
}

#[test]
fn writing_floating_point_state_makes_it_dirty() {
    for name in ["fflags", "frm", "fcsr"] {
        let mut slots = hart();
        set(&mut slots, "mstatus", 1 << 13);
        let _ = shown(&slots, name);
        assert_eq!(shown(&slots, "mstatus") >> 13 & 3, 1);
        set(&mut slots, name, 0);
        assert_eq!(shown(&slots, "sstatus"), 0x8000_0002_0000_6000, "{name}");
    }
}

#[test]
fn writing_a_plain_register_writes_what_is_kept_of_it_and_nothing_else() {
    for number in 0..4096 {
        let Some((slot, kept)) = is_plain(number) else {
            continue;
        };
        for value in [0, ALL, 0x1234_5678_9abc_def1] {
            let mut slots = hart();
            let mut wanted = slots.clone();
            wanted[usize::from(slot.0)] = value & kept;
            let name = name(number).unwrap();
            let asked = change(&mut slots, Moment::default(), &name, Modify::Swap, value).1;
            assert_eq!((slots, asked), (wanted, vec![]), "{name}");
        }
    }
}

#[test]
fn plain_registers_are_their_slots() {
    let plain: Vec<String> = (0..4096)
        .filter(|number| is_plain(*number).is_some())
        .filter_map(name)
        .filter(|name| !name.contains("hpm"))
        .collect();
    let wanted =
        "scounteren sscratch sepc scause stval medeleg mcounteren mscratch mepc mcause mtval";
    assert_eq!(plain.join(" "), wanted);
    assert_eq!(is_plain(0x140), Some((s::SSCRATCH, ALL)));
    assert_eq!(is_plain_read(0x141), Some(s::SEPC));
    for number in [
        0x001, 0x100, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x344, 0xc00, 0xc03,
    ] {
        assert_eq!(is_plain_read(number), None, "{number:#x}");
    }
}

#[test]
fn without_a_moment_counters_have_no_value() {
    let mut slots = hart();
    for name in ["mcycle", "minstret", "cycle", "time", "instret"] {
        let number = by_name(name).unwrap();
        assert_eq!(read_anytime(&slots, number), None, "{name}");
        assert!(!write_anytime(&mut slots, number, 1), "{name}");
    }
    assert!(!write_anytime(
        &mut slots,
        by_name("mcountinhibit").unwrap(),
        1
    ));
    assert!(write_anytime(&mut slots, by_name("mtvec").unwrap(), 0x1001));
    assert_eq!(shown(&slots, "mtvec"), 0x1001);
    assert!(!write_anytime(&mut slots, 0x3a1, 1));
}
