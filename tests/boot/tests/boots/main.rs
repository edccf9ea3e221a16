//! Boots; see the library of this package.

mod bare;
mod cut;
mod demo;
mod disk;
mod golden;
mod kernel;
mod network;
mod privileged;
mod restart;
mod shell;
mod trace;
