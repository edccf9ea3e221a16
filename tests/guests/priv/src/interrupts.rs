//! Interrupts: sources, enables, delegation, order, vectors, `wfi`, Sstc and the PLIC.

use crate::csr::{self, cause, envcfg, irq, status};
use crate::entry::vector;
use crate::hart::{self, End, Mode, Run, run};
use crate::insn::{A0, A1, EBREAK, ECALL, NOP, WFI, ZERO, csrrs, csrrw};
use crate::memory::{self, DATA, MSIP, MTIME, MTIMECMP};
use crate::report::{check, check_peer, skip};

const ALL: u64 = irq::S | irq::MSI | irq::MTI;

pub fn checks() {
    sources();
    enables();
    order();
    delegated();
    vectors();
    waiting();
    hart::reset();
    supervisor_timer();
    hart::reset();
    external();
    hart::reset();
}

fn pending(bit: u64) -> bool {
    hart::read(csr::MIP).is_some_and(|bits| bits & bit != 0)
}

fn taken(number: u64, at: u64) -> End {
    End::Trap(Mode::M, irq::CAUSE | number, at, 0)
}

fn sources() {
    memory::write32(MSIP, 1);
    check(format_args!("irq.software.set"), pending(irq::MSI), true);
    memory::write32(MSIP, 0);
    check(format_args!("irq.software.clear"), pending(irq::MSI), false);
    memory::write32(MSIP, 2);
    check(
        format_args!("irq.software.bit0-only"),
        pending(irq::MSI),
        false,
    );
    memory::write64(MTIMECMP, 0);
    check(format_args!("irq.timer.set"), pending(irq::MTI), true);
    memory::write64(MTIMECMP, u64::MAX);
    check(format_args!("irq.timer.clear"), pending(irq::MTI), false);
    let soon = memory::read64(MTIME) + 2_000;
    memory::write64(MTIMECMP, soon);
    let mut came = false;
    // LIMIT: far longer than 200 us on any machine that passes the time.
    for _ in 0..100_000 {
        if pending(irq::MTI) {
            came = true;
            break;
        }
    }
    check(
        format_args!("irq.timer.comes"),
        came && memory::read64(MTIME) >= soon,
        true,
    );
    memory::write64(MTIMECMP, u64::MAX);
}

/// The enable bit of the source, and the one of the mode.
fn enables() {
    memory::write32(MSIP, 1);
    for mode in [Mode::M, Mode::S, Mode::U] {
        for enabled in [0, irq::MSI] {
            for mie in [0, status::MPIE] {
                hart::write(csr::MIE, enabled);
                let got = Run::new(mode, &[NOP]).status(mie).end(&[7]);
                let open = enabled != 0 && (mode != Mode::M || mie != 0);
                let want = if open { taken(3, 0) } else { End::Done(7) };
                check(
                    format_args!("irq.enable.{mode:?}.{}.{}", enabled != 0, mie != 0),
                    got,
                    want,
                );
            }
        }
    }
    // Opened by an instruction: taken before the next one.
    hart::write(csr::MIE, irq::MSI);
    let got = run(
        Mode::M,
        &[csrrs(ZERO, csr::MSTATUS, A0), NOP],
        &[status::MIE],
    );
    check(format_args!("irq.opened-by-csr"), got, taken(3, 4));
    memory::write32(MSIP, 0);
    hart::write(csr::MIE, irq::SSI);
    let got = Run::new(Mode::M, &[csrrs(ZERO, csr::MIP, A0), NOP])
        .status(status::MPIE)
        .end(&[irq::SSI]);
    check(format_args!("irq.raised-by-csr"), got, taken(1, 4));
    hart::write(csr::MIP, 0);
    hart::write(csr::MIE, 0);
}

/// MEI, MSI, MTI, SEI, SSI, STI.
fn order() {
    memory::write32(MSIP, 1);
    memory::write64(MTIMECMP, 0);
    hart::write(csr::MIP, irq::S);
    let mut enabled = ALL;
    for number in [3, 7, 9, 1, 5] {
        hart::write(csr::MIE, enabled);
        for mode in [Mode::M, Mode::S, Mode::U] {
            let got = Run::new(mode, &[NOP]).status(status::MPIE).end(&[]);
            let name = format_args!("irq.order.{number}.{mode:?}");
            // QEMU without AIA takes the lowest number first.
            let lowest = taken(enabled.trailing_zeros().into(), 0);
            check_peer(name, got, taken(number, 0), lowest);
        }
        enabled &= !(1 << number);
    }
    hart::write(csr::MIE, 0);
    memory::write32(MSIP, 0);
    memory::write64(MTIMECMP, u64::MAX);
    hart::write(csr::MIP, 0);
}

