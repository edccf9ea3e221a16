//! The cases of ARM64.

use std::sync::Arc;

use tests_isa::{Guest, Order, check_file, covered, files};
use vm_frontend_arm64::Arm64;
use vm_frontend_arm64::isa::{ROWS, Status, decode};

fn guest() -> Guest {
    Guest {
        folder: "arm64",
        frontend: Arc::new(Arm64::new()),
        order: Order::Number,
    }
}

#[test]
fn all_cases_hold() {
    let guest = guest();
    let count: usize = files(&guest)
        .iter()
        .map(|file| check_file(&guest, file))
        .sum();
    assert!(count > ROWS.len(), "{count}");
}

#[test]
fn every_live_row_has_a_case() {
    let row = |bytes: &[u8]| {
        let insn = u32::from_le_bytes(bytes.try_into().ok()?);
        decode(insn).map(|row| row.name)
    };
    let covered = covered(&guest(), row);
    let live = ROWS.iter().filter(|row| row.status == Status::Live);
    let lacking: Vec<&str> = live
        .map(|row| row.name)
        .filter(|name| !covered.contains(name))
        .collect();
    assert_eq!(lacking, [""; 0]);
}
