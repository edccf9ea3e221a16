//! Which entry decides, and what it permits.

use super::Setup;
use crate::mmu::pmp::{Guard, Rights};

/// Entries as (configuration, address register), then what user and machine mode may do with a
/// range, and whether its first page is of one piece.
fn check(entries: &[(u64, u64)], first: u64, last: u64, user: u64, machine: u64, whole: bool) {
    let mut setup = Setup::new(0);
    setup.protect(0, 0, 0);
    for (index, (entry, addr)) in entries.iter().enumerate() {
        setup.protect(index as u16, *entry, *addr);
    }
    let guards = [0, 1, 3].map(|privilege| Guard::new(&setup.slots, privilege));
    let found = guards.each_ref().map(|guard| guard.rights(first, last));
    assert_eq!(
        found,
        [Rights(user), Rights(user), Rights(machine)],
        "{entries:x?} {first:#x}"
    );
    // What was found out before changes nothing.
    for guard in guards.iter().chain([&Guard::new(&setup.slots, 0)]) {
        assert_eq!(guard.is_whole(first), whole, "{entries:x?} {first:#x}");
    }
}

#[test]
fn the_first_entry_that_matches_decides() {
    const TOR: u64 = 8;
    const NA4: u64 = 16;
    const NAPOT: u64 = 24;
    const LOCK: u64 = 128;
    let all = (NAPOT | 7, (1 << 54) - 1);
    check(&[], 0x1000, 0x1007, 0, 7, true);
    check(&[all], 0x1000, 0x1007, 7, 7, true);
    check(&[(NAPOT | 5, (1 << 54) - 1)], 0x1000, 0x1007, 5, 7, true);
    check(
        &[(LOCK | NAPOT | 1, (1 << 54) - 1)],
        0x1000,
        0x1007,
        1,
        1,
        true,
    );
    // Four bytes.
    check(&[(NA4 | 1, 0x400), all], 0x1000, 0x1003, 1, 7, false);
    check(&[(NA4 | 1, 0x400), all], 0x1004, 0x1007, 7, 7, false);
    check(&[(NA4 | 1, 0x400), all], 0x1000, 0x1007, 0, 0, false);
    check(&[(NA4 | 1, 0x400), all], 0x0ffe, 0x1001, 0, 0, true);
    check(&[(NA4 | LOCK, 0x400), all], 0x1000, 0x1003, 0, 0, false);
    // Eight bytes, a page, two pages.
    check(&[(NAPOT | 3, 0x400)], 0x1000, 0x1007, 3, 7, false);
    check(&[(NAPOT | 3, 0x400)], 0x1008, 0x100f, 0, 7, false);
    check(&[(NAPOT | 3, 0x5ff)], 0x1000, 0x1fff, 3, 7, true);
    check(&[(NAPOT | 3, 0x5ff)], 0x2000, 0x2000, 0, 7, true);
    check(&[(NAPOT | 3, 0xbff)], 0x2ff8, 0x3007, 3, 7, true);
    // Ranges: from the entry before, from zero, empty, backwards.
    check(&[(0, 0x400), (TOR | 4, 0x800)], 0x1000, 0x1fff, 4, 7, true);
    check(&[(0, 0x400), (TOR | 4, 0x800)], 0x0fff, 0x0fff, 0, 7, true);
    check(&[(0, 0x401), (TOR | 4, 0x800)], 0x1004, 0x1007, 4, 7, false);
    check(&[(0, 0x401), (TOR | 4, 0x800)], 0x1002, 0x1005, 0, 0, false);
    check(&[(TOR | 2 | 1, 0x400)], 0, 0xfff, 3, 7, true);
    check(
        &[(0, 0x400), (TOR | 7, 0x400), (TOR | 1, 0x800)],
        0x1000,
        0x1000,
        1,
        7,
        true,
    );
    check(&[(0, 0x800), (TOR | 7, 0x400)], 0x1000, 0x1000, 0, 7, true);
    // Priority, and the last entry.
    check(&[(NAPOT, 0x5ff), all], 0x1000, 0x1000, 0, 7, true);
    let mut last = [(0, 0); 16];
    last[15] = (NAPOT | 6, 0x5ff);
    check(&last, 0x1000, 0x1000, 6, 7, true);
    check(
        &[(NAPOT | 7, (1 << 54) - 1)],
        u64::MAX,
        u64::MAX,
        0,
        7,
        true,
    );
}

#[test]
fn what_is_known_of_a_piece_is_right_for_all_of_it_and_for_nothing_else() {
    let mut random = 0x1234_5678_u64;
    let mut draw = |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % below
    };
    for _ in 0..300 {
        let mut setup = Setup::new(0);
        setup.protect(0, 0, 0);
        for index in 0..16 {
            // Off, up to an address, four bytes, some more; at a few addresses, so that they meet.
            let entry = draw(4) << 3 | draw(8) | draw(2) << 7;
            setup.protect(index, entry, draw(64) << draw(3) | draw(2));
        }
        for privilege in [0, 1, 3] {
            let guard = Guard::new(&setup.slots, privilege);
            for _ in 0..100 {
                let (first, bytes) = (draw(0x600), 1 << draw(4));
                let last = first + bytes - 1;
                let fresh = Guard::new(&setup.slots, privilege);
                assert_eq!(
                    guard.rights(first, last),
                    fresh.rights(first, last),
                    "{:x?} {first:#x} {last:#x}",
                    setup.slots
                );
            }
        }
    }
}
