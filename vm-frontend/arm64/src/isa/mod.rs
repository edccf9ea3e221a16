//! The instructions, one row each: encoding, text and meaning, a file for each chapter of the
//! manual's encoding index (Arm Architecture Reference Manual for A-profile, chapter C4).
//!
//! How rows are written is said in [`vm_ir::rows`]; the lifter that meanings write with is
//! [`Lift`](crate::lift::Lift). Rows whose names end in `_w` are the 32-bit forms.
//! Texts are those of the instruction itself, not of its aliases: `orr x0, xzr, x1`, not `mov`.

mod decode;
mod masks;
mod notation;
pub mod text;

mod atomics;
mod branches;
mod immediate;
mod loads;
mod pairs;
mod registers;
mod system;

#[cfg(test)]
mod tests;

pub use decode::decode;
pub use notation::{A64, Row};
pub use text::{Extended, Index};
pub use vm_ir::rows::Status;

use vm_ir::rows::{count, join};

const PARTS: &[&[Row]] = &[
    immediate::ROWS,
    branches::ROWS,
    system::ROWS,
    loads::ROWS,
    pairs::ROWS,
    atomics::ROWS,
    registers::ROWS,
];

/// All rows.
pub static ROWS: &[Row] = &join::<_, { count(PARTS) }>(PARTS);
