//! Physical memory protection: matching, priority, permissions, and locks.

use crate::csr::{self, cause};
use crate::hart::{self, End, Mode, run};
use crate::insn::{A0, A1, ZERO, csrrs, load, store};
use crate::memory::{self, DATA};
use crate::pages::{ACCESSES, Access};
use crate::report::{check, check_peer};

const R: u64 = 1;
const W: u64 = 2;
const X: u64 = 4;
const TOR: u64 = 1 << 3;
const NA4: u64 = 2 << 3;
const NAPOT: u64 = 3 << 3;
const LOCK: u64 = 1 << 7;

/// `pmpaddr` for a naturally aligned range of `1 << log2` bytes.
const fn napot(start: u64, log2: u32) -> u64 {
    start >> 2 | ((1 << (log2 - 3)) - 1)
}

/// Sets the first entries; the others stay off, but for the background entry.
fn entries(entries: &[(u64, u64)]) {
    hart::write(csr::PMPCFG0, 0);
    let mut config = 0;
    for (index, &(address, byte)) in entries.iter().enumerate() {
        hart::write(csr::PMPADDR0 + index as u32, address);
        config |= byte << (8 * index);
    }
    hart::write(csr::PMPCFG0, config);
    crate::paging::flush();
}

fn load_word(mode: Mode, address: u64) -> End {
    run(mode, &[load(2, A1, A0, 0)], &[address])
}

fn load_double(mode: Mode, address: u64) -> End {
    run(mode, &[load(3, A1, A0, 0)], &[address])
}

pub fn checks() {
    permissions();
    matching();
    priority();
    partial();
    nothing_matches();
    registers();
    entries(&[]);
}

fn permissions() {
    for flags in 0..8 {
        if flags & W != 0 && flags & R == 0 {
            // Reserved.
            continue;
        }
        entries(&[(napot(DATA, 12), NAPOT | flags)]);
        for mode in [Mode::S, Mode::U] {
            for access in ACCESSES {
                let bit = match access {
                    Access::Load => R,
                    Access::Store => W,
                    Access::Fetch => X,
                };
                let want = if flags & bit == 0 {
                    Err(access.access_fault())
                } else {
                    Ok(())
                };
                let got = access.attempt(mode, 0, DATA);
                check(
                    format_args!("pmp.rights.{flags:03b}.{access:?}.{mode:?}"),
                    got,
                    want,
                );
            }
        }
        let got = load_double(Mode::M, DATA);
        check(
            format_args!("pmp.rights.{flags:03b}.M"),
            got,
            End::Done(DATA),
        );
    }
}

fn denied(address: u64) -> End {
    End::Trap(Mode::M, cause::LOAD_ACCESS, 0, address)
}

fn matching() {
    for log2 in [3, 4, 8, 12, 13, 16] {
        let start = DATA + (1 << 16);
        entries(&[(napot(start, log2), NAPOT)]);
        let end = start + (1 << log2);
        for (name, address, inside) in [
            ("before", start - 4, false),
            ("first", start, true),
            ("last", end - 4, true),
            ("after", end, false),
        ] {
            let want = if inside {
                denied(address)
            } else {
                End::Done(address)
            };
            let got = load_word(Mode::S, address);
            check(format_args!("pmp.napot-{log2}.{name}"), got, want);
        }
    }
    entries(&[(DATA >> 2, NA4)]);
    check(
        format_args!("pmp.na4.inside"),
        load_word(Mode::S, DATA),
        denied(DATA),
    );
    check(
        format_args!("pmp.na4.after"),
        load_word(Mode::S, DATA + 4),
        End::Done(DATA + 4),
    );
    check(
        format_args!("pmp.na4.before"),
        load_word(Mode::S, DATA - 4),
        End::Done(DATA - 4),
    );

    let (bottom, top) = (DATA + 0x104, DATA + 0x2008);
    entries(&[(bottom >> 2, 0), (top >> 2, TOR)]);
    for (name, address, inside) in [
        ("before", bottom - 4, false),
        ("first", bottom, true),
        ("middle", DATA + 0x1000, true),
        ("last", top - 4, true),
        ("after", top, false),
    ] {
        let want = if inside {
            denied(address)
        } else {
            End::Done(address)
        };
        check(
            format_args!("pmp.tor.{name}"),
            load_word(Mode::S, address),
            want,
        );
    }
    entries(&[(top >> 2, 0), (bottom >> 2, TOR)]);
    let middle = DATA + 0x1000;
    check(
        format_args!("pmp.tor.empty"),
        load_word(Mode::S, middle),
        End::Done(middle),
    );
    // The first entry's range starts at zero. It allows, so that the code still runs.
    entries(&[
        (DATA >> 2, TOR | R | W | X),
        (napot(0x8000_0000, 31), NAPOT),
    ]);
    check(
        format_args!("pmp.tor.from-zero.inside"),
        load_word(Mode::S, DATA - 4),
        End::Done(DATA - 4),
    );
    check(
        format_args!("pmp.tor.from-zero.above"),
        load_word(Mode::S, DATA),
        denied(DATA),
    );
}

