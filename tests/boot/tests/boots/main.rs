//! Boots; see the library of this package.

mod bare;
mod code;
mod cut;
mod debian;
mod demo;
mod disk;
mod disk_locks;
mod engines;
mod gdb;
mod golden;
mod network;
mod restart;
mod shell;
mod symbols;
mod trace;
mod until;
mod verify;