fn delegated() {
    hart::write(csr::MIDELEG, irq::S);
    hart::write(csr::MIP, irq::S);
    hart::write(csr::MIE, irq::S);
    let to_s = |number: u64| End::Trap(Mode::S, irq::CAUSE | number, 0, 0);
    let got = run(Mode::U, &[NOP], &[]);
    check_peer(format_args!("irq.delegated.U"), got, to_s(9), to_s(1));
    check(
        format_args!("irq.delegated.S.closed"),
        run(Mode::S, &[NOP], &[7]),
        End::Done(7),
    );
    let got = Run::new(Mode::S, &[NOP]).status(status::SIE).end(&[]);
    check_peer(format_args!("irq.delegated.S.open"), got, to_s(9), to_s(1));
    let got = Run::new(Mode::M, &[NOP])
        .status(status::MPIE | status::SIE)
        .end(&[7]);
    check(format_args!("irq.delegated.M.never"), got, End::Done(7));
    let mut enabled = irq::S;
    for number in [9, 1, 5] {
        hart::write(csr::MIE, enabled);
        let got = Run::new(Mode::S, &[NOP]).status(status::SIE).end(&[]);
        let lowest = to_s(enabled.trailing_zeros().into());
        check_peer(
            format_args!("irq.delegated.order.{number}"),
            got,
            to_s(number),
            lowest,
        );
        enabled &= !(1 << number);
    }
    // An interrupt of M-mode comes first, whatever its number.
    hart::write(csr::MIE, irq::S | irq::MTI);
    memory::write64(MTIMECMP, 0);
    let got = Run::new(Mode::S, &[NOP]).status(status::SIE).end(&[]);
    check(
        format_args!("irq.delegated.machine-first"),
        got,
        taken(7, 0),
    );
    memory::write64(MTIMECMP, u64::MAX);
    // One delegated, one not: the one for M-mode wins although its number stands lower.
    hart::write(csr::MIDELEG, irq::SEI);
    hart::write(csr::MIE, irq::S);
    let got = Run::new(Mode::S, &[NOP]).status(status::SIE).end(&[]);
    check(format_args!("irq.delegated.mixed"), got, taken(1, 0));
    hart::reset();
}

fn vectors() {
    hart::write(csr::MTVEC, vector::table() | 1);
    memory::write32(MSIP, 1);
    memory::write64(MTIMECMP, 0);
    let mut enabled = irq::MSI | irq::MTI;
    for number in [3, 7] {
        hart::write(csr::MIE, enabled);
        let outcome = Run::new(Mode::S, &[NOP]).go(&[]);
        let got = (outcome.frame.vector, outcome.frame.cause);
        check(
            format_args!("mtvec.vector.{number}"),
            got,
            (number, irq::CAUSE | number),
        );
        enabled &= !(1 << number);
    }
    hart::write(csr::MIE, 0);
    let outcome = Run::new(Mode::S, &[EBREAK]).go(&[]);
    let got = (outcome.frame.vector, outcome.frame.cause);
    check(
        format_args!("mtvec.vector.exception"),
        got,
        (0, cause::BREAKPOINT),
    );
    hart::reset();

    // For S-mode: a table of ecalls, each of which tells its place by mepc.
    for index in 0..16 {
        memory::write32(DATA + 4 * index, ECALL);
    }
    hart::write(csr::STVEC, DATA | 1);
    hart::write(csr::MIDELEG, irq::S);
    hart::write(csr::MEDELEG, 1 << cause::BREAKPOINT);
    for (number, bit) in [(1, irq::SSI), (5, irq::STI), (9, irq::SEI)] {
        hart::write(csr::MIP, bit);
        hart::write(csr::MIE, bit);
        let outcome = Run::new(Mode::U, &[NOP]).go(&[]);
        let got = (outcome.frame.cause, outcome.frame.epc);
        check(
            format_args!("stvec.vector.{number}"),
            got,
            (cause::ECALL_S, DATA + 4 * number),
        );
    }
    hart::write(csr::MIE, 0);
    let outcome = Run::new(Mode::U, &[EBREAK]).go(&[]);
    check(
        format_args!("stvec.vector.exception"),
        outcome.frame.epc,
        DATA,
    );
    hart::reset();
}

/// `wfi` ends for whatever is pending and enabled in `mie`, taken or not.
fn waiting() {
    hart::write(csr::MIE, irq::MTI);
    memory::write64(MTIMECMP, memory::read64(MTIME) + 1_000);
    let got = run(Mode::M, &[WFI], &[7]);
    check(format_args!("wfi.masked.M"), got, End::Done(7));
    memory::write64(MTIMECMP, memory::read64(MTIME) + 1_000);
    let got = Run::new(Mode::M, &[WFI, NOP]).status(status::MPIE).end(&[]);
    check(format_args!("wfi.taken.M"), got, taken(7, 4));
    memory::write64(MTIMECMP, memory::read64(MTIME) + 1_000);
    let got = run(Mode::S, &[WFI, NOP], &[]);
    check(format_args!("wfi.taken.S"), got, taken(7, 4));
    memory::write64(MTIMECMP, u64::MAX);
    hart::write(csr::MIDELEG, irq::S);
    hart::write(csr::MIE, irq::SSI);
    hart::write(csr::MIP, irq::SSI);
    let got = run(Mode::S, &[WFI], &[7]);
    check(format_args!("wfi.masked.S"), got, End::Done(7));
    hart::reset();
}

