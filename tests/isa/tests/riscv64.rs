//! RISC-V64: all case files hold, and no live row is without a case.

use std::sync::Arc;

use tests_isa::{Guest, Order, check_file, covered, files};
use vm_frontend_riscv64::Riscv64;
use vm_frontend_riscv64::isa::{ROWS, Status, decode};

fn guest() -> Guest {
    Guest {
        folder: "riscv64",
        frontend: Arc::new(Riscv64::new()),
        order: Order::Number,
    }
}

#[test]
fn cases_hold() {
    let guest = guest();
    let cases: usize = files(&guest)
        .iter()
        .map(|file| check_file(&guest, file))
        .sum();
    assert!(cases >= ROWS.iter().filter(|row| row.status == Status::Live).count());
}

#[test]
fn each_live_row_has_a_case() {
    let name = |bytes: &[u8]| {
        let encoding = bytes
            .iter()
            .rev()
            .fold(0, |e, byte| e << 8 | u32::from(*byte));
        decode(encoding).map(|row| row.name)
    };
    let covered = covered(&guest(), name);
    let live = ROWS.iter().filter(|row| row.status == Status::Live);
    let bare: Vec<_> = live
        .map(|row| row.name)
        .filter(|name| !covered.contains(name))
        .collect();
    assert!(bare.is_empty(), "no case: {}", bare.join(" "));
}
