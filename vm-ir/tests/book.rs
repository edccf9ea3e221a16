//! The page of the book that lists the operations, made from their table.
//!
//! `BLESS=1 cargo test -p vm-ir --test book` writes it; review the change.

use std::fmt::Write as _;
use std::path::Path;

use vm_ir::ops::Kind;
use vm_ir::{Effect, Op};

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::T => "T",
        Kind::I1 => "i1",
        Kind::I8 => "i8",
        Kind::I64 => "i64",
        Kind::Any => "any",
        Kind::Nothing => "",
    }
}

fn page() -> String {
    let mut out = String::from(
        "# Operations of the IR\n\n\
         Made from the table in `vm-ir/src/ops.rs`; a test keeps it fresh.\n\
         `T` is the operation's own type, one of `i1`, `i8`, `i16`, `i32`, `i64`; `any` is the \
         type of what a conversion is given.\n\
         What is fixed when code is written (`imm`) stands in the sentence.\n\n\
         | operation | operands | result | effect | |\n|---|---|---|---|---|\n",
    );
    for op in Op::ALL {
        let shape = op.shape();
        let args: Vec<_> = shape.args.iter().map(|kind| word(*kind)).collect();
        let effect = match shape.effect {
            Effect::Pure => String::new(),
            effect => format!("{effect:?}").to_lowercase(),
        };
        let doc: Vec<_> = shape.doc.split_whitespace().collect();
        let (text, args, result) = (shape.text, args.join(" "), word(shape.result));
        let doc = doc.join(" ").replace('|', "\\|");
        let _ = writeln!(out, "| `{text}` | {args} | {result} | {effect} | {doc} |");
    }
    out
}

#[test]
fn the_page_of_operations_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generated/ir-operations.md");
    let text = page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("the page is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/generated/ir-operations.md is not what the table says: test with BLESS=1"
    );
}
