//! Changes of mode: what `mret`, `sret` and a trap do to the fields of `mstatus`, what TVM, TW and
//! TSR forbid, and which traps go to S-mode.

use crate::csr::{self, cause, status};
use crate::hart::{self, End, Mode, Run, run};
use crate::insn::{A0, A1, EBREAK, MRET, NOP, SFENCE_VMA, SRET, WFI, ZERO, csrrs, csrrw};
use crate::memory::CODE;
use crate::report::{check, check_newer};

pub fn checks() {
    mret();
    sret();
    entry();
    forbidden();
    delegation();
}

/// Sets `mstatus` and `mepc`, then returns to just behind the `mret`.
const BY_MRET: [u32; 3] = [
    csrrw(ZERO, csr::MSTATUS, A0),
    csrrw(ZERO, csr::MEPC, A1),
    MRET,
];

fn mret() {
    for mode in [Mode::U, Mode::S, Mode::M] {
        let field = (mode as u64) << status::MPP_SHIFT;
        for pie in [0, status::MPIE] {
            let outcome = Run::new(Mode::M, &BY_MRET).go(&[field | pie, CODE + 12]);
            check(
                format_args!("mret.mode.{mode:?}"),
                outcome.from,
                mode as u64,
            );
            // The ecall's own trap moved MIE to MPIE.
            let enabled = outcome.frame.status & status::MPIE != 0;
            check(
                format_args!("mret.mie.{mode:?}.{}", pie != 0),
                enabled,
                pie != 0,
            );
        }
    }
    let [a, b, c] = BY_MRET;
    let code = [a, b, c, csrrs(A0, csr::MSTATUS, ZERO)];
    let in_m = |bits| {
        Run::new(Mode::M, &code)
            .go(&[bits | status::MPP, CODE + 12])
            .register(A0)
    };
    check(
        format_args!("mret.mpie-set"),
        in_m(0) & status::MPIE,
        status::MPIE,
    );
    check(format_args!("mret.mpp-is-u"), in_m(0) & status::MPP, 0);
    check(
        format_args!("mret.mprv-kept-for-m"),
        in_m(status::MPRV) & status::MPRV,
        status::MPRV,
    );
    for mode in [Mode::U, Mode::S] {
        let field = (mode as u64) << status::MPP_SHIFT;
        let outcome = Run::new(Mode::M, &BY_MRET).go(&[field | status::MPRV, CODE + 12]);
        let mprv = outcome.frame.status & status::MPRV;
        check_newer(format_args!("mret.mprv-cleared"), mprv, 0);
    }
}

fn sret() {
    let code = [
        csrrw(ZERO, csr::SSTATUS, A0),
        csrrw(ZERO, csr::SEPC, A1),
        SRET,
    ];
    for (mode, spp) in [(Mode::U, 0), (Mode::S, status::SPP)] {
        for from in [Mode::S, Mode::M] {
            for spie in [0, status::SPIE] {
                let outcome = Run::new(from, &code).go(&[spp | spie, CODE + 12]);
                check(
                    format_args!("sret.mode.{from:?}-to-{mode:?}"),
                    outcome.from,
                    mode as u64,
                );
                let after = outcome.frame.status;
                let want = (spie != 0, true, false);
                let got = (
                    after & status::SIE != 0,
                    after & status::SPIE != 0,
                    after & status::SPP != 0,
                );
                check(
                    format_args!("sret.fields.{from:?}-to-{mode:?}.{}", spie != 0),
                    got,
                    want,
                );
            }
        }
    }
    let outcome = Run::new(Mode::M, &code)
        .status(status::MPRV)
        .go(&[0, CODE + 12]);
    check_newer(
        format_args!("sret.mprv-cleared"),
        outcome.frame.status & status::MPRV,
        0,
    );
    // A trap into M-mode does not touch what S-mode keeps.
    let outcome = Run::new(Mode::S, &[NOP])
        .status(status::SIE | status::SPP)
        .go(&[]);
    let kept = outcome.frame.status & (status::SIE | status::SPIE | status::SPP);
    check(
        format_args!("trap.keeps-s-fields"),
        kept,
        status::SIE | status::SPP,
    );
}

/// What a trap does to the fields.
fn entry() {
    for mode in [Mode::U, Mode::S, Mode::M] {
        for mie in [0, status::MIE] {
            // Entered by mret, so MIE comes from MPIE.
            let pie = if mie == 0 { 0 } else { status::MPIE };
            let outcome = Run::new(mode, &[NOP]).status(pie).go(&[]);
            let got = outcome.frame.status & (status::MIE | status::MPIE | status::MPP);
            let want = pie | (mode as u64) << status::MPP_SHIFT;
            check(format_args!("trap.fields.{mode:?}.{}", mie != 0), got, want);
        }
    }
    hart::set(csr::MEDELEG, 1 << cause::BREAKPOINT);
    for mode in [Mode::U, Mode::S] {
        for sie in [0, status::SIE] {
            let outcome = Run::new(mode, &[EBREAK]).status(sie).go(&[]);
            let got = outcome.s_status & (status::SIE | status::SPIE | status::SPP);
            let spp = if mode == Mode::S { status::SPP } else { 0 };
            let spie = if sie == 0 { 0 } else { status::SPIE };
            check(
                format_args!("trap.s-fields.{mode:?}.{}", sie != 0),
                got,
                spp | spie,
            );
        }
    }
    hart::clear(csr::MEDELEG, u64::MAX);
}

