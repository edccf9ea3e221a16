//! Changes of state within one run, without a fence where none is needed: whatever a hart or an
//! emulator remembers about translations and code must not survive them.

use crate::csr::{self, cause, status};
use crate::hart::{self, End, Mode, Run, USER_VIEW, run};
use crate::insn::{
    A0, A1, A2, A3, ECALL, FENCE_I, RA, SRET, ZERO, add, addi, csrrc, csrrs, csrrw, jalr, ld, sd,
    sfence_vma, store,
};
use crate::memory::{self, CODE, DATA};
use crate::pages::ACCESSES;
use crate::paging::{Place, SCHEMES, point, pte};
use crate::report::check;

pub fn checks() {
    for scheme in SCHEMES {
        if !scheme.exists() {
            continue;
        }
        scheme.start();
        let place = scheme.place(0);
        memory::write64(DATA, 0x77);
        rights(scheme.name, place);
        modes(scheme.name, place);
        delegated(scheme.name, place);
        moved_code(scheme.name, place);
        other_view(scheme.name);
        same_frame(scheme.name, place);
        scheme.stop();
        on_and_off(scheme.name, scheme.mode);
        hart::reset();
    }
}

/// SUM and MXR count from the next instruction on.
fn rights(scheme: &str, place: Place) {
    let cases = [
        ("sum", pte::ALL | pte::U, status::SUM),
        ("mxr", pte::V | pte::X | pte::A | pte::D, status::MXR),
    ];
    for (name, flags, bit) in cases {
        place.leaf(flags);
        let code = [
            csrrs(ZERO, csr::SSTATUS, A1),
            ld(A2, A0, 0),
            csrrc(ZERO, csr::SSTATUS, A1),
            ld(A2, A0, 0),
        ];
        let got = run(Mode::S, &code, &[place.address, bit]);
        let want = End::Trap(Mode::M, cause::LOAD_PAGE, 12, place.address);
        check(format_args!("{scheme}.context.{name}-ends"), got, want);
        let code = [
            csrrs(ZERO, csr::SSTATUS, A1),
            ld(A2, A0, 0),
            csrrc(ZERO, csr::SSTATUS, A1),
            csrrs(ZERO, csr::SSTATUS, A1),
            ld(A0, A0, 0),
        ];
        let got = run(Mode::S, &code, &[place.address, bit]);
        check(
            format_args!("{scheme}.context.{name}-comes"),
            got,
            End::Done(0x77),
        );
    }
}

/// A page of S-mode stays closed to U-mode although S-mode has just used it, and the reverse.
fn modes(scheme: &str, place: Place) {
    place.leaf(pte::ALL);
    // To U-mode by sret, at the user's view of the instruction behind it.
    let code = [
        ld(A2, A0, 0),
        csrrw(ZERO, csr::SEPC, A1),
        SRET,
        ld(A2, A0, 0),
    ];
    let target = CODE + USER_VIEW + 12;
    let outcome = Run::new(Mode::S, &code).go(&[place.address, target]);
    let got = (outcome.frame.cause, outcome.frame.epc, outcome.frame.tval);
    let want = (cause::LOAD_PAGE, target, place.address);
    check(format_args!("{scheme}.context.s-then-u"), got, want);
    place.leaf(pte::ALL | pte::U);
    let outcome = Run::new(Mode::U, &[ld(A0, A0, 0)]).go(&[place.address]);
    check(
        format_args!("{scheme}.context.u"),
        outcome.end,
        End::Done(0x77),
    );
    let got = run(Mode::S, &[ld(A0, A0, 0)], &[place.address]);
    let want = End::Trap(Mode::M, cause::LOAD_PAGE, 0, place.address);
    check(format_args!("{scheme}.context.u-then-s"), got, want);
    // S-mode may not run code of the user, whatever SUM says.
    memory::write64(DATA, u64::from(ECALL));
    let outcome = Run::new(Mode::S, &[jalr(RA, A0, 0)])
        .status(status::SUM)
        .go(&[place.address]);
    let got = (outcome.frame.cause, outcome.frame.epc);
    check(
        format_args!("{scheme}.context.no-user-code"),
        got,
        (cause::FETCH_PAGE, place.address),
    );
    memory::write64(DATA, 0x77);
}

