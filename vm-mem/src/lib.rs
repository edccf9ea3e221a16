//! Guest memory: RAM, the software TLB, and what is known about each page.
//!
//! [`GuestRam`] is the guest's physical memory on top of `vm-memory`; every write that reaches
//! it, from a CPU, a device or a virtqueue, marks its pages dirty and notices when it touches a
//! page from which code was translated.
//! [`Tlb`] keeps the results of page walks for one vCPU, a table for each address space and
//! access mode, in a form that interpreters and translated code read alike.
//! [`DualMap`] is memory for host code, which is mapped here like all other memory.
//! [`Walk`] is what a guest architecture adds: how its page tables are read.
//!
//! **Invariant**: no reference into guest memory is ever handed out; a racing guest can change
//! bytes at any time, and every access copies.
//!
//! **Invariant**: an aligned value is loaded, stored and exchanged as one access of the host.
//!
//! **Invariant**: a write that races with the translation of its page is read or noticed.
//!
//! **Invariant**: a page that a TLB entry lets be written is dirty and holds no translated code.
//!
//! **Invariant**: no page of the host is writable and executable at one address.
//!
//! **Invariant**: no access outside RAM succeeds, whatever the address and length.

mod dual;
mod exchange;
mod fault;
mod filter;
mod host_cell;
mod large;
mod marks;
mod pages;
mod ram;
mod spans;
mod sync;
mod sys;
mod tlb;
mod walk;

pub use dual::{DualMap, DualMapError};
pub use exchange::Exchange;
pub use fault::{RamError, RamFault};
pub use filter::PageFilter;
pub use host_cell::HostCell;
pub use large::prefer_large_pages;
pub use pages::PageMarks;
pub use ram::{GuestRam, HostPage};
pub use spans::Spans;
pub use tlb::{CodePage, ContextKey, Forgotten, Selected, TLB_ENTRIES, Tlb, TlbEntry, TlbTable};
pub use walk::{Access, PageEntry, Walk};

/// The `vm-memory` type beneath [`GuestRam`], for crates of that family.
pub type Mmap = vm_memory::GuestMemoryMmap<PageMarks>;
