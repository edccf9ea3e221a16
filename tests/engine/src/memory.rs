//! Loads and stores: translations and their end, odd addresses, reservations.

use vm_core::{Exit, Flush, GuestVirt, Vcpu};

use super::rig::{R, RAM, RW, RX, Rig};

const VIRT: u64 = 0x20_0000;

/// A hart in supervisor mode at a program, with its traps at a loop that notes them in `s11`.
fn machine(program: &str) -> (Rig, u64) {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(RAM + 0x4000, program);
    rig.put(RAM + 0x100, "addi s11, s11, 1\nloop:\njal zero, @loop");
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.translate(0, root, 1);
    rig.set(0, "mtvec", RAM + 0x100);
    rig.set(0, "pc", 0x10000);
    (rig, root)
}

/// Takes a right away from a page in use, and says so.
fn check_rights(text: &str, rights: u64, what: Flush, cause: u64) {
    let (mut rig, root) = machine(&format!("loop:\n{text}\njal zero, @loop"));
    rig.map(root, VIRT, RAM + 0x5000, RW, false);
    rig.set(0, "a0", VIRT);
    rig.run(0, 10);
    assert_eq!(rig.get(0, "s11"), 0);
    rig.map(root, VIRT, RAM + 0x5000, rights, false);
    rig.cpus[0].flush(what);
    rig.run(0, 10);
    let found = ["s11", "mcause", "mtval", "mepc"].map(|name| rig.get(0, name));
    assert_eq!(found, [1, cause, VIRT, 0x10000], "{text} {what:?}");
}

#[test]
fn rights_end_with_a_flush() {
    let page = GuestVirt(VIRT);
    for what in [
        Flush::All,
        Flush::Space(1),
        Flush::Page(page, None),
        Flush::Page(page, Some(1)),
    ] {
        check_rights("sd s0, 0(a0)", R, what, 15);
        check_rights("sd s0, 0(a0)", 0, what, 15);
        check_rights("ld s0, 0(a0)", 0, what, 13);
        check_rights("amoadd.d s0, s1, (a0)", R, what, 15);
    }
}

#[test]
fn seventeen_address_spaces_keep_apart() {
    let (mut rig, _) = machine("");
    rig.put(RAM + 0x4000, "ld s0, 0(a0)\naddi s0, s0, 1\nsd s0, 0(a0)");
    let roots: Vec<u64> = (0..17).map(|_| rig.root()).collect();
    for (n, root) in (0..).zip(&roots) {
        rig.map(*root, 0x10000, RAM + 0x4000, RX, false);
        rig.map(*root, VIRT, RAM + 0x10_000 + 0x1000 * n, RW, false);
    }
    rig.set(0, "a0", VIRT);
    for turn in 1..=5 {
        for (n, root) in (0..).zip(&roots) {
            rig.translate(0, *root, n + 1);
            rig.set(0, "pc", 0x10000);
            rig.run(0, 3);
            assert_eq!(rig.load(RAM + 0x10_000 + 0x1000 * n), turn, "space {n}");
        }
    }
}

