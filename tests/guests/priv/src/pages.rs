//! Sv39, Sv48 and Sv57: every combination of permissions against a model, and each rule of the
//! walk on its own.

use crate::csr::{self, cause, status};
use crate::hart::{self, End, Mode, Run};
use crate::insn::{A0, A1, ECALL, RA, jalr, ld, sd};
use crate::memory::{self, DATA};
use crate::paging::{Place, SCHEMES, Scheme, point, pte};
use crate::report::{check, check_newer, skip};

/// A kind of access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// `ld`.
    Load,
    /// `sd`.
    Store,
    /// A jump to an `ecall`.
    Fetch,
}

/// All kinds.
pub const ACCESSES: [Access; 3] = [Access::Load, Access::Store, Access::Fetch];

impl Access {
    /// Its page fault.
    pub fn page_fault(self) -> u64 {
        match self {
            Self::Load => cause::LOAD_PAGE,
            Self::Store => cause::STORE_PAGE,
            Self::Fetch => cause::FETCH_PAGE,
        }
    }

    /// Its access fault.
    pub fn access_fault(self) -> u64 {
        match self {
            Self::Load => cause::LOAD_ACCESS,
            Self::Store => cause::STORE_ACCESS,
            Self::Fetch => cause::FETCH_ACCESS,
        }
    }

    /// The instruction that makes it at the address in a0.
    pub fn instruction(self) -> u32 {
        match self {
            Self::Load => ld(A1, A0, 0),
            Self::Store => sd(A1, A0, 0),
            Self::Fetch => jalr(RA, A0, 0),
        }
    }

    /// Makes the access: `None` if it worked, or else the cause, if value and address are right.
    pub fn attempt(self, mode: Mode, bits: u64, address: u64) -> Result<(), u64> {
        memory::write64(DATA, u64::from(ECALL));
        let code = self.instruction();
        let outcome = Run::new(mode, &[code])
            .status(bits)
            .go(&[address, u64::from(ECALL)]);
        match outcome.end {
            End::Done(_) => Ok(()),
            End::Trap(_, number, ..) if self == Self::Fetch && (8..=9).contains(&number) => {
                if outcome.frame.epc == address {
                    Ok(())
                } else {
                    Err(WRONG)
                }
            }
            End::Trap(_, number, at, value) => {
                let right_place = if self == Self::Fetch {
                    outcome.frame.epc == address
                } else {
                    at == 0
                };
                if right_place && value == address {
                    Err(number)
                } else {
                    Err(WRONG)
                }
            }
        }
    }
}

/// Not a cause: the trap named a wrong place or value.
const WRONG: u64 = 0xbad;

pub fn checks() {
    for scheme in SCHEMES {
        if !scheme.exists() {
            skip(scheme.name, "this hart does not have it");
            continue;
        }
        scheme.start();
        permissions(scheme);
        levels(scheme);
        malformed(scheme);
        canonical(scheme);
        faulting_walk(scheme);
        scheme.stop();
        hart::reset();
    }
}

/// What the manual says about a leaf with A and D set.
fn allowed(flags: u64, access: Access, mode: Mode, bits: u64) -> bool {
    let has = |bit| flags & bit != 0;
    if !has(pte::V) || !has(pte::R) && (has(pte::W) || !has(pte::X)) {
        return false;
    }
    let right = match access {
        Access::Load => has(pte::R) || has(pte::X) && bits & status::MXR != 0,
        Access::Store => has(pte::W),
        Access::Fetch => has(pte::X),
    };
    let mode_right = match mode {
        Mode::U => has(pte::U),
        _ => !has(pte::U) || access != Access::Fetch && bits & status::SUM != 0,
    };
    right && mode_right
}

/// All 32 combinations of V, R, W, X and U, with and without SUM and MXR.
fn permissions(scheme: Scheme) {
    let place = scheme.place(0);
    for mode in [Mode::S, Mode::U] {
        for access in ACCESSES {
            for bits in [0, status::SUM, status::MXR, status::SUM | status::MXR] {
                let wrong = first_wrong(place, access, mode, bits);
                let sum = u8::from(bits & status::SUM != 0);
                let mxr = u8::from(bits & status::MXR != 0);
                let name = scheme.name;
                check(
                    format_args!("{name}.rights.{access:?}.{mode:?}.sum{sum}.mxr{mxr}"),
                    wrong,
                    None,
                );
            }
        }
    }
}

/// The first combination that did not do what it should: (flags, result).
fn first_wrong(
    place: Place,
    access: Access,
    mode: Mode,
    bits: u64,
) -> Option<(u64, Result<(), u64>)> {
    (0..32).find_map(|flags| {
        place.leaf(flags | pte::A | pte::D);
        let got = access.attempt(mode, bits, place.address);
        let want = if allowed(flags, access, mode, bits) {
            Ok(())
        } else {
            Err(access.page_fault())
        };
        (got != want).then_some((flags, got))
    })
}

