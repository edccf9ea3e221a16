//! `mstatus.FS`: off means off, and every change of floating-point state makes it dirty.

use crate::csr::{self, cause, status};
use crate::hart::{End, Mode, Run};
use crate::insn::{A0, A1, ZERO, csrrs, csrrw, fadd_d, fdiv_d, fld, fmv_d_x, fmv_x_d};
use crate::memory::DATA;
use crate::report::{check, check_newer};

/// What an instruction does to the state.
const CASES: [(&str, u32, bool); 9] = [
    ("fadd.d", fadd_d(0, 0, 0), true),
    ("fld", fld(0, A0, 0), true),
    ("fmv.d.x", fmv_d_x(0, A0), true),
    ("fmv.x.d", fmv_x_d(A0, 0), false),
    ("read-fcsr", csrrs(A0, csr::FCSR, ZERO), false),
    ("read-fflags", csrrs(A0, csr::FFLAGS, ZERO), false),
    ("write-fcsr", csrrw(ZERO, csr::FCSR, ZERO), true),
    ("write-fflags", csrrw(ZERO, csr::FFLAGS, ZERO), true),
    ("write-frm", csrrw(ZERO, csr::FRM, ZERO), true),
];

pub fn checks() {
    for mode in [Mode::M, Mode::S, Mode::U] {
        for (name, instruction, dirties) in CASES {
            let got = Run::new(mode, &[instruction]).end(&[DATA]);
            let want = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(instruction));
            check(format_args!("fs.off.{name}.{mode:?}"), got, want);
            for (state, bits) in [
                ("initial", status::FS_INITIAL),
                ("clean", status::FS_CLEAN),
                ("dirty", status::FS_DIRTY),
            ] {
                let outcome = Run::new(mode, &[instruction]).status(bits).go(&[DATA]);
                let after = outcome.frame.status & (status::FS | status::SD);
                let dirty = dirties || bits == status::FS_DIRTY;
                let want = if dirty {
                    status::FS_DIRTY | status::SD
                } else {
                    bits
                };
                check_newer(format_args!("fs.{state}.{name}.{mode:?}"), after, want);
            }
        }
    }
    flags();
}

fn flags() {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let code = [
        csrrw(ZERO, csr::FCSR, ZERO),
        fmv_d_x(1, A0),
        fmv_d_x(2, A1),
        fdiv_d(3, 1, 2),
        csrrs(A0, csr::FFLAGS, ZERO),
    ];
    let got = Run::new(Mode::S, &code)
        .status(status::FS_CLEAN)
        .end(&[ONE, 0]);
    check(format_args!("fflags.divide-by-zero"), got, End::Done(8));
    let got = Run::new(Mode::S, &code)
        .status(status::FS_CLEAN)
        .end(&[0, 0]);
    check(format_args!("fflags.invalid"), got, End::Done(16));
    // Rounding modes 5 and 6 are reserved, and 7 in frm as well.
    let dynamic = fadd_d(0, 0, 0);
    for mode in 0..8 {
        let code = [csrrw(ZERO, csr::FRM, A0), dynamic];
        let got = Run::new(Mode::U, &code)
            .status(status::FS_CLEAN)
            .end(&[mode]);
        let illegal = End::Trap(Mode::M, cause::ILLEGAL, 4, u64::from(dynamic));
        let want = if mode < 5 { End::Done(mode) } else { illegal };
        check(format_args!("frm.{mode}"), got, want);
    }
}
