//! Pages of the book that are made from tables, so that they can not lie.
//!
//! `BLESS=1 cargo test -p vm-frontend-riscv64 pages` writes them; review the change.

use std::fmt::Write as _;
use std::path::Path;

use crate::csr::{Gate, Read, TABLE, Write};
use crate::isa::{ROWS, Status};
use crate::profile;

/// Compares a text with a page of the book, which `BLESS=1` writes.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generated");
    let path = path.join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("the page is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/generated/{name} is not what the tables say: test with BLESS=1"
    );
}

/// A text inside a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn instructions() -> String {
    let mut out = String::from(
        "# Instructions of the RISC-V64 guest\n\n\
         Made from the rows in `vm-frontend/riscv64/src/isa/`; a test keeps it fresh.\n\
         A *live* row has a meaning; a *todo* row decodes and prints, and raises an \
         illegal-instruction exception.\n\
         Rows that only take reserved encodings out of others are left out.\n\n\
         | extension | live | todo |\n|---|---:|---:|\n",
    );
    let mut extensions: Vec<&str> = ROWS.iter().map(|row| row.extension).collect();
    extensions.dedup();
    let count = |extension: Option<&str>, status| {
        let rows = ROWS.iter().filter(|row| row.status == status);
        rows.filter(|row| extension.is_none_or(|extension| extension == row.extension))
            .count()
    };
    for extension in extensions.iter().copied().map(Some).chain([None]) {
        let (live, todo) = (
            count(extension, Status::Live),
            count(extension, Status::Todo),
        );
        let name = extension.unwrap_or("all");
        let _ = writeln!(out, "| {name} | {live} | {todo} |");
    }
    for extension in extensions {
        let _ = write!(
            out,
            "\n## {extension}\n\n| text | encoding | |\n|---|---|---|\n"
        );
        let rows = ROWS.iter().filter(|row| row.extension == extension);
        for row in rows.filter(|row| row.status != Status::Reserved) {
            let mark = if row.status == Status::Live {
                ""
            } else {
                "todo"
            };
            let (text, pattern) = (cell(row.text), cell(row.pattern));
            let _ = writeln!(out, "| `{text}` | `{pattern}` | {mark} |");
        }
    }
    out
}

/// What may be written, in words.
fn writes(number: u16, write: Write) -> String {
    match write {
        Write::Ignored if number >> 10 == 3 => "read-only".to_owned(),
        Write::Ignored => "writes are ignored".to_owned(),
        Write::Masked(u64::MAX) => "any value".to_owned(),
        Write::Masked(mask) => format!("bits `{mask:#x}`"),
        Write::Held(mask, _) => format!("bits `{mask:#x}`, unless locked"),
        Write::Legal(_) => "legal values by its own rule".to_owned(),
        Write::View(_) => "what it is made of".to_owned(),
    }
}

fn registers() -> String {
    let mut out = String::from(
        "# Control and status registers of the RISC-V64 guest\n\n\
         Made from the table in `vm-frontend/riscv64/src/csr/table.rs`; a test keeps it fresh.\n\
         A number that is not here raises an illegal-instruction exception.\n\n\
         | number | name | reads as | what may be written | beside privilege needs |\n\
         |---|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = TABLE.iter().collect();
    rows.sort_by_key(|csr| csr.number);
    for csr in rows {
        let (mut number, mut name) = (format!("{:#05x}", csr.number), csr.name.to_owned());
        if csr.count > 1 {
            let last = csr.count - 1;
            number = format!("{number} to {:#05x}", csr.number + last);
            name = format!("{name}{} to {name}{}", csr.suffix, csr.suffix + last);
        }
        let reads = match csr.read {
            Read::Slot => "a cell of its own".to_owned(),
            Read::Fixed(value) => format!("`{value:#x}`"),
            Read::View(_) => "made of other cells".to_owned(),
            Read::Count(_) => "counted by time or instructions".to_owned(),
        };
        let gate = match csr.gate {
            Gate::Open => "",
            Gate::Float => "`mstatus.FS` not 0",
            Gate::Counter => "`mcounteren`, in U-mode `scounteren` too",
            Gate::Satp => "`mstatus.TVM` 0 in S-mode",
            Gate::Timer => "`menvcfg.STCE` and `mcounteren.TM` below M-mode",
        };
        let writes = writes(csr.number, csr.write);
        let _ = writeln!(out, "| {number} | `{name}` | {reads} | {writes} | {gate} |");
    }
    let isa = profile::isa();
    let _ = write!(
        out,
        "\nThe device tree says `{}`, `{}`.\n",
        isa.string(),
        isa.mmu
    );
    out
}

#[test]
fn pages_of_the_book_are_fresh() {
    check("riscv64-instructions.md", &instructions());
    check("riscv64-registers.md", &registers());
}
