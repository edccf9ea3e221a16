//! What jump caches forget, and what they keep.

use vm_core::GuestVirt;
use vm_mem::{ContextKey, TlbEntry};

use super::*;

const PAGE: Forgotten = Forgotten::Span(0x1000, 0x1fff);
const OWN_PAGE: CodePage = CodePage {
    global: false,
    large: None,
};
const SHARED_PAGE: CodePage = CodePage {
    global: true,
    large: None,
};

/// Enters addresses in the address space of a table.
fn fill(jumps: &mut Jumps, table: usize, pcs: &[u64], page: CodePage) {
    jumps.select(table, 0);
    for pc in pcs {
        jumps.fill(table, *pc, std::ptr::dangling(), page);
        assert!(jumps.entry(*pc).is_some());
    }
}

/// Which addresses are known in the address space of a table.
fn known<const N: usize>(jumps: &mut Jumps, table: usize, pcs: [u64; N]) -> [bool; N] {
    let force = jumps.select(table, 0);
    let known = pcs.map(|pc| jumps.entry(pc).is_some());
    // As handlers and native code look.
    let seen = pcs.map(|pc| {
        let cache = &jumps.all[jumps.current].cache;
        cache.entries[Jump::place(pc, force.mask) / size_of::<Jump>()].pc == pc
    });
    assert_eq!(known, seen);
    known
}

#[test]
fn what_is_forgotten_goes_and_all_else_stays() {
    let pcs = [0x1000, 0x1ffe, 0x3000];
    for (what, stay) in [
        (PAGE, [false, false, true]),
        (Forgotten::Span(0x7000, 0x7fff), [true; 3]),
        (Forgotten::Span(0x1000, 0x3fff), [false; 3]),
        (Forgotten::Own, [false; 3]),
        (Forgotten::All, [false; 3]),
    ] {
        let mut jumps = Jumps::default();
        fill(&mut jumps, 0, &pcs, OWN_PAGE);
        fill(&mut jumps, 1, &[0x1000], OWN_PAGE);
        jumps.forget(0, what);
        assert_eq!(known(&mut jumps, 0, pcs), stay, "{what:?}");
        assert_eq!(known(&mut jumps, 1, [0x1000, 0x3000]), [true, false]);
        jumps.clear_all();
        assert_eq!(known(&mut jumps, 1, [0x1000]), [false]);
    }
}

#[test]
fn whatever_is_forgotten_the_state_is_another_one() {
    let mut jumps = Jumps::default();
    let mut seen = vec![0];
    let mut note = |jumps: &mut Jumps| {
        let force = jumps.select(0, 0);
        let state = jumps.state(0);
        assert!(!seen.contains(&state), "{state} of {seen:?}");
        seen.push(state);
        assert!(std::ptr::eq(force.state, &raw const jumps.states[0].number));
        // A number that nobody has relied on need not change.
        jumps.rely(0, 0x1000);
        state
    };
    note(&mut jumps);
    for page in [OWN_PAGE, SHARED_PAGE] {
        fill(&mut jumps, 0, &[0x1000], page);
        for what in [PAGE, Forgotten::Own, Forgotten::All] {
            jumps.forget(0, what);
            note(&mut jumps);
        }
        jumps.forget_shared(Flush::All);
        note(&mut jumps);
        for what in [Flush::All, Flush::Page(GuestVirt(0x1abc), None)] {
            jumps.flush(&mut Tlb::new(), what);
            note(&mut jumps);
        }
    }
    let other = jumps.state(1);
    jumps.clear_all();
    let state = note(&mut jumps);
    assert_ne!(other, jumps.state(1));
    // What is only found, or is another address space's, changes nothing.
    fill(&mut jumps, 0, &[0x1000], OWN_PAGE);
    jumps.forget(1, Forgotten::All);
    assert_eq!(jumps.state(0), state);
    // Nor does what nobody has relied on.
    for table in [0, 1] {
        jumps.rely(table, 0x1000);
    }
    let page = |addr| Flush::Page(GuestVirt(addr), None);
    jumps.flush(&mut Tlb::new(), page(0x2000));
    assert_eq!(jumps.state(0), state);
    // As a part of something large, it is relied on, and by all address spaces.
    let large = CodePage {
        large: Some((0, 0x1f_ffff)),
        ..SHARED_PAGE
    };
    fill(&mut jumps, 2, &[0x3000], large);
    let second = jumps.state(1);
    jumps.flush(&mut Tlb::new(), page(0x2000));
    assert_ne!(jumps.state(0), state);
    assert_ne!(jumps.state(1), second);
}

