//! RISC-V64 against QEMU's `qemu-riscv64`.
//!
//! [`sequence`] makes random sequences, [`program`] puts many of them into one image with the
//! code that loads and stores all registers around each, [`judge`] and [`ours`] run the image,
//! and [`compare`] looks at what came out.
//! The image is the same on both sides, so the addresses that instructions see are equal too.

pub mod compare;
mod encode;
pub mod form;
pub mod judge;
pub mod ours;
pub mod program;
pub mod sequence;
mod values;