/// TVM, TW and TSR.
fn forbidden() {
    let read_satp = csrrs(A0, csr::SATP, ZERO);
    let write_satp = csrrw(ZERO, csr::SATP, ZERO);
    let back = csrrw(ZERO, csr::SEPC, A1);
    let cases: [(&str, u64, &[u32]); 5] = [
        ("tvm.sfence.vma", status::TVM, &[SFENCE_VMA]),
        ("tvm.read-satp", status::TVM, &[read_satp]),
        ("tvm.write-satp", status::TVM, &[write_satp]),
        (
            "tsr.sret",
            status::TSR,
            &[back, csrrs(ZERO, csr::SSTATUS, A0), SRET],
        ),
        ("tw.wfi", status::TW, &[WFI]),
    ];
    // An interrupt that is pending and enabled in mie, but not taken: wfi ends at once.
    hart::set(csr::MIE, csr::irq::SSI);
    hart::set(csr::MIDELEG, csr::irq::SSI);
    hart::set(csr::MIP, csr::irq::SSI);
    for (name, bit, code) in cases {
        let at = 4 * (code.len() as u64 - 1);
        let last = code.last().copied().unwrap_or(0);
        let arguments = [status::SPP, CODE + 4 * code.len() as u64];
        let illegal = End::Trap(Mode::M, cause::ILLEGAL, at, u64::from(last));
        let got = Run::new(Mode::S, code).status(bit).end(&arguments);
        check(format_args!("mstatus.{name}.S"), got, illegal);
        // Without the bit, and for M-mode with it, nothing is forbidden.
        let got = Run::new(Mode::S, code).end(&arguments);
        check(
            format_args!("mstatus.{name}.off"),
            matches!(got, End::Done(_)),
            true,
        );
        let got = Run::new(Mode::M, code).status(bit).go(&arguments);
        let left = matches!(got.end, End::Done(_));
        check(format_args!("mstatus.{name}.M"), left, true);
    }
    hart::reset();
    // Any time limit is allowed for U-mode, zero included: QEMU takes zero.
    let got = Run::new(Mode::U, &[WFI]).status(status::TW).end(&[]);
    let want = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(WFI));
    check(format_args!("mstatus.tw.wfi.U"), got, want);
}

fn delegation() {
    let cases: [(&str, &[u32], u64, u64); 3] = [
        ("illegal", &[NOP, 0xffff_ffff], cause::ILLEGAL, 0xffff_ffff),
        ("mret", &[NOP, MRET], cause::ILLEGAL, MRET as u64),
        (
            "load",
            &[NOP, crate::insn::ld(A1, A0, 0)],
            cause::LOAD_ACCESS,
            NOWHERE,
        ),
    ];
    const NOWHERE: u64 = 0x20_0000_0000_0000 - 0x1000;
    for (name, code, number, tval) in cases {
        hart::write(csr::MEDELEG, 1 << number);
        for mode in [Mode::U, Mode::S] {
            let got = run(mode, code, &[NOWHERE]);
            let want = End::Trap(Mode::S, number, 4, tval);
            check(format_args!("medeleg.{name}.{mode:?}"), got, want);
        }
        if name != "mret" {
            let got = run(Mode::M, code, &[NOWHERE]);
            let want = End::Trap(Mode::M, number, 4, tval);
            check(format_args!("medeleg.{name}.not-from-M"), got, want);
        }
        // Other causes stay with M-mode.
        hart::write(
            csr::MEDELEG,
            !(1 << number | 1 << cause::ECALL_S | 1 << cause::ECALL_U),
        );
        let got = run(Mode::U, code, &[NOWHERE]);
        check(
            format_args!("medeleg.{name}.others"),
            got,
            End::Trap(Mode::M, number, 4, tval),
        );
    }
    hart::write(csr::MEDELEG, 1 << cause::ECALL_U);
    let got = run(Mode::U, &[NOP], &[]);
    check(
        format_args!("medeleg.ecall.U"),
        got,
        End::Trap(Mode::S, cause::ECALL_U, 4, 0),
    );
    let got = run(Mode::S, &[NOP], &[7]);
    check(format_args!("medeleg.ecall.S"), got, End::Done(7));
    hart::write(csr::MEDELEG, 0);
}
