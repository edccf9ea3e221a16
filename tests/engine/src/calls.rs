//! Loops that call, return and jump by registers give the same result however they are cut, on
//! one page or on several, and whatever becomes of the pages.

use vm_core::{Entropy, Flush, Vcpu};

use super::REGIONS;
use super::rig::{RAM, RW, RWX, RX, Rig, word};
use super::slices::left;

/// Where tables and stacks are; a page of its own.
const DATA: u64 = RAM + 0x8000;

/// A loop whose calls are: a function that calls itself, one out of a table, a case of a switch,
/// and a leaf with two callers.
const TREE: &str = "
loop:
    addi s0, s0, 1
    andi a0, s0, 3
    addi a0, a0, 2
    jal ra, @sum
    add s1, s1, a0
    andi t0, s1, 24
    add t0, t0, a2
    ld t0, 0(t0)
    jalr ra, 0(t0)
    add s2, s2, a0
    andi t1, s2, 56
    add t1, t1, a3
    ld t1, 0(t1)
    jalr zero, 0(t1)
case0:
    addi s3, s3, 1
    jal zero, @join
case1:
    xor s3, s3, s0
    jal zero, @join
case2:
    slli s3, s3, 1
    jal zero, @join
case3:
    add s3, s3, s2
    jal zero, @join
case4:
    sub s3, s3, s1
    jal zero, @join
case5:
    srli s3, s3, 3
join:
    jal ra, @leaf
    add s4, s4, a0
    jal zero, @loop
sum:
    addi sp, sp, -16
    sd ra, 0(sp)
    sd a0, 8(sp)
    addi a0, a0, -1
    beq a0, zero, @done
    jal ra, @sum
    ld t0, 8(sp)
    add a0, a0, t0
done:
    ld ra, 0(sp)
    addi sp, sp, 16
    jalr zero, 0(ra)
leaf:
    xor a0, a0, s3
    jalr zero, 0(ra)
by0:
    addi a0, a0, 5
    jalr zero, 0(ra)
by1:
    slli a0, a0, 2
    jalr zero, 0(ra)
by2:
    xor a0, a0, s0
    jalr zero, 0(ra)
by3:
    addi t2, ra, 0
    jal ra, @leaf
    jalr zero, 0(t2)
";

/// So many regions as this engine has made; some, if it makes any.
fn check_regions(rig: &Rig) {
    let made = rig.engine.tier_stats().map_or(0, |stats| stats.regions);
    let wanted = REGIONS && rig.engine.tier_stats().is_some();
    assert_eq!(made > 0, wanted, "{made} regions");
}

fn tree() -> Rig {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, TREE);
    for n in 0..4 {
        rig.store(DATA + 8 * n, labels[&format!("by{n}")]);
    }
    for n in 0..8 {
        rig.store(DATA + 0x100 + 8 * n, labels[&format!("case{}", n % 6)]);
    }
    for (name, value) in [("a2", DATA), ("a3", DATA + 0x100), ("sp", DATA + 0x1000)] {
        rig.set(0, name, value);
    }
    rig
}

#[test]
fn calls_and_switches_give_the_same_result_however_they_are_cut() {
    const INSNS: u64 = 60_000;
    let mut wanted = tree();
    wanted.run_cut(INSNS, || 1);
    assert!(wanted.get(0, "s0") > 500, "it goes round");
    for longest in [2, 7, 61, 150, 1000, 9000] {
        let mut random = Entropy::new(longest);
        let mut cut = tree();
        cut.run_cut(INSNS, || 1 + random.next_u64() % longest);
        assert!(left(&cut) == left(&wanted), "slices of up to {longest}");
        if longest > 20 {
            check_regions(&cut);
        }
    }
}

#[test]
fn calls_stop_at_every_instruction() {
    for length in (1..120).chain([333, 1001]) {
        let mut cut = tree();
        let mut slices = [700, 900, 1300, 5000, length].into_iter();
        cut.run_cut(7900 + length, || slices.next().unwrap_or(1));
        let mut wanted = tree();
        wanted.run_cut(7900 + length, || 1);
        assert!(left(&cut) == left(&wanted), "a slice of {length}");
    }
}

/// Calls a function on another page; what it does may trap. Every so often the caller changes
/// where that page is, if it has been given something to store.
const CALLER: &str = "
loop:
    addi s0, s0, 1
    addi a0, s0, 0
    jalr ra, 0(s8)
    add s1, s1, a0
    andi t0, s0, 63
    bne t0, zero, @loop
    addi s9, s9, 1
    beq s10, zero, @loop
    xor s11, s11, s10
    sd s11, 0(s7)
    sfence.vma zero, zero
    jal zero, @loop
