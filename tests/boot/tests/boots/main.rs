//! Boots; see the library of this package.

mod bare;
mod cut;
mod debian;
mod demo;
mod disk;
mod disk_locks;
mod golden;
mod kernel;
mod network;
mod privileged;
mod restart;
mod shell;
mod trace;
