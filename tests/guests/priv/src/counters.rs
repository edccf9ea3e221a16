//! Counters, who may read them, and how they are stopped.

use crate::csr::{self, cause};
use crate::hart::{self, End, Mode, run};
use crate::insn::{A0, A1, A2, NOP, ZERO, csrrs, csrrw};
use crate::memory::{self, MTIME};
use crate::report::{check, check_newer, check_peer, skip};

pub fn checks() {
    gates();
    counting();
    stopping();
    time();
}

/// `mcounteren` for S and U, `scounteren` for U on top.
fn gates() {
    for (name, bit, number) in [
        ("cycle", 0, csr::CYCLE),
        ("time", 1, csr::TIME),
        ("instret", 2, csr::INSTRET),
    ] {
        let instruction = csrrs(A1, number, ZERO);
        for machine in [0, 7 & !(1 << bit), 1 << bit, 7] {
            for supervisor in [0, 7 & !(1 << bit), 1 << bit, 7] {
                hart::write(csr::MCOUNTEREN, machine);
                hart::write(csr::SCOUNTEREN, supervisor);
                let open_s = machine >> bit & 1 == 1;
                let open_u = open_s && supervisor >> bit & 1 == 1;
                for (mode, open) in [(Mode::M, true), (Mode::S, open_s), (Mode::U, open_u)] {
                    let got = run(mode, &[instruction], &[7]);
                    let illegal = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
                    let want = if open { End::Done(7) } else { illegal };
                    check(
                        format_args!("counter.{name}.m{machine}.s{supervisor}.{mode:?}"),
                        got,
                        want,
                    );
                }
            }
        }
    }
    hart::reset();
}

fn counting() {
    let code = [
        csrrs(A1, csr::MINSTRET, ZERO),
        NOP,
        NOP,
        NOP,
        csrrs(A0, csr::MINSTRET, ZERO),
    ];
    let outcome = hart::Run::new(Mode::M, &code).go(&[]);
    let passed = outcome.register(A0).wrapping_sub(outcome.register(A1));
    check(format_args!("minstret.counts"), passed > 0, true);
    if passed == 4 {
        check(format_args!("minstret.exact"), passed, 4);
    } else {
        skip("minstret.exact", "this machine estimates");
    }
    let code = [
        csrrs(A1, csr::MCYCLE, ZERO),
        NOP,
        NOP,
        NOP,
        csrrs(A0, csr::MCYCLE, ZERO),
    ];
    let outcome = hart::Run::new(Mode::M, &code).go(&[]);
    let passed = outcome.register(A0).wrapping_sub(outcome.register(A1));
    check(format_args!("mcycle.counts"), passed > 0, true);
    check(
        format_args!("mhpmcounter3"),
        hart::read(csr::MHPMCOUNTER3).is_some(),
        true,
    );
    let last = hart::read(csr::MHPMCOUNTER3 + 28).is_some();
    check_peer(format_args!("mhpmcounter31"), last, true, false);
}

/// `mcountinhibit`.
fn stopping() {
    check_newer(
        format_args!("mcountinhibit.time"),
        hart::write(csr::MCOUNTINHIBIT, 2),
        Some(0),
    );
    for (name, bit, number) in [("mcycle", 0, csr::MCYCLE), ("minstret", 2, csr::MINSTRET)] {
        let kept = hart::write(csr::MCOUNTINHIBIT, 1 << bit);
        check(format_args!("mcountinhibit.{name}"), kept, Some(1 << bit));
        let code = [csrrw(ZERO, number, A2), NOP, NOP, csrrs(A0, number, ZERO)];
        let got = run(Mode::M, &code, &[0, 0, 1000]);
        check(
            format_args!("mcountinhibit.{name}.stands"),
            got,
            End::Done(1000),
        );
        hart::write(csr::MCOUNTINHIBIT, 0);
        let code = [csrrw(ZERO, number, A2), NOP, NOP, csrrs(A0, number, ZERO)];
        let got = run(Mode::M, &code, &[0, 0, 1000]);
        let moved = matches!(got, End::Done(value) if value > 1000);
        check(format_args!("{name}.written-and-moves"), moved, true);
    }
}

/// `time` is the platform's `mtime`.
fn time() {
    let before = hart::read(csr::TIME).unwrap_or(u64::MAX);
    let device = memory::read64(MTIME);
    let after = hart::read(csr::TIME).unwrap_or(0);
    check(
        format_args!("time.is-mtime"),
        before <= device && device <= after,
        true,
    );
}
