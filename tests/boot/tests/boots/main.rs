//! Boots; see the library of this package.

mod bare;
mod cut;
mod demo;
mod gdb;
mod golden;
mod kernel;
mod privileged;
mod restart;
mod shell;
mod symbols;
mod trace;
