//! What a guest architecture's page walk is asked, and what it gives.

use vm_core::{GuestPhys, GuestVirt, Trap};

use crate::GuestRam;

/// What is done with the memory at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Data is read.
    Load,
    /// Data is written.
    Store,
    /// An instruction is fetched.
    Fetch,
}

/// The result of a page walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageEntry {
    /// The physical address of the 4 KiB page that holds the address.
    pub page: GuestPhys,
    /// Loads are permitted.
    pub read: bool,
    /// Stores are permitted, and need no more bookkeeping in the page table.
    pub write: bool,
    /// Fetches are permitted.
    pub execute: bool,
    /// The whole 4 KiB page has these permissions; if not, every access must ask again.
    pub whole: bool,
    /// The mapping that this page is a part of, as a power of two of bytes (12 for one page).
    pub bits: u32,
    /// All address spaces have this mapping.
    pub global: bool,
}

/// Reads the page tables of a guest architecture.
pub trait Walk {
    /// Translates `addr` for an access of `bytes` bytes in the access mode that `key` names.
    ///
    /// Permissions other than the one asked for are given as far as they are known.
    /// The walk may write to the page table (accessed and dirty bits).
    fn walk(
        &self,
        slots: &[u64],
        ram: &GuestRam,
        addr: GuestVirt,
        bytes: u64,
        access: Access,
    ) -> Result<PageEntry, Trap>;
}
