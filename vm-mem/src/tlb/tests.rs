//! Which translations a flush takes, and which writes a page that holds code gets to know of.

use super::*;

const A: ContextKey = ContextKey { space: 1, mode: 0 };
const B: ContextKey = ContextKey { space: 2, mode: 0 };

/// Enters a page; `kind` is the size of its mapping, and whether it is shared.
fn enter(tlb: &mut Tlb, key: ContextKey, page: u64, (bits, global): (u32, bool)) {
    let index = tlb.select(key).index;
    let table = tlb.table(index);
    let entry = TlbEntry {
        read: page,
        write: page,
        execute: page,
        addend: 0x1000,
    };
    table.enter(page, entry, bits, global);
}

#[test]
fn a_page_is_protected_in_every_table_and_no_other_is() {
    let mut tlb = Tlb::new();
    let writes = |tlb: &mut Tlb, key, page| {
        let index = tlb.select(key).index;
        tlb.table(index).entry(page).write == page
    };
    enter(&mut tlb, A, 0x6000, SHARED);
    // Its heir has the shared page.
    enter(&mut tlb, B, 0x5000, OWN);
    enter(&mut tlb, A, 0x5000, OWN);
    for page in [0x6000, 0x5000, 0x9000, 0x5000] {
        tlb.protect(page + 0x1000);
        let left = [(A, 0x5000), (B, 0x5000), (A, 0x6000), (B, 0x6000)];
        let left = left.map(|(key, page)| writes(&mut tlb, key, page));
        let wanted = page == 0x6000;
        assert_eq!(left, [wanted, wanted, false, false], "{page:#x}");
    }
    enter(&mut tlb, A, 0x5000, OWN);
    assert!(writes(&mut tlb, A, 0x5000));
    tlb.protect(0x6000);
    assert!(!writes(&mut tlb, A, 0x5000) && has(&mut tlb, A, 0x5000));
}

fn has(tlb: &mut Tlb, key: ContextKey, page: u64) -> bool {
    let index = tlb.select(key).index;
    tlb.table(index).entry(page).read == page
}

const OWN: (u32, bool) = (12, false);
const SHARED: (u32, bool) = (12, true);

#[test]
fn a_flush_empties_what_it_names_and_nothing_else() {
    // What stays: pages 0x5000, 0x6000 and the shared 0x8000 of A, page 0x5000 of B.
    let cases = [
        (Flush::All, [false, false, false, false]),
        (Flush::Space(1), [false, false, true, true]),
        (
            Flush::Page(GuestVirt(0x5123), Some(1)),
            [false, true, true, true],
        ),
        (
            Flush::Page(GuestVirt(0x5123), None),
            [false, true, true, false],
        ),
        (
            Flush::Page(GuestVirt(0x8000), None),
            [true, true, false, true],
        ),
        (
            Flush::Page(GuestVirt(0x7000), None),
            [true, true, true, true],
        ),
    ];
    for (what, stay) in cases {
        let mut tlb = Tlb::new();
        enter(&mut tlb, A, 0x5000, OWN);
        enter(&mut tlb, A, 0x6000, OWN);
        enter(&mut tlb, A, 0x8000, SHARED);
        enter(&mut tlb, B, 0x5000, OWN);
        tlb.flush(what, |_, _| {});
        let found = [
            has(&mut tlb, A, 0x5000),
            has(&mut tlb, A, 0x6000),
            has(&mut tlb, A, 0x8000),
            has(&mut tlb, B, 0x5000),
        ];
        assert_eq!(found, stay, "{what:?}");
    }
}

#[test]
fn a_page_of_a_large_mapping_takes_the_mapping_along_and_no_other() {
    let mut tlb = Tlb::new();
    enter(&mut tlb, A, 0x20_0000, (21, false));
    enter(&mut tlb, A, 0x21_0000, (21, false));
    enter(&mut tlb, A, 0x50_0000, OWN);
    enter(&mut tlb, A, 0x80_1000, (21, false));
    let mut touched = Vec::new();
    let what = Flush::Page(GuestVirt(0x20_0000), None);
    tlb.flush(what, |index, forgotten| touched.push((index, forgotten)));
    assert_eq!(touched, [(0, Forgotten::Span(0x20_0000, 0x3f_ffff))]);
    assert!(!has(&mut tlb, A, 0x21_0000));
    assert!(has(&mut tlb, A, 0x50_0000) && has(&mut tlb, A, 0x80_1000));
}

