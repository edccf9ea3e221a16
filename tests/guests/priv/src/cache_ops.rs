//! Cache-block operations (Zicbom, Zicboz): who may use them, and which faults they raise.

use crate::csr::{self, cause, envcfg};
use crate::hart::{self, End, Mode, run};
use crate::insn::{CBO_CLEAN, CBO_FLUSH, CBO_INVAL, CBO_ZERO};
use crate::memory::{self, DATA};
use crate::paging::{SCHEMES, pte};
use crate::report::{check, skip};

const BLOCK: u64 = 64;

pub fn checks() {
    if !matches!(run(Mode::M, &[CBO_ZERO], &[DATA]), End::Done(_)) {
        skip("cbo", "this hart has no cache-block operations");
        return;
    }
    zeroing();
    gates();
    faults();
    hart::reset();
}

/// All of the block that the address is in, and nothing else.
fn zeroing() {
    for offset in [0, 1, 63] {
        for word in 0..24 {
            memory::write64(DATA + 8 * word, u64::MAX);
        }
        run(Mode::M, &[CBO_ZERO], &[DATA + BLOCK + offset]);
        let wrong = (0..24).find(|word| {
            let inside = (8..16).contains(word);
            memory::read64(DATA + 8 * word) != if inside { 0 } else { u64::MAX }
        });
        check(format_args!("cbo.zero.block.{offset}"), wrong, None);
    }
}

/// `menvcfg` for S-mode, and `senvcfg` on top for U-mode.
fn gates() {
    let cases = [
        ("zero", CBO_ZERO, envcfg::CBZE, envcfg::CBZE),
        ("clean", CBO_CLEAN, envcfg::CBCFE, envcfg::CBCFE),
        ("flush", CBO_FLUSH, envcfg::CBCFE, envcfg::CBCFE),
        ("inval", CBO_INVAL, envcfg::CBIE, envcfg::CBIE),
        ("inval-as-flush", CBO_INVAL, 1 << 4, 1 << 4),
    ];
    for (name, instruction, machine_bit, supervisor_bit) in cases {
        let illegal = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
        for machine in [0, machine_bit] {
            for supervisor in [0, supervisor_bit] {
                hart::write(csr::MENVCFG, machine);
                hart::write(csr::SENVCFG, supervisor);
                let open_s = machine != 0;
                let open_u = open_s && supervisor != 0;
                for (mode, open) in [(Mode::M, true), (Mode::S, open_s), (Mode::U, open_u)] {
                    let got = run(mode, &[instruction], &[DATA]);
                    let want = if open { End::Done(DATA) } else { illegal };
                    check(
                        format_args!("cbo.{name}.m{}.s{}.{mode:?}", machine != 0, supervisor != 0),
                        got,
                        want,
                    );
                }
            }
        }
    }
}

/// They are stores, except that the management ones are content with any right.
fn faults() {
    let [sv39, ..] = SCHEMES;
    sv39.start();
    hart::write(csr::MENVCFG, envcfg::CBZE | envcfg::CBCFE | envcfg::CBIE);
    let place = sv39.place(0);
    let fault = End::Trap(Mode::M, cause::STORE_PAGE, 0, place.address);
    place.put(0);
    for (name, instruction) in [
        ("zero", CBO_ZERO),
        ("clean", CBO_CLEAN),
        ("inval", CBO_INVAL),
    ] {
        let got = run(Mode::S, &[instruction], &[place.address]);
        check(format_args!("cbo.{name}.unmapped"), got, fault);
    }
    place.leaf(pte::V | pte::R | pte::A | pte::D);
    let got = run(Mode::S, &[CBO_ZERO], &[place.address]);
    check(format_args!("cbo.zero.read-only"), got, fault);
    for (name, instruction) in [
        ("clean", CBO_CLEAN),
        ("flush", CBO_FLUSH),
        ("inval", CBO_INVAL),
    ] {
        let got = run(Mode::S, &[instruction], &[place.address]);
        check(
            format_args!("cbo.{name}.read-only"),
            got,
            End::Done(place.address),
        );
    }
    sv39.stop();
}
