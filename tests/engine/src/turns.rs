//! Loops whose accesses stay on a page for many turns, until they do not: upwards, downwards, on
//! the spot, off several pointers that follow one another, odd, over the end of a page, and where
//! nothing is.

use std::collections::HashMap;

use vm_core::Entropy;

use super::REGIONS;
use super::rig::{R, RAM, RW, RX, Rig};
use super::slices::left;

/// Where the data begins: sixteen pages of it.
const DATA: u64 = RAM + 0x2_0000;
const DATA_BYTES: u64 = 0x1_0000;

/// A copy upwards by words that need not be aligned; the pointers take turns, as in a library's.
const UP: &str = "
again:
    addi a0, s0, 0
    addi a1, s1, 0
    addi a4, a1, 0
loop:
    ld t0, 0(a0)
    sd t1, 0(a4)
    ld t1, 8(a0)
    addi a4, a1, 16
    sd t0, 8(a1)
    addi a0, a0, 16
    addi a1, a1, 16
    bne a0, a2, @loop
    addi s2, s2, 1
    jal zero, @again
";

/// Sums downwards, of three widths, and writes what it has back over them.
const DOWN: &str = "
again:
    addi a0, a2, 0
loop:
    lh t0, -2(a0)
    add s1, s1, t0
    lw t1, -12(a0)
    addi a0, a0, -24
    sub s1, s1, t1
    sb s1, 1(a0)
    xor s3, s3, a0
    bltu s0, a0, @loop
    addi s2, s2, 1
    jal zero, @again
";

/// A table of bytes chooses from a table of words, and both are changed; neither moves.
const ON_THE_SPOT: &str = "
loop:
    addi s2, s2, 5
    andi t0, s2, 255
    add t0, t0, s0
    lbu t1, 0(t0)
    slli t2, t1, 2
    add t2, t2, s1
    lwu t3, 0(t2)
    add s3, s3, t3
    sw s3, 0(t2)
    sb s3, 0(t0)
    sd s3, 24(sp)
    ld t4, 17(sp)
    add s4, s4, t4
    bne s2, zero, @loop
    jal zero, @loop
";

/// Reads and writes where RAM is, and then where none is: the first page of all.
const NO_RAM: &str = "
again:
    addi a0, s0, 0
    addi a2, s7, 0
loop:
    lbu t0, 7(a0)
    sb t0, 0(a0)
    add s1, s1, t0
    addi a0, a0, 64
    bne a0, a2, @loop
    addi a0, zero, 0
    addi a2, zero, 512
    bne a2, s6, @other
    jal zero, @again
other:
    addi s6, a2, 0
    jal zero, @loop
";

/// A machine in front of a program, with `set` for its registers.
fn machine(program: &str, set: &[(&str, u64)]) -> (Rig, HashMap<String, u64>) {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, program);
    let mut random = Entropy::new(7);
    for at in (DATA..DATA + DATA_BYTES).step_by(8) {
        rig.store(at, random.next_u64());
    }
    for (name, value) in set {
        rig.set(0, name, *value);
    }
    (rig, labels)
}

/// The same is left however a run is cut, and if slices are long, with a region.
fn check(make: impl Fn() -> Rig, insns: u64) {
    let mut wanted = make();
    wanted.run_cut(insns, || 1);
    for longest in [3, 29, 170, 1100, 6000] {
        let mut random = Entropy::new(longest);
        let mut cut = make();
        cut.run_cut(insns, || 1 + random.next_u64() % longest);
        assert!(left(&cut) == left(&wanted), "slices of up to {longest}");
        let made = cut.engine.tier_stats().map(|stats| stats.regions > 0);
        if longest > 1000 {
            assert!(made.is_none_or(|made| made == REGIONS), "{made:?}");
        }
    }
    // One slice of some length, where there is sure to be a region.
    for length in (1..140).step_by(5).chain([511, 512, 513]) {
        let mut slices = [900, 900, 900, length].into_iter();
        let mut cut = make();
        cut.run_cut(2700 + length, || slices.next().unwrap_or(1));
        let mut wanted = make();
        wanted.run_cut(2700, || 900);
        wanted.run_cut(length, || 1);
        assert!(left(&cut) == left(&wanted), "a slice of {length}");
    }
}

#[test]
fn a_copy_upwards_goes_on_over_pages() {
    for (from, to) in [(0, 0x8000), (3, 0x8000), (0x10, 0x7ff9), (8, 0x28)] {
        let set = [
            ("s0", DATA + from),
            ("s1", DATA + to),
            ("a2", DATA + from + 0x5000),
        ];
        check(|| machine(UP, &set).0, 12_000);
    }
}

#[test]
fn sums_downwards_go_on_over_pages() {
    for end in [0x6000, 0x6001, 0x5ffa] {
        let set = [("s0", DATA + 0x100), ("a2", DATA + end)];
        check(|| machine(DOWN, &set).0, 12_000);
    }
}

#[test]
fn tables_that_stay_may_lie_over_the_end_of_a_page() {
    for (bytes, words, stack) in [
        (0, 0x400, 0x1000),
        (0xf80, 0x2100, 0x2ff0),
        (0x1000, 0x2e02, 0x3fe8),
        (0xfff, 0x2801, 0x4fe1),
    ] {
        let set = [
            ("s0", DATA + bytes),
            ("s1", DATA + words),
            ("sp", DATA + stack),
        ];
        check(|| machine(ON_THE_SPOT, &set).0, 10_000);
    }
}