/// Page faults that go to S-mode.
fn delegated(scheme: &str, place: Place) {
    hart::write(
        csr::MEDELEG,
        1 << cause::FETCH_PAGE | 1 << cause::LOAD_PAGE | 1 << cause::STORE_PAGE,
    );
    place.put(0);
    for mode in [Mode::S, Mode::U] {
        for access in ACCESSES {
            let code = access.instruction();
            let outcome = Run::new(mode, &[code]).go(&[place.address + 4]);
            let End::Trap(level, number, at, value) = outcome.end else {
                check(
                    format_args!("{scheme}.delegated.{access:?}.{mode:?}"),
                    "done",
                    "trap",
                );
                continue;
            };
            let view = if mode == Mode::U { USER_VIEW } else { 0 };
            let epc = at.wrapping_add(CODE + view);
            let jumped = access.page_fault() == cause::FETCH_PAGE;
            let want_epc = if jumped {
                place.address + 4
            } else {
                CODE + view
            };
            let got = (level, number, epc, value, outcome.from);
            let want = (
                Mode::S,
                access.page_fault(),
                want_epc,
                place.address + 4,
                mode as u64,
            );
            check(
                format_args!("{scheme}.delegated.{access:?}.{mode:?}"),
                got,
                want,
            );
        }
    }
    hart::write(csr::MEDELEG, 0);
}

/// Two pages of code; the map moves from one to the other.
fn moved_code(scheme: &str, place: Place) {
    const OTHER: u64 = DATA + 0x5000;
    let answer = |page: u64, number: i32| {
        memory::write32(page + 0x100, addi(A0, A0, number));
        memory::write32(page + 0x104, jalr(ZERO, RA, 0));
    };
    answer(DATA, 1);
    answer(OTHER, 16);
    place.leaf(pte::ALL);
    // a1: the page; a2: its entry, one to one; a3: the new entry.
    let code = [
        addi(A0, ZERO, 0),
        jalr(RA, A1, 0x100),
        sd(A3, A2, 0),
        sfence_vma(A1, ZERO),
        jalr(RA, A1, 0x100),
    ];
    let entry = point(OTHER, pte::ALL);
    let got = run(Mode::S, &code, &[0, place.address, place.entry, entry]);
    check(
        format_args!("{scheme}.context.remapped-code"),
        got,
        End::Done(17),
    );
    // The same physical code under two addresses is the same code.
    let got = run(
        Mode::S,
        &[jalr(RA, A1, 0x100), jalr(RA, A2, 0x100)],
        &[0, place.address, OTHER],
    );
    check(
        format_args!("{scheme}.context.two-views"),
        got,
        End::Done(32),
    );
}

/// Code is changed through another view of the same memory.
fn other_view(scheme: &str) {
    let code = [
        jalr(RA, A1, 0x100),
        store(2, A3, A2, 0x100),
        FENCE_I,
        jalr(RA, A1, 0x100),
    ];
    memory::write32(DATA + 0x100, addi(A0, A0, 1));
    memory::write32(DATA + 0x104, jalr(ZERO, RA, 0));
    let new = u64::from(addi(A0, A0, 16));
    let got = Run::new(Mode::S, &code)
        .status(status::SUM)
        .end(&[0, DATA, DATA + USER_VIEW, new]);
    check(
        format_args!("{scheme}.context.patched-by-view"),
        got,
        End::Done(17),
    );
    let got = run(
        Mode::U,
        &code,
        &[
            0,
            DATA + USER_VIEW,
            DATA + USER_VIEW,
            u64::from(addi(A0, A0, 3)),
        ],
    );
    check(
        format_args!("{scheme}.context.patched-by-user"),
        got,
        End::Done(19),
    );
}

/// What is written under one address is read under another.
fn same_frame(scheme: &str, place: Place) {
    place.leaf(pte::ALL);
    let code = [ld(A2, A1, 0), sd(A3, A0, 0), ld(A0, A1, 0)];
    let got = run(Mode::S, &code, &[place.address, DATA, 0, 0x1234]);
    check(
        format_args!("{scheme}.context.same-frame"),
        got,
        End::Done(0x1234),
    );
}

/// S-mode turns translation on and off; code and data at small addresses are the same either way.
fn on_and_off(scheme: &str, mode: u64) {
    let levels = mode - 5;
    let root = memory::TABLES + 0x1000 * (levels - 1);
    memory::write64(DATA, 5);
    let elsewhere = DATA + USER_VIEW;
    let code = [
        csrrw(ZERO, csr::SATP, A2),
        sfence_vma(ZERO, ZERO),
        ld(A1, A0, 0),
        csrrw(ZERO, csr::SATP, ZERO),
        ld(A3, A3, 0),
        add(A0, A1, A3),
    ];
    let satp = mode << 60 | root >> 12;
    let got = Run::new(Mode::S, &code)
        .status(status::SUM)
        .end(&[elsewhere, 0, satp, DATA]);
    check(
        format_args!("{scheme}.context.on-and-off"),
        got,
        End::Done(10),
    );
}
