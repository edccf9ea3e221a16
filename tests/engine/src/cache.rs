//! Translated code is kept within its limits, and a guest can not tell.

use vm_core::{Exit, GuestPhys, Vcpu};
use vm_engine_interp::Limits;

use super::rig::{RAM, Rig, word};

/// Many functions on many pages, each called in turn; each adds its number to `s0`. Between them
/// one that is called so often that it is kept, with a part that hardly ever runs.
fn fill(rig: &mut Rig, functions: u64) {
    let table: Vec<u8> = (0..functions)
        .flat_map(|n| {
            let add = word(&format!("addi s0, s0, {}", n % 100)) as u32;
            let back = word("jalr zero, 0(ra)") as u32;
            [add.to_le_bytes(), back.to_le_bytes()].concat()
        })
        .collect();
    rig.ram
        .write(GuestPhys(RAM + 0x1000), &table)
        .expect("the functions fit");
    rig.put(
        RAM,
        "
        again:
            add t0, a0, zero
        loop:
            jalr ra, 0(t0)
            jal ra, @hot
            jal ra, @hot
            addi t0, t0, 8
            bne t0, a1, @loop
            addi s1, s1, 1
            jal zero, @again
        hot:
            beq s2, zero, @cold
            addi s2, s2, -1
            addi s0, s0, 3
            jalr zero, 0(ra)
        cold:
            addi s2, zero, 50
            addi s0, s0, 5
            jalr zero, 0(ra)",
    );
    rig.set(0, "a0", RAM + 0x1000);
    rig.set(0, "a1", RAM + 0x1000 + functions * 8);
}

#[test]
fn a_full_cache_is_emptied_and_filled_again() {
    const FUNCTIONS: u64 = 4000;
    let small = Limits {
        bytes: 40_000,
        dead: 8,
        protected: 4,
    };
    let mut thinned = [0; 2];
    let mut left = [0; 2];
    for (n, limits) in [Limits::default(), small].into_iter().enumerate() {
        let mut rig = Rig::with(1, |engine| engine.set_limits(limits));
        fill(&mut rig, FUNCTIONS);
        for slice in 0..500 {
            assert_eq!(rig.run(0, 503), Exit::Budget, "slice {slice}");
        }
        assert_eq!(rig.cpus[0].retired(), 500 * 503);
        left[n] = rig.get(0, "s0") ^ rig.get(0, "s1") << 32 ^ rig.get(0, "pc") << 40;
        thinned[n] = rig.engine.stats().thinned;
        assert!(rig.get(0, "s1") >= 4);
    }
    assert_eq!(left[0], left[1]);
    assert!(thinned[0] == 0 && thinned[1] > 20, "{thinned:?}");
}

#[test]
fn code_that_is_rewritten_for_ever_is_always_the_new_one() {
    let limits = Limits {
        bytes: 1 << 20,
        dead: 5,
        protected: 3,
    };
    let mut rig = Rig::with(1, |engine| engine.set_limits(limits));
    let labels = rig.put(
        RAM,
        "
        loop:
            xori a0, a0, 256
            slli t0, a0, 20
            sw a2, 0(a1)
            addi a2, a2, 0
            fence.i
        target:
            addi s0, s0, 1
            jal zero, @loop",
    );
    rig.set(0, "a1", labels["target"]);
    let mut wanted = 0;
    for turn in 0..300 {
        let by = turn % 1000;
        rig.set(0, "a2", word(&format!("addi s0, s0, {by}")));
        rig.run(0, 7);
        wanted += by;
        assert_eq!(rig.get(0, "s0"), wanted, "turn {turn}");
    }
    assert!(rig.engine.stats().dropped_pages >= 299);
}

#[test]
fn a_block_that_was_linked_just_now_is_not_looked_for_once_more() {
    const BLOCKS: usize = 100;
    let mut rig = Rig::with(1, |_| {});
    let jumps: Vec<String> = (1..=BLOCKS)
        .map(|n| format!("addi s0, s0, 1\njal zero, @next{n}\nnext{n}:\n"))
        .collect();
    rig.put(RAM, &jumps.concat());
    rig.run(0, 2 * BLOCKS as u64);
    assert_eq!(rig.get(0, "s0"), BLOCKS as u64);
    let stats = rig.engine.stats();
    // The first one, and each from the one before it.
    assert!(stats.made >= BLOCKS as u64, "{stats:?}");
    assert!(stats.lookups <= BLOCKS as u64 + 5, "{stats:?}");
}