#[test]
fn more_large_mappings_than_are_told_apart_are_still_found() {
    let mut tlb = Tlb::new();
    let pages: Vec<u64> = (0..=8).map(|n| n << 23 | n << 12).collect();
    for page in &pages {
        enter(&mut tlb, A, *page, (21, false));
    }
    for page in pages {
        tlb.flush(
            Flush::Page(GuestVirt(page & !0xfff | 0x1f_f000), None),
            |_, _| {},
        );
        assert!(!has(&mut tlb, A, page), "{page:#x}");
    }
}

#[test]
fn the_least_recently_used_table_goes_first() {
    let mut tlb = Tlb::new();
    for space in 0..17 {
        enter(&mut tlb, ContextKey { space, mode: 0 }, 0x5000, OWN);
        assert!(has(&mut tlb, ContextKey { space: 0, mode: 0 }, 0x5000));
    }
    assert!(!has(&mut tlb, ContextKey { space: 1, mode: 0 }, 0x5000));
}

#[test]
fn a_new_table_has_what_all_spaces_share_and_nothing_else() {
    let other = ContextKey { space: 1, mode: 1 };
    let mut tlb = Tlb::new();
    enter(&mut tlb, other, 0x7000, SHARED);
    enter(&mut tlb, A, 0x5000, OWN);
    enter(&mut tlb, A, 0x6000, SHARED);
    enter(&mut tlb, A, 0x20_9000, (21, true));
    let chosen = tlb.select(B);
    assert_eq!((chosen.index, chosen.is_new), (2, true));
    assert!(has(&mut tlb, B, 0x6000) && has(&mut tlb, B, 0x20_9000));
    assert!(!has(&mut tlb, B, 0x5000) && !has(&mut tlb, B, 0x7000));
    let page = |global, large| CodePage { global, large };
    assert_eq!(tlb.table(2).code_page(0x6004), page(true, None));
    assert_eq!(tlb.table(2).code_page(0x7004), page(false, None));
    let large = Some((0x20_0000, 0x3f_ffff));
    assert_eq!(tlb.table(2).code_page(0x20_9004), page(true, large));
    // The size of a mapping is known to the heir, too.
    tlb.flush(Flush::Page(GuestVirt(0x20_0000), None), |_, _| {});
    assert!(!has(&mut tlb, B, 0x20_9000));
    // What was shared when it was entered may be replaced by something that is not.
    enter(&mut tlb, B, 0x6000, OWN);
    tlb.flush(Flush::Space(2), |_, _| {});
    assert!(!has(&mut tlb, B, 0x6000) && has(&mut tlb, A, 0x6000));
}

#[test]
fn a_table_that_is_the_last_of_its_mode_keeps_what_is_shared_for_its_next_space() {
    let mut tlb = Tlb::new();
    enter(&mut tlb, A, 0x5000, OWN);
    enter(&mut tlb, A, 0x6000, SHARED);
    for mode in 1..TABLES as u64 {
        enter(&mut tlb, ContextKey { space: 1, mode }, 0x5000, OWN);
    }
    let chosen = tlb.select(B);
    assert_eq!((chosen.index, chosen.is_new), (0, true));
    assert!(has(&mut tlb, B, 0x6000) && !has(&mut tlb, B, 0x5000));
    // A mode of which there is no table yet has nothing.
    let other = ContextKey { space: 1, mode: 99 };
    assert!(tlb.select(other).is_new);
    assert!(!has(&mut tlb, other, 0x5000) && !has(&mut tlb, other, 0x6000));
    assert!(!tlb.select(other).is_new);
}

#[test]
fn a_protected_page_is_read_but_no_longer_written() {
    let mut tlb = Tlb::new();
    enter(&mut tlb, A, 0x5000, OWN);
    tlb.protect(0x6000);
    let entry = tlb.table(0).entry(0x5000);
    assert_eq!((entry.read, entry.write), (0x5000, NO_TAG));
}

