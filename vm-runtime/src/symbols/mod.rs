//! Names for the addresses of a guest, and addresses for names.
//!
//! [`Symbols`] is a table that comes from one of three places: an ELF file ([`Symbols::from_elf`]),
//! a `System.map` ([`Symbols::from_map`]), or the table that a Linux kernel carries in itself
//! ([`Symbols::from_kallsyms`]), read from a kernel's file or from the RAM of a running guest.
//! Parsing is pure: bytes in, a table or a reason out.
//!
//! Symbols are written down for the addresses a program was linked at; [`Symbols::settle`] finds
//! out where it really stands: a kernel that has moved itself in the address space (KASLR) and
//! one that still runs at physical addresses are both looked for in the guest's memory.
//!
//! **Invariant**: files and guest memory decide names and numbers only: no input makes a parser
//! panic, loop without a bound or take more memory than a fixed multiple of a fixed limit.

mod elf;
mod error;
mod kallsyms;
mod map;
mod memory;
mod settle;
mod table;
mod write;

pub use error::SymbolError;
pub use memory::Memory;
pub use table::{Place, Symbol, Symbols};

#[cfg(test)]
mod tests;
