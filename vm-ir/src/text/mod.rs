//! The text form of a block: one operation a line.
//!
//! ```text
//! block 2 insns 8 bytes
//!   insn +0x0 4
//!   v1 = get.i64 x6
//!   v2 = const.i64 0x8
//!   v3 = add.i64 v1, v2
//!   set x5, v3
//!   insn +0x4 4
//!   v6 = load.i32 v3+16 acquire be
//!   v7 = extract.i32 v6 bits 4+8
//!   v8 = call csr_read v3
//!   v9 = getat.i64 st0[8], v8
//!   trapif v10, v8 cause 2
//! branch v10 +0x40 else +0x8
//! ```
//!
//! A value is named `v` and the number of its operation; a parsed text may number them as it
//! likes. Slots and helpers have their names, or `#` and their number. The other ends are
//! `goto +0x8`, `jump v3 return`, `next +0x8`, `leave` and `trap v3 cause 2`.
//! What follows a semicolon is a comment.

mod line;
mod parse;
mod print;

#[cfg(test)]
mod tests;

pub use parse::{SyntaxError, Wrong, parse};
pub use print::print;

use crate::Order;

/// The orderings by name.
const ORDERS: [(&str, Order); 6] = [
    ("relaxed", Order::Relaxed),
    ("acquire", Order::Acquire),
    ("release", Order::Release),
    ("acqrel", Order::AcquireRelease),
    ("sequential", Order::Sequential),
    ("tso", Order::Tso),
];
