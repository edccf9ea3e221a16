//! Boots; see the library of this package.

mod bare;
mod cut;
mod demo;
mod disk;
mod golden;
mod kernel;
mod privileged;
mod restart;
mod shell;
mod trace;
