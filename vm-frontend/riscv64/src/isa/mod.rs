//! The instructions, one row each: encoding, text and meaning, in one file an extension.
//!
//! How rows are written is said in [`vm_ir::rows`]; a row of status `todo` raises an
//! illegal-instruction exception. The lifter that meanings write with is
//! [`Lift`](crate::lift::Lift).

mod decode;
mod notation;
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

mod table;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub(crate) use notation::FLOAT;
pub use notation::{Riscv, Row};
pub(crate) use rv_i::jump_hint;
pub use table::ROWS;
pub use vm_ir::rows::Status;
