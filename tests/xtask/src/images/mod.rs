//! Guest test material: kernels, initramfs images, firmware and outside oracles.
//!
//! Everything comes from Debian 13 packages, taken from the mirror that this machine's own apt
//! configuration names, and is kept outside the tree (see [`cache_dir`]).
//! [`PRODUCTS`] lists what there is; [`need`] is how a test asks for one.

mod apt;
mod args;
mod build;
mod cpio;
mod debian;
mod host;
mod initrd;
mod lock;
mod mirror;
mod modules;
mod products;
mod program;
mod recipes;
mod stamp;
mod store;
mod unit;

pub(crate) use apt::run;
pub use build::main;
pub use products::{PRODUCTS, Product};
pub(crate) use program::SOURCES as BENCH_SOURCES;
pub use store::{cache_dir, need, path, tool};