#[test]
fn thousands_of_pages_side_by_side_are_each_kept_copied_protected_and_forgotten() {
    let mut tlb = Tlb::new();
    let pages = || (0..TLB_ENTRIES as u64 / 3).map(|n| (5 + 3 * n) << PAGE_BITS);
    let kind = |page: u64| {
        if page >> PAGE_BITS & 1 == 0 {
            OWN
        } else {
            SHARED
        }
    };
    for page in pages() {
        enter(&mut tlb, A, page, kind(page));
    }
    // A kernel's and a program's data, which lie wherever they like, are more than 4096 pages.
    assert!(pages().all(|page| has(&mut tlb, A, page)));
    assert!(tlb.select(B).is_new);
    assert!(pages().all(|page| has(&mut tlb, B, page) == (kind(page) == SHARED)));
    let writes = |tlb: &mut Tlb, page| tlb.table(0).entry(page).write == page;
    tlb.protect(0x5000 + 0x1000);
    assert!(pages().all(|page| writes(&mut tlb, page) == (page != 0x5000)));
    tlb.protect_all();
    assert!(pages().all(|page| has(&mut tlb, A, page) && !writes(&mut tlb, page)));
    tlb.flush(Flush::Space(1), |_, _| {});
    assert!(pages().all(|page| has(&mut tlb, A, page) == (kind(page) == SHARED)));
    // Nothing is left behind for the next address space that gets this table.
    tlb.flush(Flush::All, |_, _| {});
    assert!(!pages().any(|page| has(&mut tlb, A, page) || has(&mut tlb, B, page)));
}

#[test]
fn a_table_that_changes_hands_keeps_what_is_shared_and_takes_what_it_lacks() {
    let key = |space| ContextKey { space, mode: 0 };
    let mut tlb = Tlb::new();
    enter(&mut tlb, key(0), 0x6000, SHARED);
    enter(&mut tlb, key(0), 0x5000, OWN);
    // At the place of one that the other table has: each keeps its own.
    let twin = 0x6000 + ((TLB_ENTRIES as u64) << PAGE_BITS);
    enter(&mut tlb, key(1), twin, SHARED);
    enter(&mut tlb, key(1), 0x20_9000, (21, true));
    enter(&mut tlb, key(1), 0x7000, OWN);
    for space in 2..TABLES as u64 {
        enter(&mut tlb, key(space), 0x7000, OWN);
    }
    // The one that was used last is taken from, the one unused longest is taken.
    let _ = tlb.select(key(1));
    let chosen = tlb.select(key(99));
    assert_eq!((chosen.index, chosen.is_new), (0, true));
    let pages = [0x6000, 0x20_9000, 0x5000, 0x7000, twin];
    let found = pages.map(|page| has(&mut tlb, key(99), page));
    assert_eq!(found, [true, true, false, false, false]);
    // What was taken is protected and forgotten as what was here.
    for page in [0x20_9000, 0x6000] {
        tlb.protect(page + 0x1000);
        assert_eq!(tlb.table(0).entry(page).write, NO_TAG);
    }
    tlb.flush(Flush::Space(99), |_, _| {});
    assert!(has(&mut tlb, key(99), 0x6000) && has(&mut tlb, key(99), 0x20_9000));
    tlb.flush(Flush::Page(GuestVirt(0x3f_0000), None), |_, _| {});
    assert!(has(&mut tlb, key(99), 0x6000) && !has(&mut tlb, key(99), 0x20_9000));
}

#[test]
fn a_table_that_becomes_one_of_another_mode_keeps_nothing() {
    let mut tlb = Tlb::new();
    enter(&mut tlb, A, 0x6000, SHARED);
    let key = |space| ContextKey { space, mode: 1 };
    for space in 1..TABLES as u64 {
        enter(&mut tlb, key(space), 0x7000, SHARED);
    }
    assert_eq!(tlb.select(key(99)).index, 0);
    assert!(!has(&mut tlb, key(99), 0x6000) && has(&mut tlb, key(99), 0x7000));
}
