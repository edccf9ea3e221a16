//! Loops give the same result however they are cut, whatever an access in them meets, and however
//! many of their blocks are compiled as one.

use vm_core::{Entropy, Flush, GuestVirt, Vcpu};

use super::REGIONS;
use super::rig::{R, RAM, RW, RX, Rig, word};
use super::slices::left;

/// Where the data is that programs begin with in `a0`; a page of its own, and three behind it.
const DATA: u64 = RAM + 0x8000;

/// A loop in a loop, branches inside, every width, and two accesses off one base that part ways
/// at the end of a page. Every seventh time round it traps.
const NEST: &str = "
outer:
    addi s0, zero, 0
    addi s5, s5, 1
inner:
    add t0, a0, s0
    lbu t1, 0(t0)
    add s1, s1, t1
    andi t2, s0, 0x7f8
    add t2, t2, a0
    ld t3, 0(t2)
    ld t4, 8(t2)
    add t3, t3, s1
    sd t3, 8(t2)
    sd t4, 0(t2)
    lh t5, 2(t2)
    sh t5, 20(t2)
    addiw s2, s2, 7
    andi t1, s2, 1
    beq t1, zero, @even
    xor s3, s3, t3
    sw s3, 24(t2)
    lwu t6, 24(t2)
    add s4, s4, t6
even:
    addi s0, s0, 97
    blt s0, a1, @inner
    addi a0, a0, 8
    blt a0, a2, @stays
    sub a0, a0, a3
stays:
    remu t0, s5, a4
    bne t0, zero, @outer
    ecall
    jal zero, @outer
handler:
    csrrs t5, mepc, zero
    addi t5, t5, 4
    csrrw zero, mepc, t5
    addi s6, s6, 1
    mret
";

fn nest() -> Rig {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, NEST);
    let mut random = Entropy::new(1);
    for at in (DATA..DATA + 0x4000).step_by(8) {
        rig.store(at, random.next_u64());
    }
    for (name, value) in [
        ("mtvec", labels["handler"]),
        ("a0", DATA + 0x7f0),
        ("a1", 1900),
        ("a2", DATA + 0x1000),
        ("a3", 0x7e0),
        ("a4", 7),
    ] {
        rig.set(0, name, value);
    }
    rig
}

/// So many regions as this engine has made; some, if it makes any.
fn check_regions(rig: &Rig) {
    let made = rig.engine.tier_stats().map_or(0, |stats| stats.regions);
    assert_eq!(
        made > 0,
        REGIONS && rig.engine.tier_stats().is_some(),
        "{made} regions"
    );
}

#[test]
fn a_nest_gives_the_same_result_however_it_is_cut() {
    const INSNS: u64 = 30_000;
    // Each instruction alone is interpreted.
    let mut wanted = nest();
    wanted.run_cut(INSNS, || 1);
    assert!(wanted.get(0, "s6") > 2, "it traps");
    for longest in [2, 5, 23, 61, 150, 1000, 5000] {
        let mut random = Entropy::new(longest);
        let mut cut = nest();
        cut.run_cut(INSNS, || 1 + random.next_u64() % longest);
        assert!(left(&cut) == left(&wanted), "slices of up to {longest}");
        if longest > 20 {
            check_regions(&cut);
        }
    }
}

#[test]
fn a_nest_stops_at_every_instruction() {
    // The loop is hot after the first slices; then one slice of each length.
    for length in 1..200 {
        let mut cut = nest();
        let mut slices = [700, 700, 700, length].into_iter();
        cut.run_cut(2100 + length, || slices.next().unwrap_or(1));
        let mut wanted = nest();
        wanted.run_cut(2100 + length, || 1);
        assert!(left(&cut) == left(&wanted), "a slice of {length}");
    }
}

/// Sums up words and writes them back a page further on.
const SUMS: &str = "
loop:
    ld t0, 0(a0)
    addi s0, s0, 1
    add s1, s1, t0
    ld t1, 8(a0)
    sd s1, 0(a1)
    add s2, s2, t1
    addi a1, a1, 16
    sd s2, -8(a1)
    addi a0, a0, 16
    bne a0, a2, @loop
    sub a0, a0, a3
    sub a1, a1, a3
    jal zero, @loop
";

/// Where [`SUMS`] and its data are mapped.
const CODE_AT: u64 = 0x10000;
const FROM: u64 = 0x20000;
const TO: u64 = 0x30000;

