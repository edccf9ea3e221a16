//! Two harts: software interrupts, timers, atomics and reservations between them, and code that one
//! changes for the other. With one hart there is nothing to check.

use crate::csr::{self, irq};
use crate::hart::{self, End, Mode, run};
use crate::insn::{
    A0, A1, A2, A3, FENCE, FENCE_I, NOP, RA, ZERO, add, addi, amo, bne, csrrs, jalr, jump, ld, lr,
    sc, sd, store,
};
use crate::memory::{self, DATA, MAILBOXES, MSIP, MTIMECMP, OTHER_CODE};
use crate::report::{check, skip};

/// The mailbox of hart 1, and its fields.
const MAILBOX: u64 = MAILBOXES + 64;
const DONE: u64 = MAILBOX + 8;
const CODE_FIELD: u64 = MAILBOX + 16;
const ARGUMENTS: u64 = MAILBOX + 24;

/// `amoadd`.
const AMOADD: u32 = 0;
/// Back to the waiting loop of the other hart.
const RETURN: u32 = jalr(ZERO, RA, 0);

/// The checks of this group.
pub fn checks() {
    if memory::read64(MAILBOX) != 1 {
        skip("harts", "this machine has one hart only");
        return;
    }
    reached();
    own_interrupts();
    counting();
    reservation();
    patching();
}

/// Starts code on hart 1.
fn begin(code: &[u32], arguments: [u64; 2]) {
    for (index, &instruction) in code.iter().chain(&[RETURN]).enumerate() {
        memory::write32(OTHER_CODE + 4 * index as u64, instruction);
    }
    memory::write64(DONE, 0);
    memory::write64(CODE_FIELD, OTHER_CODE);
    memory::write64(ARGUMENTS, arguments[0]);
    memory::write64(ARGUMENTS + 8, arguments[1]);
    run(Mode::M, &[FENCE], &[]);
    memory::write32(MSIP + 4, 1);
}

/// Waits for the end of what was begun.
fn ended() -> bool {
    // LIMIT: seconds on any machine; what runs there takes milliseconds.
    let ended = (0..100_000_000).any(|_| memory::read64(DONE) == 1);
    run(Mode::M, &[FENCE], &[]);
    ended
}

fn elsewhere(code: &[u32], arguments: [u64; 2]) -> bool {
    begin(code, arguments);
    ended()
}

fn reached() {
    memory::write64(DATA, 0);
    let ended = elsewhere(&[csrrs(A2, csr::MHARTID, ZERO), sd(A2, A0, 0)], [DATA, 0]);
    check(
        format_args!("harts.reached"),
        (ended, memory::read64(DATA)),
        (true, 1),
    );
    check(
        format_args!("harts.msip-cleared"),
        memory::read32(MSIP + 4),
        0,
    );
}

/// Each hart has its own timer and its own `mip`.
fn own_interrupts() {
    let code = [csrrs(A2, csr::MIP, ZERO), sd(A2, A0, 0)];
    memory::write64(MTIMECMP + 8, 0);
    memory::write64(MTIMECMP, u64::MAX);
    elsewhere(&code, [DATA, 0]);
    let here = hart::read(csr::MIP).unwrap_or(0) & irq::MTI;
    let there = memory::read64(DATA) & irq::MTI;
    check(
        format_args!("harts.timer.there"),
        (here, there),
        (0, irq::MTI),
    );
    memory::write64(MTIMECMP + 8, u64::MAX);
    memory::write64(MTIMECMP, 0);
    elsewhere(&code, [DATA, 0]);
    let here = hart::read(csr::MIP).unwrap_or(0) & irq::MTI;
    let there = memory::read64(DATA) & irq::MTI;
    check(
        format_args!("harts.timer.here"),
        (here, there),
        (irq::MTI, 0),
    );
    memory::write64(MTIMECMP, u64::MAX);
}

/// Both count up one number, by an atomic and by a reservation.
fn counting() {
    const ROUNDS: u64 = 10_000;
    // a0: the number; a1: rounds.
    let atomic = [
        addi(A2, ZERO, 1),
        amo(AMOADD, 3, A3, A0, A2),
        addi(A1, A1, -1),
        bne(A1, ZERO, -8),
    ];
    let reserved = [
        lr(3, A2, A0),
        addi(A2, A2, 1),
        sc(3, A3, A0, A2),
        bne(A3, ZERO, -12),
        addi(A1, A1, -1),
        bne(A1, ZERO, -20),
    ];
    for (name, code) in [("amoadd", &atomic[..]), ("lr-sc", &reserved[..])] {
        memory::write64(DATA, 0);
        begin(code, [DATA, ROUNDS]);
        let here = run(Mode::M, code, &[DATA, ROUNDS]);
        let got = (here, ended(), memory::read64(DATA));
        check(
            format_args!("harts.{name}"),
            got,
            (End::Done(DATA), true, 2 * ROUNDS),
        );
    }
}

/// A store of the other hart between `lr` and `sc` makes the `sc` fail.
fn reservation() {
    const FLAGS: u64 = DATA + 0x1000;
    memory::write64(DATA, 1);
    memory::write64(FLAGS, 0);
    memory::write64(FLAGS + 8, 0);
    // There: wait for the first flag, store, set the second.
    let there = [
        ld(A2, A1, 0),
        NOP,
        bne(A2, ZERO, 8),
        jump(-12),
        addi(A3, ZERO, 77),
        sd(A3, A0, 0),
        FENCE,
        sd(A3, A1, 8),
    ];
    // Here: reserve, set the first flag, wait for the second, try to store.
    let here = [
        addi(A3, ZERO, 1),
        lr(3, A2, A0),
        sd(A3, A1, 0),
        ld(A2, A1, 8),
        bne(A2, ZERO, 8),
        jump(-8),
        sc(3, A3, A0, A3),
        add(A0, A3, ZERO),
    ];
    begin(&there, [DATA, FLAGS]);
    let got = run(Mode::M, &here, &[DATA, FLAGS]);
    let failed = matches!(got, End::Done(value) if value != 0);
    let got = (failed, ended(), memory::read64(DATA));
    check(
        format_args!("harts.reservation-lost"),
        got,
        (true, true, 77),
    );
}

/// The other hart changes an instruction that this one has run; `fence.i` here shows it.
fn patching() {
    const FLAGS: u64 = DATA + 0x1000;
    memory::write32(DATA + 0x100, addi(A0, A0, 1));
    memory::write32(DATA + 0x104, RETURN);
    memory::write64(FLAGS, 0);
    memory::write64(FLAGS + 8, 0);
    memory::write64(FLAGS + 16, u64::from(addi(A0, A0, 16)));
    // There: wait for the first flag, write the instruction, set the second.
    let there = [
        ld(A2, A1, 0),
        bne(A2, ZERO, 8),
        jump(-8),
        ld(A2, A1, 16),
        store(2, A2, A0, 0x100),
        FENCE,
        addi(A2, ZERO, 1),
        sd(A2, A1, 8),
    ];
    // Here: run it, set the first flag, wait for the second, run it again.
    let here = [
        jalr(RA, A1, 0x100),
        addi(A3, ZERO, 1),
        sd(A3, A2, 0),
        ld(A3, A2, 8),
        bne(A3, ZERO, 8),
        jump(-8),
        FENCE_I,
        jalr(RA, A1, 0x100),
    ];
    begin(&there, [DATA, FLAGS]);
    let got = run(Mode::M, &here, &[0, DATA, FLAGS]);
    check(
        format_args!("harts.patched-code"),
        (got, ended()),
        (End::Done(17), true),
    );
}
