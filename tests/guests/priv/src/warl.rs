//! Registers that take any write and keep a legal value (WARL), and those that are views of others.

use crate::csr::{self, envcfg, irq, status};
use crate::hart::{self, End, Mode, run};
use crate::insn::{A0, A1, ZERO, csrrc, csrrs, csrrw};
use crate::report::{check, check_newer, check_peer, skip};

pub fn checks() {
    status_fields();
    views();
    vectors();
    translation();
    interrupts();
    plain();
    delegation();
    identity();
    float();
    environment();
}

/// Writes in M-mode and says what stayed.
fn kept(number: u32, value: u64) -> u64 {
    hart::write(number, value).unwrap_or(0xdead_dead_dead_dead)
}

fn status_fields() {
    let fields = [
        ("sie", status::SIE),
        ("mie", status::MIE),
        ("spie", status::SPIE),
        ("mpie", status::MPIE),
        ("spp", status::SPP),
        ("mprv", status::MPRV),
        ("sum", status::SUM),
        ("mxr", status::MXR),
        ("tvm", status::TVM),
        ("tw", status::TW),
        ("tsr", status::TSR),
        ("fs", status::FS),
        ("fs-initial", status::FS_INITIAL),
        ("fs-clean", status::FS_CLEAN),
    ];
    let all: u64 = fields.iter().fold(status::MPP, |all, (_, bits)| all | bits);
    for (name, bits) in fields {
        check(
            format_args!("mstatus.{name}"),
            kept(csr::MSTATUS, bits) & all,
            bits,
        );
    }
    for (value, want) in [(0, 0), (1, 1), (3, 3)] {
        let field = kept(csr::MSTATUS, value << status::MPP_SHIFT) >> status::MPP_SHIFT & 3;
        check(format_args!("mstatus.mpp.{value}"), field, want);
    }
    // Two is no mode; what stays instead is free.
    let field = kept(csr::MSTATUS, 2 << status::MPP_SHIFT) >> status::MPP_SHIFT & 3;
    check_newer(format_args!("mstatus.mpp.reserved"), field != 2, true);
    for (name, bits, want) in [
        ("dirty", status::FS_DIRTY, status::SD),
        ("clean", status::FS_CLEAN, 0),
        ("initial", status::FS_INITIAL, 0),
        ("forced", status::SD, 0),
    ] {
        check(
            format_args!("mstatus.sd.{name}"),
            kept(csr::MSTATUS, bits) & status::SD,
            want,
        );
    }
    let value = kept(csr::MSTATUS, 0);
    check(format_args!("mstatus.uxl-sxl"), value >> 32 & 0xf, 0xa);
    let reserved = 1 | 1 << 2 | 1 << 4 | 0x7f << 25;
    check(
        format_args!("mstatus.reserved"),
        kept(csr::MSTATUS, reserved) & reserved,
        0,
    );
}

/// `sstatus`, `sie` and `sip` show parts of the M-mode registers.
fn views() {
    let machine_only = status::MIE | status::MPIE | status::MPP | status::MPRV | status::TVM;
    let machine_only = machine_only | status::TW | status::TSR;
    let shared = status::SIE | status::SPIE | status::SPP | status::SUM | status::MXR | status::FS;
    let code = [csrrw(ZERO, csr::MSTATUS, A0), csrrs(A0, csr::SSTATUS, ZERO)];
    let End::Done(seen) = run(Mode::M, &code, &[machine_only | shared]) else {
        return;
    };
    check(
        format_args!("sstatus.shows"),
        seen & (machine_only | shared),
        shared,
    );
    let code = [
        csrrw(ZERO, csr::MSTATUS, A0),
        csrrw(ZERO, csr::SSTATUS, A1),
        csrrs(A0, csr::MSTATUS, ZERO),
    ];
    let set = run(Mode::M, &code, &[status::MPP, u64::MAX]);
    let End::Done(set) = set else { return };
    check(
        format_args!("sstatus.sets"),
        set & (machine_only | shared),
        status::MPP | shared,
    );
    let cleared = run(Mode::M, &code, &[machine_only | shared, 0]);
    let End::Done(cleared) = cleared else { return };
    check(
        format_args!("sstatus.clears"),
        cleared & (machine_only | shared),
        machine_only,
    );

    hart::write(csr::MIDELEG, irq::SSI | irq::SEI);
    hart::write(csr::MIE, irq::S | irq::MTI);
    let seen = run(Mode::S, &[csrrs(A0, csr::SIE, ZERO)], &[]);
    check(
        format_args!("sie.shows-delegated"),
        seen,
        End::Done(irq::SSI | irq::SEI),
    );
    hart::write(csr::MIE, 0);
    run(Mode::S, &[csrrw(ZERO, csr::SIE, A0)], &[u64::MAX]);
    let got = hart::read(csr::MIE).map(|bits| bits & 0xaaa);
    check(
        format_args!("sie.sets-delegated"),
        got,
        Some(irq::SSI | irq::SEI),
    );
    hart::write(csr::MIE, 0);

    hart::write(csr::MIDELEG, irq::S);
    run(Mode::S, &[csrrw(ZERO, csr::SIP, A0)], &[u64::MAX]);
    let got = hart::read(csr::MIP).map(|bits| bits & irq::S);
    check(format_args!("sip.writes-ssip-only"), got, Some(irq::SSI));
    run(Mode::S, &[csrrc(ZERO, csr::SIP, A0)], &[u64::MAX]);
    let got = hart::read(csr::MIP).map(|bits| bits & irq::S);
    check(format_args!("sip.clears-ssip"), got, Some(0));
    hart::write(csr::MIDELEG, 0);
    run(Mode::S, &[csrrw(ZERO, csr::SIP, A0)], &[u64::MAX]);
    let got = hart::read(csr::MIP).map(|bits| bits & irq::S);
    check(format_args!("sip.needs-delegation"), got, Some(0));
    hart::reset();
}

