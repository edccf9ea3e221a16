//! What a range touches, and memory that blocks of other lengths can not use.

use super::*;

#[test]
fn granules_cover_exactly_what_a_range_touches() {
    for (offset, bytes, want) in [
        (0, 1, 1),
        (63, 1, 1),
        (63, 2, 3),
        (64, 64, 2),
        (4095, 8, 1 << 63),
        (0, 4096, u64::MAX),
    ] {
        assert_eq!(
            granules(GuestPhys(0x8000_0000 + offset), bytes),
            want,
            "{offset} {bytes}"
        );
    }
}

#[test]
fn memory_that_stays_behind_makes_everything_go() {
    let ram = GuestRam::new(&[(GuestPhys(0), PAGE_BYTES)]).expect("the host has a page");
    let mut blocks = Blocks::default();
    blocks.limits.bytes = 1 << 20;
    let store = blocks.store.clone();
    let keep = |ops: usize| {
        let op = crate::flat::Flat {
            run: native::HOOK,
            words: [0; 4],
            imm: 0,
        };
        store.keep(std::iter::repeat_n(op, ops), &[], (0, 0), 4)
    };
    // A block that is never dropped keeps the memory of all others.
    let stays = keep(1);
    let mut flushes = Vec::new();
    for ops in (10..170).step_by(10) {
        let many = (1 << 20) / keep(ops).bytes();
        drop((0..many).map(|_| keep(ops)).collect::<Vec<_>>());
        blocks.tidy(&ram);
        flushes.push(blocks.stats.flushes);
    }
    assert!(flushes[6] == 0 && flushes[15] > 0, "{flushes:?}");
    drop(stays);
    assert_eq!(store.bytes(), 0);
}
