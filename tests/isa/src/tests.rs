//! The runner itself: it accepts right lines and refuses wrong ones.

use std::sync::Arc;

use vm_frontend_riscv64::Riscv64;

use crate::{Guest, Order, case, check};

/// What the runner says of a line; nothing if it holds.
fn verdict(line: &str) -> String {
    let guest = Guest {
        folder: "riscv64",
        frontend: Arc::new(Riscv64::new()),
        order: Order::Number,
    };
    let cases = case::parse(line).expect("a case");
    check(&guest, &cases[0]).err().unwrap_or_default()
}

#[test]
fn right_lines_hold() {
    for line in [
        "00c58533  add a0, a1, a2 | a1=5 a2=-7 => a0=-2",
        "0001  c.nop 0 | =>",
        "00c58533;00a6b023  add a0, a1, a2; sd a0, 0(a3) \
         | a1=5 a2=7 a3=0x100 => a0=12 [0x100]:8=12",
        "0006b503  ld a0, 0(a3) | a3=0x20000 => trap=5:0x20000",
        "00000073  ecall | priv=3 => trap=11:0",
        "00000463  beq zero, zero, 0x8008 | => pc=0x8008",
    ] {
        assert_eq!(verdict(line), "", "{line}");
    }
}

#[test]
fn wrong_lines_are_refused() {
    let check = |line: &str, why: &str| {
        let verdict = verdict(line);
        assert!(verdict.contains(why), "{line}: {verdict}");
    };
    check("00c58533  add a0, a1, a3 | =>", "is `add a0, a1, a2`");
    check("00c5853  add a0, a1, a2 | =>", "is no encoding");
    check("00c58533  add a0, a1, a2 | y=1 =>", "no register `y`");
    check("00c58533  add a0, a1, a2 | zero=1 =>", "can not be 0x1");
    check("00c58533  add a0, a1, a2 | a1=1 => a0=2", "x10=0x1 not 0x2");
    check("00c58533  add a0, a1, a2 | a1=1 =>", "x10=0x1 not 0x0");
    check("00a68023  sb a0, 0(a3) | a0=1 a3=16 =>", "[0x10]:1=0x1");
    check(
        "0006b503  ld a0, 0(a3) | a3=0x20000 =>",
        "trap Some((5, 20000))",
    );
    check(
        "00c58533  add a0, a1, a2 | => pc=0x8000",
        "pc=0x8004 not 0x8000",
    );
}
