//! Boots; see the library of this package.

mod bare;
mod cut;
mod demo;
mod golden;
mod restart;
mod shell;
mod trace;
mod until;