#[test]
fn the_first_page_of_all_is_a_page_like_others() {
    let set = [("s0", DATA), ("s7", DATA + 0x3000)];
    let make = || machine(NO_RAM, &set).0;
    check(make, 12_000);
    // Also if an address there is the first that the region sees.
    let (mut rig, labels) = machine(NO_RAM, &set);
    rig.run_cut(900, || 300);
    assert_eq!(rig.asked, []);
    rig.set(0, "a0", 64);
    rig.set(0, "a2", 512);
    rig.set(0, "pc", labels["loop"]);
    rig.run_cut(5, || 5);
    let asked: Vec<_> = rig.asked.iter().map(|access| access.addr.0).collect();
    assert_eq!(asked, [71, 64]);
}

#[test]
fn what_is_read_may_be_on_a_page_that_is_not_written() {
    // Writes back what it has read, but for the third page, on which that traps every 16th turn.
    let program = "
    loop:
        ld t0, 0(a0)
        add s1, s1, t0
        ld t1, 8(a0)
        and t2, s1, a3
        bne t2, zero, @past
        sd s1, 8(a0)
    past:
        addi a0, a0, 16
        bne a0, a2, @loop
        addi a0, s0, 0
        jal zero, @loop";
    let make = || {
        let mut rig = Rig::new(1);
        let root = rig.root();
        rig.put(RAM + 0x4000, program);
        rig.put(
            RAM + 0x5000,
            "addi s11, s11, 1\ncsrrs t5, sepc, zero\naddi t5, t5, 4\ncsrrw zero, sepc, t5\nsret",
        );
        rig.map(root, 0x10000, RAM + 0x4000, RX, false);
        rig.map(root, 0x11000, RAM + 0x5000, RX, false);
        for page in 0..5 {
            let rights = if page == 2 { R } else { RW };
            let at = page * 0x1000;
            rig.map(root, 0x20000 + at, DATA + at, rights, false);
        }
        let mut random = Entropy::new(3);
        for at in (DATA..DATA + DATA_BYTES).step_by(8) {
            rig.store(at, random.next_u64());
        }
        for (name, value) in [
            ("a0", 0x20000),
            ("s0", 0x20000),
            ("a2", 0x25000),
            ("a3", 15),
            ("medeleg", u64::MAX),
            ("stvec", 0x11000),
        ] {
            rig.set(0, name, value);
        }
        rig.translate(0, root, 1);
        rig.set(0, "pc", 0x10000);
        rig
    };
    check(make, 20_000);
    let mut rig = make();
    rig.run_cut(20_000, || 5000);
    assert!(rig.get(0, "s11") > 5, "some stores trap");
}

#[test]
fn a_list_is_followed_wherever_its_pages_are() {
    // Three words each: the next one, a number, and where the number goes.
    let program = "
    again:
        addi a0, s0, 0
    loop:
        ld t0, 8(a0)
        add s1, s1, t0
        ld t1, 16(a0)
        sd s1, 0(t1)
        ld a0, 0(a0)
        bne a0, zero, @loop
        addi s2, s2, 1
        jal zero, @again";
    // Pages in a row, each the other way round, and each somewhere.
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 3, 1, 7]] {
        let make = || {
            let mut rig = Rig::new(1);
            let root = rig.root();
            rig.put(RAM + 0x4000, program);
            rig.map(root, 0x10000, RAM + 0x4000, RX, false);
            let mut random = Entropy::new(11);
            let mut places: Vec<u64> = (0..40)
                .map(|n| n / 8 * 0x1000 + n % 8 * 0x180 + 0x40)
                .collect();
            for n in (1..places.len()).rev() {
                places.swap(n, (random.next_u64() % (n as u64 + 1)) as usize);
            }
            for (n, at) in order.iter().enumerate() {
                let virt = 0x20000 + 0x1000 * n as u64;
                rig.map(root, virt, DATA + 0x1000 * at, RW, false);
            }
            let phys = |virt: u64| DATA + 0x1000 * order[(virt / 0x1000) as usize] + virt % 0x1000;
            for (n, at) in places.iter().enumerate() {
                let next = places.get(n + 1).map_or(0, |next| 0x20000 + next);
                rig.store(phys(*at), next);
                rig.store(phys(*at) + 8, random.next_u64());
                rig.store(phys(*at) + 16, 0x20000 + at / 0x1000 * 0x1000 + 0xff8);
            }
            rig.set(0, "s0", 0x20000 + places[0]);
            rig.translate(0, root, 1);
            rig.set(0, "pc", 0x10000);
            rig
        };
        check(make, 12_000);
    }
}

/// Blocks in a row, with a way out of the first and an access in the second that traps at times.
const ROW: &str = "
again:
    addi a0, s0, 0
loop:
    addi s2, s2, 3
    andi t0, s2, 127
    xor s3, s3, s2
    addiw s4, s4, 77
    beq t0, zero, @out
    ld t1, 0(a1)
    sub a1, a1, t1
    add s3, s3, t1
    xor t2, s3, s4
    addi t3, t2, 5
    ld t4, 0(t5)
    add s5, s5, t4
    add t5, t4, s8
    bne s2, a3, @loop
out:
    add s6, s6, t2
    add s7, s7, t3
    add s9, s9, t0
    jal zero, @again
";

#[test]
fn blocks_in_a_row_leave_what_they_have_set() {
    let set = [
        ("a1", DATA + 0x100),
        ("t5", DATA + 0x200),
        ("s8", DATA + 0x200),
    ];
    let make = || {
        let rig = machine(ROW, &set).0;
        // What moves the one pointer, and what the other one is loaded from.
        rig.store(DATA + 0x100, 0);
        for at in 0..64 {
            rig.store(DATA + 0x200 + 8 * at, (at * 40) % 512);
        }
        rig
    };
    check(make, 10_000);
}
