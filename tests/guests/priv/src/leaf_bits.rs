//! Bits of a leaf beyond permissions: A and D (Svade, Svadu), N (Svnapot), memory types (Svpbmt);
//! and what makes changes visible (`sfence.vma`, ASIDs, Svinval).

use crate::csr::{self, cause, envcfg, status};
use crate::hart::{self, End, Mode, Run, run};
use crate::insn::{
    A0, A1, A2, A3, SFENCE_INVAL_IR, SFENCE_W_INVAL, SINVAL_VMA, ZERO, add, csrrw, ld, sfence_vma,
};
use crate::memory::{self, DATA, TABLES};
use crate::pages::{ACCESSES, Access};
use crate::paging::{Place, SCHEMES, point, pte};
use crate::report::{check, check_newer, check_peer, skip};

pub fn checks() {
    for scheme in SCHEMES {
        if scheme.exists() {
            scheme.start();
            accessed_dirty(scheme.name, scheme.place(0));
            accessed_dirty(scheme.name, scheme.place(1));
            ranges(scheme.name, scheme.place(0), scheme.place(1));
            types(scheme.name, scheme.place(0));
            scheme.stop();
            hart::reset();
        }
    }
    let [sv39, ..] = SCHEMES;
    sv39.start();
    visibility(sv39.place(0));
    finer_invalidation(sv39.place(0));
    address_spaces();
    sv39.stop();
    hart::reset();
}

/// What each access needs, and what hardware that updates entries makes of it.
fn accessed_dirty(scheme: &str, place: Place) {
    let settable =
        hart::write(csr::MENVCFG, envcfg::ADUE).is_some_and(|kept| kept & envcfg::ADUE != 0);
    let settings: &[bool] = if settable { &[true, false] } else { &[false] };
    for &asked in settings {
        hart::write(csr::MENVCFG, if asked { envcfg::ADUE } else { 0 });
        let mut updates = asked;
        if !settable {
            place.leaf(pte::ALL & !(pte::A | pte::D));
            updates = Access::Load.attempt(Mode::S, 0, place.address).is_ok();
            if updates {
                skip("svade", "this hart always updates A and D itself");
            }
        }
        for access in ACCESSES {
            for before in [0, pte::A, pte::A | pte::D, pte::D] {
                let needs = if access == Access::Store {
                    pte::A | pte::D
                } else {
                    pte::A
                };
                let flags = pte::ALL & !(pte::A | pte::D) | before;
                place.leaf(flags);
                let result = access.attempt(Mode::S, 0, place.address);
                let enough = before & needs == needs;
                let want = if enough || updates {
                    Ok(())
                } else {
                    Err(access.page_fault())
                };
                let after = if updates { flags | needs } else { flags };
                let got = (result, place.get() & 0xff);
                check(
                    format_args!("{scheme}.ad.update-{updates}.{access:?}.{before:x}"),
                    got,
                    (want, after),
                );
            }
        }
    }
    place.leaf(pte::ALL);
    hart::write(csr::MENVCFG, 0);
}

/// Svnapot: ranges of 64 KiB.
fn ranges(scheme: &str, place: Place, larger: Place) {
    const PAGES: u64 = 16;
    let entry = |low: u64, flags| point(DATA | low << 12, flags) | pte::N;
    let put_all = |value| {
        for index in 0..PAGES {
            Place {
                entry: place.entry + 8 * index,
                ..place
            }
            .put(value);
        }
    };
    put_all(entry(8, pte::ALL));
    if Access::Load.attempt(Mode::S, 0, place.address).is_err() {
        skip("svnapot", "this hart does not have it");
        put_all(0);
        return;
    }
    for page in 0..PAGES {
        memory::write64(DATA + 0x1000 * page + 8, 0x5a5a_0000 + page);
    }
    let wrong = (0..PAGES).find(|&page| {
        let address = place.address + 0x1000 * page + 8;
        let got = run(Mode::S, &[ld(A0, A0, 0)], &[address]);
        got != End::Done(0x5a5a_0000 + page)
    });
    check(format_args!("{scheme}.napot.data"), wrong, None);
    for low in [0, 1, 2, 4, 12] {
        put_all(entry(low, pte::ALL));
        let got = Access::Load.attempt(Mode::S, 0, place.address);
        let want = Err(cause::LOAD_PAGE);
        check(format_args!("{scheme}.napot.reserved-{low}"), got, want);
    }
    put_all(0);
    let saved = larger.get();
    larger.put(point(larger.page, pte::ALL) | pte::N);
    let got = Access::Load.attempt(Mode::S, 0, larger.address);
    check(
        format_args!("{scheme}.napot.superpage"),
        got,
        Err(cause::LOAD_PAGE),
    );
    larger.put(saved);
}