fn vectors() {
    for (name, number) in [("mtvec", csr::MTVEC), ("stvec", csr::STVEC)] {
        // The write must not stay while something may trap, so both happen in one run.
        let code = [csrrw(A1, number, A0), csrrw(A0, number, A1)];
        let keeps = |value| match run(Mode::M, &code, &[value]) {
            End::Done(kept) => kept,
            End::Trap(..) => 0xdead_dead,
        };
        check(
            format_args!("{name}.direct"),
            keeps(0x8000_1000),
            0x8000_1000,
        );
        check(
            format_args!("{name}.vectored"),
            keeps(0x8000_1001),
            0x8000_1001,
        );
        check(
            format_args!("{name}.mode-legal"),
            keeps(0x8000_1002) & 3 < 2,
            true,
        );
        check(
            format_args!("{name}.mode-legal-3"),
            keeps(0x8000_1003) & 3 < 2,
            true,
        );
    }
    for (name, number) in [("mepc.bit0", csr::MEPC), ("sepc.bit0", csr::SEPC)] {
        check_peer(
            format_args!("{name}"),
            kept(number, 0x8000_0003),
            0x8000_0002,
            0x8000_0003,
        );
    }
}

fn translation() {
    const PPN: u64 = 0x8_0000;
    let bare = kept(csr::SATP, 0);
    check(format_args!("satp.bare"), bare, 0);
    // An unsupported mode: the write does nothing at all.
    let code = [
        csrrw(ZERO, csr::SATP, A0),
        csrrw(ZERO, csr::SATP, A1),
        csrrs(A0, csr::SATP, ZERO),
    ];
    for mode in [1, 2, 7, 11, 15] {
        let got = run(Mode::M, &code, &[8 << 60 | PPN, mode << 60 | 0x1234]);
        check(
            format_args!("satp.mode-{mode}-ignored"),
            got,
            End::Done(8 << 60 | PPN),
        );
    }
    let asid = kept(csr::SATP, 8 << 60 | 0xffff << 44 | PPN) >> 44 & 0xffff;
    check(format_args!("satp.asid-contiguous"), asid & (asid + 1), 0);
    check(
        format_args!("satp.ppn"),
        kept(csr::SATP, 8 << 60 | PPN) & 0xfff_ffff_ffff,
        PPN,
    );
    hart::reset();
}

fn interrupts() {
    check(
        format_args!("mie.standard"),
        kept(csr::MIE, 0xaaa) & 0xfff,
        0xaaa,
    );
    check(
        format_args!("mie.reserved"),
        kept(csr::MIE, u64::MAX) & 0x111,
        0,
    );
    hart::write(csr::MIE, 0);
    check(
        format_args!("mip.writable"),
        kept(csr::MIP, 0xaaa) & 0xaaa,
        irq::S,
    );
    check(format_args!("mip.clear"), kept(csr::MIP, 0) & 0xaaa, 0);
    hart::reset();
}