";
/// Two functions of one length that differ.
const CALLEES: [&str; 2] = [
    "ld t1, 0(a1)\nadd a0, a0, t1\nsd a0, 8(a1)\naddi s2, s2, 1\njalr zero, 0(ra)",
    "slli a0, a0, 3\nsd a0, 16(a1)\naddi s3, s3, 1\naddi s4, s4, 1\njalr zero, 0(ra)",
];

const CALLER_AT: u64 = 0x10000;
const CALLEE_AT: u64 = 0x13000;
const DATA_AT: u64 = 0x20000;
/// Where the caller, both callees and what traps go to are.
const CALLER_IN: u64 = RAM + 0x4000;
const CALLEE_IN: [u64; 2] = [RAM + 0x6000, RAM + 0x5000];
const TRAPS_IN: u64 = RAM + 0x7000;

/// Supervisor mode, caller and callee on pages of their own; what traps loops on the spot.
fn pages() -> (Rig, u64) {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(CALLER_IN, CALLER);
    for (at, callee) in CALLEE_IN.into_iter().zip(CALLEES) {
        rig.put(at, callee);
    }
    rig.put(TRAPS_IN, "loop:\naddi s6, s6, 1\njal zero, @loop");
    rig.map(root, CALLER_AT, CALLER_IN, RX, false);
    rig.map(root, CALLEE_AT, CALLEE_IN[0], RX, false);
    rig.map(root, 0x30000, TRAPS_IN, RX, false);
    rig.map(root, DATA_AT, DATA, RW, false);
    for (name, value) in [
        ("s8", CALLEE_AT),
        ("a1", DATA_AT),
        ("medeleg", u64::MAX),
        ("stvec", 0x30000),
    ] {
        rig.set(0, name, value);
    }
    rig.translate(0, root, 1);
    rig.set(0, "pc", CALLER_AT);
    (rig, root)
}

/// Where the entry of a mapped page stands.
fn entry_of(rig: &Rig, root: u64, virt: u64) -> u64 {
    let mut table = root;
    for level in [2, 1] {
        table = rig.load(table + (virt >> (12 + 9 * level) & 511) * 8) >> 10 << 12;
    }
    table + (virt >> 12 & 511) * 8
}

/// Runs the loop until it is hot, changes something, and compares with single steps.
fn check_change(what: &str, change: impl Fn(&mut Rig, u64)) -> Rig {
    let [fast, slow] = [3000, 1].map(|length| {
        let (mut rig, root) = pages();
        rig.run_cut(30_000, || length);
        if length > 1 {
            check_wide(&rig);
        }
        change(&mut rig, root);
        rig.run_cut(25_000, || length);
        rig
    });
    assert!(left(&fast) == left(&slow), "{what}");
    fast
}

/// There is a region on more than one page, if there are regions.
fn check_wide(rig: &Rig) {
    let made = rig
        .engine
        .tier_stats()
        .map_or(0, |stats| stats.wide_regions);
    let wanted = REGIONS && rig.engine.tier_stats().is_some();
    assert_eq!(made > 0, wanted, "{made} regions on several pages");
}

#[test]
fn a_callee_on_another_page_gives_the_same_result_however_it_is_cut() {
    let mut wanted = pages().0;
    wanted.run_cut(40_000, || 1);
    for longest in [3, 40, 200, 4000] {
        let mut random = Entropy::new(longest);
        let mut cut = pages().0;
        cut.run_cut(40_000, || 1 + random.next_u64() % longest);
        assert!(left(&cut) == left(&wanted), "slices of up to {longest}");
    }
    check_change("nothing", |_, _| {});
}

#[test]
fn a_callee_that_is_mapped_anew_is_called() {
    let rig = check_change("another function", |rig, root| {
        rig.map(root, CALLEE_AT, CALLEE_IN[1], RX, false);
        rig.cpus[0].flush(Flush::All);
    });
    assert!(rig.get(0, "s2") > 1000 && rig.get(0, "s3") > 1000);
    let rig = check_change("none", |rig, root| {
        rig.map(root, CALLEE_AT, 0, 0, false);
        rig.cpus[0].flush(Flush::All);
    });
    assert_eq!(
        (rig.get(0, "scause"), rig.get(0, "sepc") & !0xfff),
        (12, CALLEE_AT)
    );
    check_change("the caller elsewhere", |rig, root| {
        rig.map(root, 0x50000, CALLER_IN, RX, false);
        rig.map(root, 0x53000, CALLEE_IN[1], RX, false);
        rig.cpus[0].flush(Flush::All);
        for (name, value) in [("pc", 0x50000), ("s8", 0x53000)] {
            rig.set(0, name, value);
        }
    });
}