fn priority() {
    let hole = DATA + 0x10;
    entries(&[(hole >> 2, NA4), (napot(DATA, 12), NAPOT | R)]);
    check(
        format_args!("pmp.priority.hole"),
        load_word(Mode::S, hole),
        denied(hole),
    );
    check(
        format_args!("pmp.priority.around"),
        load_word(Mode::S, hole + 4),
        End::Done(hole + 4),
    );
    entries(&[(napot(DATA, 12), NAPOT | R), (hole >> 2, NA4)]);
    check(
        format_args!("pmp.priority.lowest-wins"),
        load_word(Mode::S, hole),
        End::Done(hole),
    );
}

/// An access that the first matching entry holds only in part fails, whatever the entries say.
fn partial() {
    entries(&[(DATA >> 2, NA4 | R | W | X)]);
    check(
        format_args!("pmp.partial.low-half"),
        load_double(Mode::S, DATA),
        denied(DATA),
    );
    entries(&[((DATA + 4) >> 2, NA4 | R | W | X)]);
    check(
        format_args!("pmp.partial.high-half"),
        load_double(Mode::S, DATA),
        denied(DATA),
    );
    entries(&[]);
    memory::write64(DATA, 7);
    entries(&[((DATA + 4) >> 2, NA4 | R | W | X)]);
    let got = run(Mode::S, &[store(3, A1, A0, 0)], &[DATA, 9]);
    let want = End::Trap(Mode::M, cause::STORE_ACCESS, 0, DATA);
    check(format_args!("pmp.partial.store"), got, want);
    // M-mode too, although the entry is not locked.
    check(
        format_args!("pmp.partial.M"),
        load_double(Mode::M, DATA),
        denied(DATA),
    );
    entries(&[]);
    check(
        format_args!("pmp.partial.store.data"),
        memory::read64(DATA),
        7,
    );
}

/// With some entry on, S and U need a match; M does not.
fn nothing_matches() {
    // Only the code's pages, and only for reading and executing.
    entries(&[(napot(memory::CODE, 12), NAPOT | R | X)]);
    hart::write(csr::PMPCFG2, 0);
    crate::paging::flush();
    for mode in [Mode::S, Mode::U] {
        let got = load_word(mode, DATA);
        check(format_args!("pmp.no-match.{mode:?}"), got, denied(DATA));
    }
    check(
        format_args!("pmp.no-match.M"),
        load_word(Mode::M, DATA),
        End::Done(DATA),
    );
    hart::reset();
}

fn registers() {
    let kept = hart::write(csr::PMPADDR0, u64::MAX).unwrap_or(0);
    check_peer(format_args!("pmpaddr.width"), kept >> 54, 0, 0x3ff);
    let kept = hart::write(csr::PMPCFG0, 0x7f).unwrap_or(u64::MAX);
    check_peer(format_args!("pmpcfg.reserved"), kept, 0x1f, 0x7f);
    hart::write(csr::PMPCFG0, 0);
    for (name, number) in [("pmpcfg1", csr::PMPCFG0 + 1), ("pmpcfg3", csr::PMPCFG2 + 1)] {
        let instruction = csrrs(A0, number, ZERO);
        let got = run(Mode::M, &[instruction], &[]);
        let want = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
        check(format_args!("{name}.missing"), got, want);
    }
    for index in [0, 7, 15] {
        let present = hart::read(csr::PMPADDR0 + index).is_some();
        check(format_args!("pmpaddr{index}.present"), present, true);
    }
}

/// Locks hold until the machine starts again, so this group comes last of all.
pub fn locks() {
    let page = DATA + 0x1_0000;
    memory::write64(page, 1);
    hart::write(csr::PMPADDR0 + 4, napot(page, 12));
    hart::write(csr::PMPADDR0 + 5, (page + 0x2000) >> 2);
    hart::write(csr::PMPADDR0 + 6, (page + 0x3000) >> 2);
    let locked = (LOCK | NAPOT) << 32 | (LOCK | TOR | R) << 48;
    hart::write(csr::PMPCFG0, locked);
    crate::paging::flush();
    for mode in [Mode::M, Mode::S] {
        check(
            format_args!("pmp.lock.load.{mode:?}"),
            load_word(mode, page),
            denied(page),
        );
        let got = run(mode, &[store(2, A1, A0, 0)], &[page + 0x2000, 1]);
        let want = End::Trap(Mode::M, cause::STORE_ACCESS, 0, page + 0x2000);
        check(format_args!("pmp.lock.store.{mode:?}"), got, want);
        let got = load_word(mode, page + 0x2000);
        check(
            format_args!("pmp.lock.read-only.{mode:?}"),
            got,
            End::Done(page + 0x2000),
        );
    }
    check(
        format_args!("pmp.lock.config"),
        hart::write(csr::PMPCFG0, 0),
        Some(locked),
    );
    let kept = hart::write(csr::PMPADDR0 + 4, 0);
    check(
        format_args!("pmp.lock.address"),
        kept,
        Some(napot(page, 12)),
    );
    let kept = hart::write(csr::PMPADDR0 + 5, 0);
    check(
        format_args!("pmp.lock.tor-bottom"),
        kept,
        Some((page + 0x2000) >> 2),
    );
    let kept = hart::write(csr::PMPADDR0 + 7, 0x1234);
    check(format_args!("pmp.lock.neighbour-free"), kept, Some(0x1234));
}