/// The bytes that a store of every width leaves at every offset around a page's end, and what
/// loads find there.
#[test]
fn odd_addresses_are_whole_accesses() {
    let (mut rig, root) = machine("");
    // The second page stands below the first.
    rig.map(root, VIRT, RAM + 0x6000, RW, false);
    rig.map(root, VIRT + 0x1000, RAM + 0x5000, RW, false);
    let value = 0x8877_6655_4433_2211_u64;
    for (store, load, bytes) in [("sh", "lhu", 2), ("sw", "lwu", 4), ("sd", "ld", 8)] {
        rig.put(
            RAM + 0x4000,
            &format!("{store} a1, 0(a0)\n{load} s0, 0(a0)"),
        );
        for at in (VIRT + 0xff0)..(VIRT + 0x1004) {
            for page in [RAM + 0x6ff0, RAM + 0x6ff8, RAM + 0x5000, RAM + 0x5008] {
                rig.store(page, 0);
            }
            rig.set(0, "a0", at);
            rig.set(0, "a1", value);
            rig.set(0, "pc", 0x10000);
            rig.run(0, 2);
            let mask = u64::MAX >> (64 - 8 * bytes);
            assert_eq!(rig.get(0, "s0"), value & mask, "{load} at {at:#x}");
            let mut wanted = [0_u8; 32];
            let first = (at - VIRT - 0xff0) as usize;
            wanted[first..first + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
            let pages = [RAM + 0x6ff0, RAM + 0x6ff8, RAM + 0x5000, RAM + 0x5008];
            let found: Vec<u8> = pages
                .iter()
                .flat_map(|at| rig.load(*at).to_le_bytes())
                .collect();
            assert_eq!(found, wanted, "{store} at {at:#x}");
        }
    }
}

/// A loop whose accesses are hardly ever aligned, and cross into another page now and then.
#[test]
fn odd_addresses_are_whole_accesses_where_they_are_the_rule_too() {
    let (mut rig, root) = machine(
        "loop:
            sd a1, 0(a0)
            lwu t0, 3(a0)
            ld t1, 0(a0)
            add s0, s0, t0
            xor s1, s1, t1
            addi a0, a0, 5
            addi a1, a1, -7
            bltu a0, a2, @loop
        end:
            jal zero, @end",
    );
    for page in 0..4 {
        rig.map(
            root,
            VIRT + 0x1000 * page,
            RAM + 0x8000 - 0x1000 * page,
            RW,
            false,
        );
    }
    let (first, last) = (VIRT + 0x11, VIRT + 0x3ff0);
    for (name, value) in [("a0", first), ("a1", 0x8877_6655_4433_2211), ("a2", last)] {
        rig.set(0, name, value);
    }
    let (mut wanted, mut value) = ([0_u64, 0], 0x8877_6655_4433_2211_u64);
    let rounds = (last - first).div_ceil(5);
    for _ in 0..rounds {
        wanted[0] = wanted[0].wrapping_add(value >> 24 & 0xffff_ffff);
        wanted[1] ^= value;
        value = value.wrapping_sub(7);
    }
    assert_eq!(rig.run(0, 8 * rounds), Exit::Budget);
    assert_eq!(["s0", "s1"].map(|name| rig.get(0, name)), wanted);
    assert_eq!(["a1", "s11"].map(|name| rig.get(0, name)), [value, 0]);
    if let Some(stats) = rig.engine.tier_stats() {
        // Templates ask for no more than the page.
        let made_anew = stats.made_odd > 0 || stats.templates > 0;
        assert!(made_anew && stats.given_up == 0, "{stats:?}");
    }
}

/// A line is cleared as a whole, and not at all where it may not be written.
#[test]
fn a_line_that_is_cleared_is_all_that_changes() {
    let (mut rig, root) = machine("loop:\ncbo.zero (a0)\njal zero, @loop");
    rig.map(root, VIRT, RAM + 0x5000, RW, false);
    rig.map(root, VIRT + 0x1000, RAM + 0x6000, R, false);
    rig.set(0, "menvcfg", 1 << 7);
    for turn in 0..4 {
        for (at, trap) in [(0, 0), (0x4d, 0), (0xfff, 0), (0x1047, 15)] {
            for word in (0..0x2000).step_by(8) {
                rig.store(RAM + 0x5000 + word, u64::MAX);
            }
            rig.set(0, "a0", VIRT + at);
            rig.set(0, "priv", 1);
            rig.set(0, "pc", 0x10000);
            rig.set(0, "mcause", 0);
            rig.set(0, "mtval", 0);
            rig.run(0, 3);
            let value = if trap == 0 { 0 } else { VIRT + at };
            let found = ["mcause", "mtval"].map(|name| rig.get(0, name));
            assert_eq!(found, [trap, value], "{turn} {at:#x}");
            let line = at & !63;
            for word in (0..0x2000).step_by(8) {
                let cleared = trap == 0 && (line..line + 64).contains(&word);
                let wanted = if cleared { 0 } else { u64::MAX };
                assert_eq!(
                    rig.load(RAM + 0x5000 + word),
                    wanted,
                    "{turn} {at:#x} {word:#x}"
                );
            }
        }
    }
}

/// A kernel on pages that all spaces share, which goes on in new spaces all the time.
#[test]
fn what_all_spaces_share_is_kept_and_nothing_else() {
    const SHARED: u64 = 1 << 5;
    let (mut rig, root) = machine(
        "loop:
            csrrw zero, satp, s2
            ld t0, 0(a0)
            addi t0, t0, 1
            sd t0, 0(a0)
            csrrw zero, satp, s3
            ld t0, 0(a0)
            addi t0, t0, 2
            sd t0, 0(a0)
            add s2, s2, s5
            add s3, s3, s5
            amoadd.d zero, s4, (a1)
            jal zero, @loop",
    );
    let other = rig.root();
    for (n, root) in (0..).zip([root, other]) {
        rig.map(root, 0x10000, RAM + 0x4000, RX | SHARED, false);
        rig.map(root, VIRT, RAM + 0x5000 + 0x1000 * n, RW, false);
        rig.map(root, VIRT + 0x1000, RAM + 0x7000, RW | SHARED, false);
        let satp = 8 << 60 | (n + 1) << 44 | root >> 12;
        rig.set(0, ["s2", "s3"][n as usize], satp);
    }
    for (name, value) in [
        ("a0", VIRT),
        ("a1", VIRT + 0x1000),
        ("s4", 1),
        ("s5", 2 << 44),
    ] {
        rig.set(0, name, value);
    }
    let rounds = 300;
    assert_eq!(rig.run(0, 12 * rounds), Exit::Budget);
    let counts = [0x5000, 0x6000, 0x7000].map(|page| rig.load(RAM + page));
    assert_eq!(counts, [rounds, 2 * rounds, rounds]);
    assert_eq!(rig.get(0, "s11"), 0);
}

#[test]
fn a_store_whose_second_page_refuses_writes_nothing() {
    for (rights, text, cause) in [
        (0, "sd a1, 0(a0)", 15),
        (R, "sd a1, 0(a0)", 15),
        (0, "ld s0, 0(a0)", 13),
    ] {
        let (mut rig, root) = machine(text);
        rig.map(root, VIRT, RAM + 0x5000, RW, false);
        rig.map(root, VIRT + 0x1000, RAM + 0x6000, rights, false);
        rig.set(0, "a0", VIRT + 0xffd);
        rig.set(0, "a1", u64::MAX);
        rig.run(0, 1);
        let found = ["s11", "mcause", "mtval", "s0"].map(|name| rig.get(0, name));
        assert_eq!(found, [1, cause, VIRT + 0x1000, 0], "{text}");
        assert_eq!(
            (rig.load(RAM + 0x5ff8), rig.load(RAM + 0x6000)),
            (0, 0),
            "{text}"
        );
    }
}

/// Two CPUs: the first reserves, the second runs `between`, the first stores; whether it did.
fn stores(between: &str, value: u64) -> bool {
    let mut rig = Rig::new(2);
    rig.put(RAM, "lr.d s0, (a0)\nsc.d s1, a1, (a0)");
    rig.put(RAM + 0x100, between);
    rig.store(RAM + 0x800, 5);
    for cpu in 0..2 {
        rig.set(cpu, "a0", RAM + 0x800);
        rig.set(cpu, "a1", value);
    }
    rig.set(1, "pc", RAM + 0x100);
    rig.run(0, 1);
    assert_eq!(rig.get(0, "s0"), 5);
    rig.run(1, between.lines().count() as u64);
    let held = rig.load(RAM + 0x800);
    rig.run(0, 1);
    let stored = rig.get(0, "s1") == 0;
    assert_eq!(
        rig.load(RAM + 0x800),
        if stored { value } else { held },
        "{between}"
    );
    stored
}

#[test]
fn a_reservation_holds_until_memory_has_another_value() {
    assert!(stores("addi s0, s0, 1", 9));
    assert!(stores("ld s0, 0(a0)", 9));
    assert!(!stores("sd a1, 0(a0)", 9));
    assert!(!stores("amoadd.d s0, a1, (a0)", 9));
    assert!(!stores("lr.d s0, (a0)\nsc.d s1, a1, (a0)", 9));
    // A store of what is there already can not be told from none.
    assert!(stores("sd a1, 0(a0)", 5));
}

/// One CPU reserves, does something, and stores; whether it did.
fn stores_after(between: &str) -> bool {
    let mut rig = Rig::new(1);
    rig.put(RAM, &format!("lr.d s0, (a0)\n{between}\nsc.d s1, a1, (a2)"));
    for (name, value) in [("a0", RAM + 0x800), ("a1", 9), ("a2", RAM + 0x800)] {
        rig.set(0, name, value);
    }
    assert_eq!(rig.run(0, 3), Exit::Budget);
    rig.get(0, "s1") == 0
}

#[test]
fn a_reservation_is_for_one_place_and_one_store() {
    assert!(stores_after("addi s0, s0, 1"));
    assert!(
        !stores_after("addi a2, a2, 8"),
        "another address of the same value"
    );
    assert!(!stores_after("sc.d s1, s0, (a0)"), "a second store");
}