#[test]
fn a_guest_that_maps_its_callee_anew_sees_it_at_once() {
    let machine = || {
        let (mut rig, root) = pages();
        let at = entry_of(&rig, root, CALLEE_AT);
        let [one, other] = CALLEE_IN.map(|phys| phys >> 12 << 10 | RX);
        rig.map(root, 0x40000, at & !0xfff, RW, false);
        for (name, value) in [
            ("s7", 0x40000 + (at & 0xfff)),
            ("s10", one ^ other),
            ("s11", one),
        ] {
            rig.set(0, name, value);
        }
        rig
    };
    let mut wanted = machine();
    wanted.run_cut(60_000, || 1);
    assert!(wanted.get(0, "s9") > 50 && wanted.get(0, "s2") > 1000 && wanted.get(0, "s3") > 1000);
    for length in [50, 777, 20_000] {
        let mut cut = machine();
        cut.run_cut(60_000, || length);
        assert!(left(&cut) == left(&wanted), "slices of {length}");
        check_wide(&cut);
    }
}

#[test]
fn a_callee_that_is_written_to_runs_as_it_now_stands() {
    // The store goes to the callee's own page, which is mapped a second time.
    let machine = || {
        let (mut rig, root) = pages();
        let [one, other] = ["addi s2, s2, 1", "addi s2, s2, 100"].map(word);
        rig.map(root, 0x40000, CALLEE_IN[0], RWX, false);
        let words = || (0..8).map(|n| CALLEE_IN[0] + 4 * n);
        let at = words().find(|at| rig.load(*at) & 0xffff_ffff == one);
        let at = at.expect("the callee counts");
        let next = rig.load(at) & !0xffff_ffff;
        for (name, value) in [
            ("s7", 0x40000 + (at & 0xfff)),
            ("s10", one ^ other),
            ("s11", next | one),
        ] {
            rig.set(0, name, value);
        }
        rig
    };
    let mut wanted = machine();
    wanted.run_cut(60_000, || 1);
    assert!(wanted.get(0, "s2") > 100_000, "both have run");
    for length in [50, 777, 20_000] {
        let mut cut = machine();
        cut.run_cut(60_000, || length);
        assert!(left(&cut) == left(&wanted), "slices of {length}");
    }
}

#[test]
fn another_space_with_another_callee_calls_its_own() {
    let machine = || {
        let (mut rig, root) = pages();
        let other = rig.root();
        rig.map(other, CALLER_AT, CALLER_IN, RX, false);
        rig.map(other, CALLEE_AT, CALLEE_IN[1], RX, false);
        rig.map(other, 0x30000, TRAPS_IN, RX, false);
        rig.map(other, DATA_AT, DATA, RW, false);
        (rig, root, other)
    };
    let [fast, slow] = [3000, 1].map(|length| {
        let (mut rig, root, other) = machine();
        rig.run_cut(30_000, || length);
        for turn in 0..10 {
            let (root, space) = [(other, 2), (root, 1)][turn % 2];
            rig.translate(0, root, space);
            rig.run_cut(3000, || length);
        }
        rig
    });
    assert!(left(&fast) == left(&slow));
    assert!(fast.get(0, "s3") > 1000, "both are called");
}

#[test]
fn a_breakpoint_on_the_page_of_a_callee_stops() {
    let (mut rig, _) = pages();
    rig.run_cut(30_000, || 3000);
    check_wide(&rig);
    rig.stop_at(&[CALLEE_AT + 4], &[]);
    let before = rig.get(0, "s2");
    rig.run_cut(100, || 100);
    let stops = rig.get(0, "s2") - before;
    let places: Vec<u64> = rig.stopped.iter().map(|stop| stop.0).collect();
    assert!(
        stops >= 5 && places.len() as u64 >= stops,
        "{stops} calls, stopped at {places:x?}"
    );
    assert!(places.iter().all(|at| *at == CALLEE_AT + 4));
}