#[test]
fn shared_code_is_known_in_all_address_spaces_until_it_is_forgotten_in_all() {
    let space = |space| Flush::Page(GuestVirt(0x1004), space);
    for (what, large, stay) in [
        (space(Some(7)), None, [true; 3]),
        (Flush::Space(7), None, [true; 3]),
        (space(None), None, [false, false, true]),
        (space(None), Some((0x1000, 0x2fff)), [false, false, true]),
        (space(None), Some((0, 0x1f_ffff)), [false; 3]),
        (Flush::All, None, [false; 3]),
    ] {
        let mut jumps = Jumps::default();
        let page = CodePage {
            global: true,
            large,
        };
        let pcs = [0x1000, 0x1ffe, 0x3000];
        fill(&mut jumps, 0, &pcs, page);
        assert_eq!(known(&mut jumps, 5, pcs), [true; 3]);
        jumps.forget(0, Forgotten::All);
        assert_eq!(known(&mut jumps, 0, pcs), [true; 3]);
        jumps.flush(&mut Tlb::new(), what);
        assert_eq!(known(&mut jumps, 5, pcs), stay, "{what:?} {large:?}");
    }
}

#[test]
fn an_address_space_with_code_of_its_own_leaves_the_shared_cache() {
    let mut jumps = Jumps::default();
    fill(&mut jumps, 0, &[0x1000], SHARED_PAGE);
    fill(&mut jumps, 1, &[0x2000], OWN_PAGE);
    assert_eq!(known(&mut jumps, 0, [0x1000, 0x2000]), [true, false]);
    assert_eq!(known(&mut jumps, 1, [0x1000, 0x2000]), [false, true]);
    fill(&mut jumps, 1, &[0x1000], SHARED_PAGE);
    assert_eq!(known(&mut jumps, 1, [0x1000, 0x2000]), [true, true]);
    assert_eq!(known(&mut jumps, 0, [0x1000, 0x2000]), [true, false]);
    // A mode that nothing was shared in begins for itself.
    jumps.select(0, 1);
    assert!(jumps.entry(0x1000).is_none());
}

#[test]
fn there_are_never_more_caches_than_there_may_be() {
    let mut jumps = Jumps::default();
    for n in 0..3 * OWNS {
        jumps.select(n, n as u64);
        jumps.fill(n, 0x1000, std::ptr::dangling(), OWN_PAGE);
        jumps.select(n, 100 + n as u64);
        jumps.fill(n, 0x1000, std::ptr::dangling(), SHARED_PAGE);
    }
    assert!(jumps.all.len() <= OWNS + MODES);
    // The last ones are those that are left, and nobody gets what another one knew.
    jumps.select(3 * OWNS - 1, 3 * OWNS as u64 - 1);
    assert!(jumps.entry(0x1000).is_some());
    jumps.select(0, 0);
    assert!(jumps.entry(0x1000).is_none());
}

#[test]
fn a_page_that_is_forgotten_everywhere_goes_from_all_caches_and_from_no_more() {
    // Of different modes, so that none inherits from another.
    let key = |space| ContextKey { space, mode: space };
    let page = |addr| Flush::Page(GuestVirt(addr), None);
    let pcs = [0x1000, 0x1ffe, 0x3000, 0x20_4000];
    // In the first address space the page is a part of something large.
    for (bits, stay) in [
        (12, [false, false, true, true]),
        (14, [false, false, false, true]),
    ] {
        let (mut jumps, mut tlb) = (Jumps::default(), Tlb::new());
        for (table, bits) in [(0, bits), (1, 12)] {
            assert_eq!(tlb.select(key(table as u64)).index, table);
            let entry = TlbEntry {
                execute: 0x1000,
                ..TlbEntry::EMPTY
            };
            tlb.table(table).enter(0x1000, entry, bits, false);
            fill(&mut jumps, table, &pcs, OWN_PAGE);
        }
        fill(&mut jumps, 2, &pcs, SHARED_PAGE);
        jumps.flush(&mut tlb, page(0x1234));
        assert_eq!(known(&mut jumps, 0, pcs), stay, "{bits}");
        assert_eq!(known(&mut jumps, 1, pcs), [false, false, true, true]);
        assert_eq!(known(&mut jumps, 2, pcs), [false, false, true, true]);
        jumps.flush(&mut tlb, Flush::Space(1));
        assert_eq!(known(&mut jumps, 1, pcs), [false; 4]);
        assert_eq!(known(&mut jumps, 0, pcs), stay, "{bits}");
        assert_eq!(known(&mut jumps, 2, pcs), [false, false, true, true]);
    }
}
