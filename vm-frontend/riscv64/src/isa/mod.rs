//! The instructions, one row each: encoding, text and meaning, in one file an extension.
//!
//! ```text
//! ADD   "0000000 bbbbb aaaaa 000 ddddd 0110011"    "add {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, t.x(a) + t.x(b));
//! ```
//!
//! The first string is the encoding (see [`pattern`]), the second the text (see [`text`]), and the
//! closure writes what the instruction does; its parameters are the lifter
//! [`Lift`](crate::lift::Lift) and fields.
//! A field that the encoding or the text lacks does not compile.
//! Before the closure may stand `todo` (decodes and prints, but raises an illegal-instruction
//! exception; there is no closure then) or `reserved` (takes encodings out of another row).
//!
//! **Invariant**: where two rows match one encoding, one of them has all fixed bits of the other
//! and more, and wins; or a third row has exactly the fixed bits of both.

mod decode;
pub mod pattern;
pub mod text;

mod privileged;
mod rv_a;
mod rv_c;
mod rv_d;
mod rv_f;
mod rv_i;
mod rv_m;
mod rv_v;
mod rv_zfhmin;
mod svinval;
mod zawrs;
mod zba;
mod zbb;
mod zbc;
mod zbs;
mod zicbom;
mod zicond;
mod zicsr;
mod zifencei;

mod row;
mod table;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use row::{Row, Status};
pub(crate) use rv_i::jump_hint;
pub use table::ROWS;

use row::rows;
