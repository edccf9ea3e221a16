//! Prints, for every guest ISA and extension, how many rows are live and how many lines of the
//! case files exercise them: `cargo xtask coverage`.

#![expect(clippy::print_stdout, reason = "this program prints a table")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tests_isa::{Guest, Order, case, files};
use vm_frontend_arm64::Arm64;
use vm_frontend_riscv64::Riscv64;
use vm_frontend_x86_64::X86_64;
use vm_ir::Frontend;
use vm_ir::rows::{Notation, Row, Status};
use {vm_frontend_arm64 as arm64, vm_frontend_riscv64 as riscv64, vm_frontend_x86_64 as x86_64};

/// One row of any guest ISA.
struct Entry {
    extension: &'static str,
    status: Status,
    cases: usize,
}

/// The rows of a guest ISA by name.
type Entries = BTreeMap<String, Entry>;

fn main() {
    println!("| guest | extension | live | todo | live without a case | cases |");
    println!("|---|---|--:|--:|--:|--:|");
    let wide = |bytes: &[u8]| bytes.iter().rev().fold(0, |e, b| e << 8 | u32::from(*b));
    table(
        "riscv64",
        Order::Number,
        Arc::new(Riscv64::new()),
        entries(riscv64::isa::ROWS.iter()),
        |bytes| Some(riscv64::isa::decode(wide(bytes))?.name.to_owned()),
    );
    table(
        "arm64",
        Order::Number,
        Arc::new(Arm64::new()),
        entries(arm64::isa::ROWS.iter()),
        |bytes| Some(arm64::isa::decode(wide(bytes))?.name.to_owned()),
    );
    table(
        "x86_64",
        Order::Bytes,
        Arc::new(X86_64::new()),
        x86_64_entries(),
        |bytes| Some(format!("{:?}", x86_64::isa::row_at(bytes)?.mnemonic)),
    );
}

fn entries<N: Notation + 'static>(rows: impl Iterator<Item = &'static Row<N>>) -> Entries {
    let entry = |row: &Row<N>| Entry {
        extension: row.extension,
        status: row.status,
        cases: 0,
    };
    rows.map(|row| (row.name.to_owned(), entry(row))).collect()
}

/// The rows of x86-64 are mnemonics and stand in no extensions.
fn x86_64_entries() -> Entries {
    let entry = |live: bool| Entry {
        extension: "general",
        status: if live { Status::Live } else { Status::Todo },
        cases: 0,
    };
    x86_64::isa::rows()
        .map(|row| (format!("{:?}", row.mnemonic), entry(row.meaning.is_some())))
        .collect()
}

/// Counts the guest's cases and prints its lines; `name` finds the row of an encoding.
fn table(
    folder: &'static str,
    order: Order,
    frontend: Arc<dyn Frontend>,
    mut entries: Entries,
    name: impl Fn(&[u8]) -> Option<String>,
) {
    let guest = Guest {
        folder,
        frontend,
        order,
    };
    for file in files(&guest) {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
        let cases = case::parse(&text).unwrap_or_else(|e| panic!("{file:?}: {e:?}"));
        for digits in cases.iter().flat_map(|case| &case.encodings) {
            let row = guest.bytes(digits).and_then(|bytes| name(&bytes));
            if let Some(entry) = row.and_then(|name| entries.get_mut(&name)) {
                entry.cases += 1;
            }
        }
    }
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.values() {
        groups.entry(entry.extension).or_default().push(entry);
    }
    for (extension, group) in &groups {
        line(folder, extension, group);
    }
    line(folder, "**all**", &entries.values().collect::<Vec<_>>());
}

fn line(guest: &str, extension: &str, entries: &[&Entry]) {
    let count = |holds: fn(&Entry) -> bool| entries.iter().filter(|entry| holds(entry)).count();
    let live = count(|entry| entry.status == Status::Live);
    let todo = count(|entry| entry.status == Status::Todo);
    let bare = count(|entry| entry.status == Status::Live && entry.cases == 0);
    let cases: usize = entries.iter().map(|entry| entry.cases).sum();
    println!("| {guest} | {extension} | {live} | {todo} | {bare} | {cases} |");
}
