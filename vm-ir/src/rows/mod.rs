//! Instruction rows: how a guest architecture writes its instructions down, one row each.
//!
//! A row is an encoding, an assembly text and a meaning:
//!
//! ```text
//! ADD "0000000 bbbbb aaaaa 000 ddddd 0110011" "add {d}, {a}, {b}"
//!     |t, d, a, b| t.set_x(d, t.x(a) + t.x(b));
//! ```
//!
//! The first string is the encoding (see [`pattern`]), the second the text (see [`text`]), and
//! the closure writes what the instruction does; its parameters are the architecture's lifter
//! and fields. A field that the encoding or the text lacks does not compile.
//! Before the closure may stand `todo` (decodes and prints, but has no meaning yet; there is no
//! closure then) or `reserved` (takes encodings out of another row).
//!
//! [`rows!`](crate::rows!) reads such a table, [`Decoder`] finds the row of an encoding,
//! [`Row::show`] prints an instruction and [`assemble`] reads it back.
//! What a field may hold is the architecture's [`Notation`].
//!
//! **Invariant**: where two rows match one encoding, one of them has all fixed bits of the other
//! and more, and wins; or a third row has exactly the fixed bits of both ([`overlaps`]).

mod assembler;
mod decoder;
mod notation;
pub mod pattern;
mod row;
mod table;
pub mod text;

pub use assembler::assemble;
pub use decoder::Decoder;
pub use notation::Notation;
pub use pattern::{Field, Reading};
pub use row::{Row, Status, overlaps};
pub use table::{count, join};