/// Svpbmt.
fn types(scheme: &str, place: Place) {
    let typed = |kind: u64| place.put(point(place.page, pte::ALL) | kind << pte::PBMT_SHIFT);
    let attempt = || Access::Load.attempt(Mode::S, 0, place.address);
    let opened = hart::write(csr::MENVCFG, envcfg::PBMTE).unwrap_or(0);
    typed(1);
    if opened & envcfg::PBMTE == 0 || attempt().is_err() {
        skip("svpbmt", "this hart does not have it");
        hart::write(csr::MENVCFG, 0);
        return;
    }
    let fault = Err(cause::LOAD_PAGE);
    for (kind, want) in [(0, Ok(())), (1, Ok(())), (2, Ok(())), (3, fault)] {
        typed(kind);
        check_newer(format_args!("{scheme}.pbmt.open-{kind}"), attempt(), want);
    }
    hart::write(csr::MENVCFG, 0);
    for kind in 1..4 {
        typed(kind);
        check_newer(
            format_args!("{scheme}.pbmt.closed-{kind}"),
            attempt(),
            fault,
        );
    }
    place.leaf(pte::ALL);
    hart::write(csr::MENVCFG, 0);
}

/// Loads, so that the translation is known; changes the entry; fences; loads again.
fn visibility(place: Place) {
    let other = DATA + 0x5000;
    memory::write64(DATA, 1);
    memory::write64(other, 2);
    let change = |fence: u32| {
        place.leaf(pte::ALL);
        let entry = point(other, pte::ALL);
        // a0: the page; a1: its entry, seen one to one; a2: the new value.
        let code = [
            ld(A3, A0, 0),
            crate::insn::sd(A2, A1, 0),
            fence,
            ld(A0, A0, 0),
        ];
        run(Mode::S, &code, &[place.address, place.entry, entry])
    };
    for (name, fence) in [
        ("all", sfence_vma(ZERO, ZERO)),
        ("address", sfence_vma(A0, ZERO)),
        ("asid", sfence_vma(ZERO, 14)),
        ("address-asid", sfence_vma(A0, 14)),
    ] {
        check(
            format_args!("sfence.vma.{name}"),
            change(fence),
            End::Done(2),
        );
    }
    place.leaf(pte::ALL);
}

/// Svinval.
fn finer_invalidation(place: Place) {
    if !matches!(run(Mode::S, &[SINVAL_VMA], &[]), End::Done(_)) {
        skip("svinval", "this hart does not have it");
        return;
    }
    let other = DATA + 0x5000;
    place.leaf(pte::ALL);
    let code = [
        ld(A3, A0, 0),
        crate::insn::sd(A2, A1, 0),
        SFENCE_W_INVAL,
        SINVAL_VMA,
        SFENCE_INVAL_IR,
        ld(A0, A0, 0),
    ];
    let got = run(
        Mode::S,
        &code,
        &[place.address, place.entry, point(other, pte::ALL)],
    );
    check(format_args!("svinval.sequence"), got, End::Done(2));
    let illegal = |instruction: u32| End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
    let got = Run::new(Mode::S, &[SINVAL_VMA])
        .status(status::TVM)
        .end(&[]);
    check_newer(format_args!("svinval.tvm"), got, illegal(SINVAL_VMA));
    for (name, instruction) in [
        ("sinval.vma", SINVAL_VMA),
        ("sfence.w.inval", SFENCE_W_INVAL),
        ("sfence.inval.ir", SFENCE_INVAL_IR),
    ] {
        let got = run(Mode::U, &[instruction], &[]);
        if instruction == SINVAL_VMA {
            check_newer(format_args!("svinval.{name}.U"), got, illegal(instruction));
        } else {
            let name = format_args!("svinval.{name}.U");
            check_peer(name, got, illegal(instruction), End::Done(0));
        }
        let got = Run::new(Mode::S, &[instruction])
            .status(status::TVM)
            .end(&[]);
        let want = if instruction == SINVAL_VMA {
            illegal(instruction)
        } else {
            End::Done(0)
        };
        check_newer(format_args!("svinval.{name}.tvm"), got, want);
    }
}

/// Two address spaces that differ in one page, switched without a fence.
fn address_spaces() {
    const SECOND: u64 = TABLES + 0x8000;
    const GIGABYTE: u64 = 13;
    let first_root = TABLES + 0x2000;
    for index in 0..512 {
        memory::write64(SECOND + 8 * index, memory::read64(first_root + 8 * index));
    }
    memory::write64(first_root + 8 * GIGABYTE, point(0x8000_0000, pte::ALL));
    memory::write64(SECOND + 8 * GIGABYTE, 0);
    let satp = |root: u64, asid: u64| 8 << 60 | asid << 44 | root >> 12;
    if hart::write(csr::SATP, satp(first_root, 3)) != Some(satp(first_root, 3)) {
        skip("asid", "this hart has none");
        return;
    }
    crate::paging::flush();
    memory::write64(DATA, 42);
    let address = (GIGABYTE << 30) + (DATA - 0x8000_0000);
    let code = [
        ld(A3, A0, 0),
        csrrw(ZERO, csr::SATP, A1),
        csrrw(ZERO, csr::SATP, A2),
        ld(A3, A0, 0),
        add(A0, A3, ZERO),
    ];
    let there = satp(SECOND, 4);
    let back = satp(first_root, 3);
    let got = run(Mode::S, &code, &[address, there, back]);
    check(format_args!("asid.there-and-back"), got, End::Done(42));
    let got = run(Mode::S, &code, &[address, back, there]);
    let want = End::Trap(Mode::M, cause::LOAD_PAGE, 12, address);
    check(format_args!("asid.switched"), got, want);
}