/// Supervisor mode, and the loop over four pages; what traps loops on the spot.
fn sums() -> (Rig, u64) {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(RAM + 0x4000, SUMS);
    rig.put(RAM + 0x5000, "loop:\naddi s11, s11, 1\njal zero, @loop");
    rig.map(root, CODE_AT, RAM + 0x4000, RX, false);
    rig.map(root, 0x11000, RAM + 0x5000, RX, false);
    for page in 0..4 {
        let at = page * 0x1000;
        rig.map(root, FROM + at, DATA + at, RW, false);
        rig.map(root, TO + at, DATA + 0x4000 + at, RW, false);
    }
    for at in (DATA..DATA + 0x4000).step_by(8) {
        rig.store(at, at * 3);
    }
    for (name, value) in [
        ("a0", FROM),
        ("a1", TO),
        ("a2", FROM + 0x4000),
        ("a3", 0x4000),
        ("medeleg", u64::MAX),
        ("stvec", 0x11000),
    ] {
        rig.set(0, name, value);
    }
    rig.translate(0, root, 1);
    rig.set(0, "pc", CODE_AT);
    (rig, root)
}

/// Runs the loop until it is hot, changes something, and compares with single steps.
fn check_change(what: &str, change: impl Fn(&mut Rig, u64)) -> Rig {
    let [fast, slow] = [5000, 1].map(|length| {
        let (mut rig, root) = sums();
        rig.run_cut(22_000, || length);
        change(&mut rig, root);
        rig.cpus[0].flush(Flush::All);
        rig.run_cut(21_000, || length);
        rig
    });
    check_regions(&fast);
    assert!(left(&fast) == left(&slow), "{what}");
    fast
}

#[test]
fn a_page_that_goes_traps_in_the_middle_of_a_loop() {
    for (page, second) in [(FROM + 0x2000, 0), (TO + 0x3000, 0), (TO + 0x1000, R)] {
        let rig = check_change(&format!("{page:#x}"), |rig, root| {
            rig.map(
                root,
                page,
                if second == 0 { 0 } else { DATA + 0x5000 },
                second,
                false,
            );
        });
        assert!(rig.get(0, "s11") > 100, "it has trapped");
        assert_eq!(rig.get(0, "stval") & !0xfff, page);
        assert_eq!(rig.get(0, "scause"), if page < TO { 13 } else { 15 });
    }
}

#[test]
fn a_page_that_moves_is_read_at_its_new_place() {
    check_change("to other memory", |rig, root| {
        rig.map(root, FROM + 0x1000, DATA + 0x8000, RW, false);
        rig.map(root, TO, DATA + 0x9000, RW, false);
    });
    // The entries of two pages take turns in the TLB.
    check_change("far away", |rig, root| {
        for page in 0..4 {
            rig.map(root, FROM + (page << 22), DATA + page * 0x1000, RW, false);
        }
        rig.set(0, "a1", FROM + (1 << 22));
    });
}

#[test]
fn an_address_that_is_odd_is_a_whole_access() {
    check_change("odd", |rig, _| {
        let odd = rig.get(0, "a0") + 3;
        rig.set(0, "a0", odd);
        rig.set(0, "a2", FROM + 0x4003);
    });
}

#[test]
fn a_loop_that_changes_itself_runs_as_it_now_stands() {
    // Every 64th time round, the addend in the loop becomes another one.
    let program = "
    loop:
        addi s0, s0, 1
    target:
        addi s1, s1, 1
        ld t1, 0(a4)
        add s3, s3, t1
        andi t0, s0, 63
        bne t0, zero, @loop
        xor a0, a0, a2
        sw a0, 0(a1)
        fence.i
        addi s2, s2, 1
        jal zero, @loop";
    let machine = || {
        let mut rig = Rig::new(1);
        let labels = rig.put(RAM, program);
        let (one, other) = (word("addi s1, s1, 1"), word("addi s1, s1, 100"));
        for (name, value) in [
            ("a0", one),
            ("a1", labels["target"]),
            ("a2", one ^ other),
            ("a4", DATA),
        ] {
            rig.set(0, name, value);
        }
        rig
    };
    let mut wanted = machine();
    wanted.run_cut(20_000, || 1);
    assert!(wanted.get(0, "s2") > 40);
    for length in [7, 100, 333, 10_000] {
        let mut cut = machine();
        cut.run_cut(20_000, || length);
        assert!(left(&cut) == left(&wanted), "slices of {length}");
    }
}

#[test]
fn a_page_given_up_for_another_space_leaves_the_loop_alone() {
    let (mut rig, root) = sums();
    rig.run_cut(22_000, || 5000);
    check_regions(&rig);
    let other = rig.root();
    rig.map(other, CODE_AT, RAM + 0x4000, RX, false);
    rig.map(other, FROM, DATA + 0xa000, RW, false);
    rig.map(other, TO, DATA + 0xb000, RW, false);
    rig.store(DATA + 0xa000, 77);
    rig.translate(0, other, 2);
    for (name, value) in [("pc", CODE_AT), ("a0", FROM), ("a1", TO), ("s1", 0)] {
        rig.set(0, name, value);
    }
    rig.run_cut(10, || 10);
    assert_eq!(rig.load(DATA + 0xb000), 77);
    rig.translate(0, root, 1);
    rig.cpus[0].flush(Flush::Page(GuestVirt(FROM), None));
    rig.run_cut(10, || 10);
}
