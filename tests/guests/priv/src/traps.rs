//! Exceptions as such: cause, address and value of each kind, in every mode.

use crate::csr::{self, cause};
use crate::hart::{End, Mode, Run, run};
use crate::insn::{A0, A1, EBREAK, MRET, NOP, RA, SFENCE_VMA, SRET, ZERO, csrrs, csrrw, jalr, ld};
use crate::memory::DATA;
use crate::report::check;

const MODES: [Mode; 3] = [Mode::M, Mode::S, Mode::U];

/// Instructions that no mode may execute, and their names.
const NEVER: [(&str, u32); 6] = [
    ("zeros", 0),
    ("ones", 0xffff_ffff),
    ("custom", 0x0000_707f),
    ("write-of-read-only", csrrw(ZERO, csr::CYCLE, A0)),
    ("missing-csr", csrrs(A0, 0x5c0, ZERO)),
    ("debug-csr", csrrs(A0, 0x7b0, ZERO)),
];

pub fn checks() {
    illegal();
    by_mode();
    calls();
    jumps();
    addresses();
}

fn illegal() {
    for mode in MODES {
        for (name, instruction) in NEVER {
            // An all-zero parcel is a 16-bit instruction, so its value has 16 bits: zero as well.
            let want = End::Trap(Mode::M, cause::ILLEGAL, 4, u64::from(instruction));
            let got = run(mode, &[NOP, instruction], &[]);
            check(format_args!("trap.illegal.{name}.{mode:?}"), got, want);
        }
        // 16-bit: c.addi4spn with a zero immediate is reserved; the value holds these bits only.
        let got = run(mode, &[NOP, 0x0001_0004], &[]);
        let want = End::Trap(Mode::M, cause::ILLEGAL, 4, 0x0004);
        check(format_args!("trap.illegal.compressed.{mode:?}"), got, want);
    }
}

/// Instructions and registers that a lower mode may not touch.
fn by_mode() {
    let privileged: [(&str, u32, Mode); 9] = [
        ("mret", MRET, Mode::M),
        ("read-mstatus", csrrs(A0, csr::MSTATUS, ZERO), Mode::M),
        ("read-mhartid", csrrs(A0, csr::MHARTID, ZERO), Mode::M),
        ("write-mtvec", csrrw(ZERO, csr::MTVEC, A0), Mode::M),
        ("read-pmpcfg0", csrrs(A0, csr::PMPCFG0, ZERO), Mode::M),
        ("sret", SRET, Mode::S),
        ("sfence.vma", SFENCE_VMA, Mode::S),
        ("read-sstatus", csrrs(A0, csr::SSTATUS, ZERO), Mode::S),
        ("read-satp", csrrs(A0, csr::SATP, ZERO), Mode::S),
    ];
    for (name, instruction, least) in privileged {
        for mode in [Mode::S, Mode::U] {
            if (mode as u8) < least as u8 {
                let got = run(mode, &[instruction], &[]);
                let want = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
                check(format_args!("trap.privilege.{name}.{mode:?}"), got, want);
            }
        }
    }
}

fn calls() {
    for (mode, number) in [(Mode::U, 8), (Mode::S, 9), (Mode::M, 11)] {
        let outcome = Run::new(mode, &[NOP]).go(&[7]);
        check(
            format_args!("trap.ecall.cause.{mode:?}"),
            outcome.frame.cause,
            number,
        );
        check(
            format_args!("trap.ecall.tval.{mode:?}"),
            outcome.frame.tval,
            0,
        );
        check(
            format_args!("trap.ecall.from.{mode:?}"),
            outcome.from,
            mode as u64,
        );
        let outcome = Run::new(mode, &[NOP, EBREAK]).go(&[]);
        check(
            format_args!("trap.ebreak.cause.{mode:?}"),
            outcome.frame.cause,
            cause::BREAKPOINT,
        );
        // The manual allows zero or the address; both are in use.
        let tval = outcome.frame.tval;
        let good = tval == 0 || tval == outcome.frame.epc;
        check(format_args!("trap.ebreak.tval.{mode:?}"), good, true);
    }
}

/// With C no jump can be misaligned: jalr drops bit 0, and bit 1 is fine.
fn jumps() {
    let landing = DATA + 2;
    // c.nop, then ecall two bytes further: an ecall that is not aligned to four.
    crate::memory::write32(DATA, 0x0073_0001);
    crate::memory::write32(DATA + 4, 0);
    for mode in MODES {
        for (name, target) in [("even", landing), ("odd", landing + 1)] {
            let outcome = Run::new(mode, &[jalr(RA, A0, 0)]).go(&[target]);
            let got = (outcome.frame.cause, outcome.frame.epc);
            let want = (8 + mode as u64, landing);
            check(format_args!("trap.jump.{name}.{mode:?}"), got, want);
        }
    }
}

/// Accesses where there is neither memory nor device.
fn addresses() {
    const NOWHERE: u64 = 0x20_0000_0000_0000 - 0x1000;
    for mode in MODES {
        let got = run(mode, &[ld(A1, A0, 0)], &[NOWHERE]);
        let want = End::Trap(Mode::M, cause::LOAD_ACCESS, 0, NOWHERE);
        check(format_args!("trap.nowhere.load.{mode:?}"), got, want);
        let got = run(mode, &[crate::insn::sd(A1, A0, 0)], &[NOWHERE]);
        let want = End::Trap(Mode::M, cause::STORE_ACCESS, 0, NOWHERE);
        check(format_args!("trap.nowhere.store.{mode:?}"), got, want);
        let outcome = Run::new(mode, &[jalr(RA, A0, 0)]).go(&[NOWHERE]);
        let got = (outcome.frame.cause, outcome.frame.epc, outcome.frame.tval);
        let want = (cause::FETCH_ACCESS, NOWHERE, NOWHERE);
        check(format_args!("trap.nowhere.fetch.{mode:?}"), got, want);
    }
}
