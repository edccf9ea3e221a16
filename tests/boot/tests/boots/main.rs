//! Boots; see the library of this package.

mod bare;
mod cut;
mod demo;
mod engines;
mod golden;
mod kernel;
mod privileged;
mod restart;
mod shell;
mod trace;
