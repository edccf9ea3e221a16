//! The case files of x86-64.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use tests_isa::{Guest, Order, check_file, covered, files};
use vm_frontend_x86_64::X86_64;
use vm_frontend_x86_64::isa::{row_at, rows};

/// The live rows by name.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let live = rows().filter(|row| row.meaning.is_some());
    live.map(|row| format!("{:?}", row.mnemonic)).collect()
});

fn guest() -> Guest {
    Guest {
        folder: "x86_64",
        frontend: Arc::new(X86_64::new()),
        order: Order::Bytes,
    }
}

/// The name of an encoding's row.
fn row_name(code: &[u8]) -> Option<&'static str> {
    let name = format!("{:?}", row_at(code)?.mnemonic);
    NAMES
        .iter()
        .find(|known| **known == name)
        .map(String::as_str)
}

#[test]
fn cases_hold() {
    let guest = guest();
    let count: usize = files(&guest)
        .iter()
        .map(|file| check_file(&guest, file))
        .sum();
    assert!(count >= 300, "only {count} cases");
}

#[test]
fn every_live_row_has_a_case() {
    let covered = covered(&guest(), row_name);
    let all: BTreeSet<&str> = NAMES.iter().map(String::as_str).collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert!(covered.len() >= 40, "only {} rows", covered.len());
}