fn supervisor_timer() {
    let kept = hart::write(csr::MENVCFG, envcfg::STCE).unwrap_or(0);
    if kept & envcfg::STCE == 0 {
        skip("sstc", "this hart does not have it");
        return;
    }
    hart::write(csr::MIDELEG, irq::S);
    hart::write(csr::STIMECMP, u64::MAX);
    check(format_args!("sstc.not-yet"), pending(irq::STI), false);
    hart::write(csr::MIP, irq::STI);
    crate::report::check_newer(format_args!("sstc.mip-read-only"), pending(irq::STI), false);
    let write = csrrw(ZERO, csr::STIMECMP, A0);
    run(Mode::S, &[write], &[0]);
    check(format_args!("sstc.pending"), pending(irq::STI), true);
    hart::write(csr::MIE, irq::STI);
    let got = run(Mode::U, &[NOP], &[]);
    check(
        format_args!("sstc.taken"),
        got,
        End::Trap(Mode::S, irq::CAUSE | 5, 0, 0),
    );
    let code = [
        csrrs(A1, csr::TIME, ZERO),
        crate::insn::addi(A1, A1, 1000),
        csrrw(ZERO, csr::STIMECMP, A1),
        WFI,
    ];
    let got = run(Mode::S, &code, &[7]);
    check(format_args!("sstc.wakes-wfi"), got, End::Done(7));
    run(Mode::S, &[write], &[u64::MAX]);
    check(format_args!("sstc.cleared"), pending(irq::STI), false);
    let illegal = End::Trap(Mode::M, cause::ILLEGAL, 0, u64::from(write));
    check(
        format_args!("sstc.U"),
        run(Mode::U, &[write], &[u64::MAX]),
        illegal,
    );
    hart::write(csr::MCOUNTEREN, 5);
    check(
        format_args!("sstc.needs-mcounteren"),
        run(Mode::S, &[write], &[u64::MAX]),
        illegal,
    );
    hart::write(csr::MCOUNTEREN, 7);
    hart::write(csr::MENVCFG, 0);
    check(
        format_args!("sstc.needs-stce"),
        run(Mode::S, &[write], &[u64::MAX]),
        illegal,
    );
    check(
        format_args!("sstc.M-always"),
        hart::read(csr::STIMECMP),
        Some(u64::MAX),
    );
    hart::write(csr::MIP, irq::STI);
    check(
        format_args!("sstc.off.mip-writable"),
        pending(irq::STI),
        true,
    );
    hart::write(csr::MIP, 0);
}

/// The serial line's "transmitter empty" through the PLIC, to M-mode and to S-mode.
fn external() {
    const PLIC: u64 = 0xc00_0000;
    const LINE: u64 = 10;
    const INTERRUPT_ENABLE: u64 = memory::UART + 1;
    for (context, bit, number) in [(0, irq::MEI, 11), (1, irq::SEI, 9)] {
        let enable = PLIC + 0x2000 + 0x80 * context;
        let threshold = PLIC + 0x20_0000 + 0x1000 * context;
        let claim = threshold + 4;
        memory::write32(PLIC + 4 * LINE, 1);
        memory::write32(enable, 1 << LINE);
        memory::write32(threshold, 0);
        // Nothing may be printed in between, since that would move the line. Setting and clearing
        // another bit of mip must not keep the line's state in the register.
        let quiet = pending(bit);
        memory::write8(INTERRUPT_ENABLE, 2);
        let raised = pending(bit);
        hart::write(csr::MIE, bit);
        let end = run(Mode::U, &[NOP], &[]);
        hart::write(csr::MIE, 0);
        hart::set(csr::MIP, irq::SSI);
        hart::clear(csr::MIP, irq::SSI);
        memory::write32(threshold, 1);
        let held_back = !pending(bit);
        memory::write32(threshold, 0);
        let claimed = memory::read32(claim);
        let after_claim = pending(bit);
        // Reading the identification register acknowledges "transmitter empty".
        let identification = memory::read8(memory::UART + 2) & 0xf;
        memory::write8(INTERRUPT_ENABLE, 0);
        memory::write32(claim, claimed);
        let after_completion = pending(bit);
        let nothing = memory::read32(claim);
        memory::write32(enable, 0);
        check(
            format_args!("plic.{number}.pending"),
            (quiet, raised),
            (false, true),
        );
        check(format_args!("plic.{number}.taken"), end, taken(number, 0));
        check(format_args!("plic.{number}.threshold"), held_back, true);
        check(
            format_args!("plic.{number}.claim"),
            u64::from(claimed),
            LINE,
        );
        check(format_args!("plic.{number}.claimed"), after_claim, false);
        check(format_args!("uart.identification"), identification, 2);
        check(
            format_args!("plic.{number}.completed"),
            (after_completion, nothing),
            (false, 0),
        );
    }
}