fn plain() {
    const PATTERN: u64 = 0x8123_4567_89ab_cdef;
    for (name, number) in [
        ("mscratch", csr::MSCRATCH),
        ("mtval", csr::MTVAL),
        ("stval", csr::STVAL),
        ("sscratch", csr::SSCRATCH),
    ] {
        let code = [csrrw(A1, number, A0), csrrw(A0, number, A1)];
        let got = run(Mode::M, &code, &[PATTERN]);
        check(format_args!("{name}.whole"), got, End::Done(PATTERN));
    }
    for (name, number) in [("mcause", csr::MCAUSE), ("scause", csr::SCAUSE)] {
        for value in [0, 15, irq::CAUSE | 1, irq::CAUSE | 11] {
            check(format_args!("{name}.{value:x}"), kept(number, value), value);
        }
    }
    // A read-only register may be read by csrrs and csrrc with x0, which do not write.
    let got = run(Mode::M, &[csrrc(A0, csr::MHARTID, ZERO)], &[9]);
    check(format_args!("mhartid.csrrc-x0"), got, End::Done(0));
    let write = csrrs(A0, csr::MHARTID, A1);
    let got = run(Mode::M, &[write], &[9]);
    let want = End::Trap(Mode::M, csr::cause::ILLEGAL, 0, u64::from(write));
    check_newer(format_args!("mhartid.csrrs-a1"), got, want);
}

fn delegation() {
    let got = kept(csr::MIDELEG, u64::MAX) & 0xaaa;
    check(format_args!("mideleg.s-only"), got, irq::S);
    hart::write(csr::MIDELEG, 0);
    let all = kept(csr::MEDELEG, u64::MAX);
    let usual = 0xb1f7;
    check(format_args!("medeleg.usual"), all & usual & !1, usual & !1);
    check(
        format_args!("medeleg.reserved"),
        all & (1 << 14 | 1 << 17),
        0,
    );
    check_newer(format_args!("medeleg.ecall-m"), all & 1 << 11, 0);
    hart::write(csr::MEDELEG, 0);
}

fn identity() {
    let misa = hart::read(csr::MISA).unwrap_or(0);
    check(format_args!("misa.mxl"), misa >> 62, 2);
    for letter in b"acdfimsu" {
        let name = char::from(*letter);
        check(format_args!("misa.{name}"), misa >> (letter - b'a') & 1, 1);
    }
    check(format_args!("mhartid"), hart::read(csr::MHARTID), Some(0));
    check(
        format_args!("mvendorid.readable"),
        hart::read(csr::MVENDORID).is_some(),
        true,
    );
}

fn float() {
    hart::set(csr::MSTATUS, status::FS);
    let code = [
        csrrs(ZERO, csr::MSTATUS, A1),
        csrrw(ZERO, csr::FCSR, A0),
        csrrs(A0, csr::FCSR, ZERO),
    ];
    let got = run(Mode::M, &code, &[u64::MAX, status::FS]);
    check(format_args!("fcsr.bits"), got, End::Done(0xff));
    let code = [
        csrrs(ZERO, csr::MSTATUS, A1),
        csrrw(ZERO, csr::FCSR, A0),
        csrrs(A0, csr::FRM, ZERO),
    ];
    let got = run(Mode::M, &code, &[0x75, status::FS]);
    check(format_args!("fcsr.frm"), got, End::Done(3));
    let code = [
        csrrs(ZERO, csr::MSTATUS, A1),
        csrrw(ZERO, csr::FCSR, A0),
        csrrw(ZERO, csr::FFLAGS, ZERO),
        csrrs(A0, csr::FCSR, ZERO),
    ];
    let got = run(Mode::M, &code, &[0x75, status::FS]);
    check(format_args!("fcsr.fflags"), got, End::Done(0x60));
}

fn environment() {
    let Some(all) = hart::write(csr::MENVCFG, u64::MAX) else {
        skip("menvcfg", "no such register");
        return;
    };
    check(
        format_args!("menvcfg.fiom"),
        all & envcfg::FIOM,
        envcfg::FIOM,
    );
    check(
        format_args!("menvcfg.reserved"),
        all & (1 << 1 | 0xff << 16),
        0,
    );
    // Two is reserved for CBIE.
    let cbie = kept(csr::MENVCFG, 2 << 4) & envcfg::CBIE;
    check_peer(format_args!("menvcfg.cbie"), cbie != 2 << 4, true, false);
    hart::write(csr::MENVCFG, 0);
}