/// Leaves of every size.
fn levels(scheme: Scheme) {
    for level in 0..scheme.levels {
        let place = scheme.place(level);
        let saved = place.get();
        for access in ACCESSES {
            place.leaf(pte::ALL);
            let got = access.attempt(Mode::S, 0, place.address);
            check(
                format_args!("{}.leaf-{level}.{access:?}", scheme.name),
                got,
                Ok(()),
            );
            if level > 0 {
                // Some low bit of the page number is set: a misaligned superpage.
                let lowest = point(1 << 12, 0);
                let highest = point(1 << (12 + 9 * level - 1), 0);
                for (name, bit) in [("low", lowest), ("high", highest)] {
                    place.put(point(place.page, pte::ALL) ^ bit);
                    let got = access.attempt(Mode::S, 0, place.address);
                    let want = Err(access.page_fault());
                    check(
                        format_args!("{}.misaligned-{level}.{name}.{access:?}", scheme.name),
                        got,
                        want,
                    );
                }
            }
        }
        place.put(saved);
    }
}

/// Entries that the manual reserves.
fn malformed(scheme: Scheme) {
    let place = scheme.place(0);
    for bit in 54..61 {
        place.put(point(place.page, pte::ALL) | 1 << bit);
        let got = Access::Load.attempt(Mode::S, 0, place.address);
        check_newer(
            format_args!("{}.reserved-bit-{bit}", scheme.name),
            got,
            Err(cause::LOAD_PAGE),
        );
    }
    // A pointer where there is no further level.
    place.put(point(place.page, pte::V));
    let got = Access::Load.attempt(Mode::S, 0, place.address);
    check(
        format_args!("{}.pointer-at-level-0", scheme.name),
        got,
        Err(cause::LOAD_PAGE),
    );
    place.leaf(pte::ALL);
    // The pointer above, with bits that only leaves may have.
    let above = Place {
        entry: scheme.place(1).entry - 8,
        ..place
    };
    let good = above.get();
    for (name, bit) in [("a", pte::A), ("d", pte::D), ("u", pte::U), ("n", pte::N)] {
        above.put(good | bit);
        let got = Access::Load.attempt(Mode::S, 0, place.address);
        check(
            format_args!("{}.pointer-with-{name}", scheme.name),
            got,
            Err(cause::LOAD_PAGE),
        );
    }
    above.put(good | pte::G);
    let got = Access::Load.attempt(Mode::S, 0, place.address);
    check(format_args!("{}.pointer-with-g", scheme.name), got, Ok(()));
    above.put(good & !pte::V);
    for access in ACCESSES {
        let got = access.attempt(Mode::S, 0, place.address);
        let want = Err(access.page_fault());
        check(
            format_args!("{}.pointer-invalid.{access:?}", scheme.name),
            got,
            want,
        );
    }
    above.put(good);
}

/// Addresses whose upper bits do not repeat the highest translated one.
fn canonical(scheme: Scheme) {
    let bits = 12 + 9 * scheme.levels as u32;
    let place = scheme.place(0);
    place.leaf(pte::ALL);
    let cases = [
        ("top-bit", place.address | 1 << (bits - 1) | 1 << 63),
        ("one-above", place.address | 1 << bits),
        ("bit-63", place.address | 1 << 63),
    ];
    for (name, address) in cases {
        for access in ACCESSES {
            let got = access.attempt(Mode::S, 0, address);
            let want = Err(access.page_fault());
            check(
                format_args!("{}.canonical.{name}.{access:?}", scheme.name),
                got,
                want,
            );
        }
    }
    // The upper half itself works: its last gigabyte, through the last entry of the chain.
    let root = memory::read64(scheme.place(2).entry - 8 * 13 + 8 * 2);
    let top = scheme.place(scheme.levels - 1).entry & !0xfff;
    let entry = Place {
        entry: top + 8 * 511,
        ..place
    };
    let gigabytes = scheme.place(2).entry & !0xfff;
    let last = Place {
        entry: gigabytes + 8 * 511,
        ..place
    };
    last.put(root);
    if scheme.levels > 3 {
        entry.put(point(
            scheme.place(scheme.levels - 2).entry & !0xfff,
            pte::V,
        ));
    }
    if scheme.levels == 5 {
        let middle = scheme.place(3).entry & !0xfff;
        Place {
            entry: middle + 8 * 511,
            ..place
        }
        .put(point(gigabytes, pte::V));
    }
    let address = 0xffff_ffff_c000_0000 + (DATA - 0x8000_0000);
    for access in ACCESSES {
        let got = access.attempt(Mode::S, 0, address);
        check(
            format_args!("{}.upper-half.{access:?}", scheme.name),
            got,
            Ok(()),
        );
    }
}

/// A table that PMP keeps S-mode from: an access fault of the kind of the access, not a page fault.
fn faulting_walk(scheme: Scheme) {
    let place = scheme.place(0);
    place.leaf(pte::ALL);
    hart::write(csr::PMPADDR0, (place.entry & !0xfff) >> 2 | 0x1ff);
    hart::write(csr::PMPCFG0, 0x18);
    crate::paging::flush();
    for access in ACCESSES {
        let got = access.attempt(Mode::S, 0, place.address);
        let want = Err(access.access_fault());
        check(
            format_args!("{}.table-denied.{access:?}", scheme.name),
            got,
            want,
        );
    }
    hart::write(csr::PMPCFG0, 0);
    crate::paging::flush();
    // A leaf that points to where there is nothing.
    place.put(point(0x80_0000_0000_0000 - 0x1000, pte::ALL));
    for access in ACCESSES {
        let got = access.attempt(Mode::S, 0, place.address);
        let want = Err(access.access_fault());
        check(
            format_args!("{}.leaf-nowhere.{access:?}", scheme.name),
            got,
            want,
        );
    }
}
