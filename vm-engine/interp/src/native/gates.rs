//! The ways out of native code, as a table in the CPU's struct.

use std::sync::atomic::AtomicPtr;

use vm_engine_cache::Entry;

use super::host::{self, GATES};
use crate::flat::{EXITS, Head};

/// Addresses that native code calls or jumps to; all of them are written for its convention.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Gates {
    /// The head to go on at when the jump cache does not know [`crate::native::Places::PC`].
    pub unknown: &'static Head,
    /// Called by a stub when the TLB does not answer. On the stack stand, from the return address
    /// on: a [`Miss`], the block. Keeps all registers, or does not return.
    pub miss: usize,
    /// As `miss`, for code that has something in floating-point registers.
    pub miss_float: usize,
    /// Jumped to when the fuel does not reach, with the first two arguments as at the entry.
    pub fuel: usize,
    /// Jumped to with the CPU: the program counter is set, and everything may have changed.
    pub next: usize,
    /// Jumped to with the CPU and the block, whose last instruction traps.
    pub trap: usize,
    /// Called with the CPU, a [`Call`] and four words, when [`crate::native::Places::CODE`] is
    /// set: calls a helper. The result is in [`crate::native::Places::RESULT`]. Where
    /// [`super::KEEPS_FRAMES`], the fuel is one more argument.
    pub call: usize,
    /// As `call`, for a memory operation: address, values, constant part.
    pub special: usize,
    /// Called with a [`Miss`] in [`Miss::AT`], the address that was compared and the block: as
    /// `miss_float`, for code that has written the guest's registers back itself. Where
    /// [`super::KEEPS_FRAMES`], the CPU and the fuel are two more arguments.
    pub miss_at: usize,
    /// Jumped to as `fuel` is, where a region is entered that stands on several pages which have
    /// not been seen in the present state of the jump cache.
    pub pages: usize,
}

/// The pieces of assembly that a host has for all this.
#[derive(Clone, Copy, Debug)]
pub struct Table<Gate> {
    /// The ways out by each exit that is not linked.
    pub left_by: [Gate; EXITS],
    /// The way out behind the jump cache.
    pub unknown: Gate,
    /// The way to handlers.
    pub flat: Gate,
    /// The way out of what must not be entered.
    pub dead: Gate,
    /// See [`Gates`], as for all that follow.
    pub miss: Gate,
    pub miss_float: Gate,
    pub fuel: Gate,
    pub pages: Gate,
    pub next: Gate,
    pub trap: Gate,
    pub call: Gate,
    pub special: Gate,
    pub miss_at: Gate,
}

/// What a TLB miss is about, in 32 bits: number of the instruction, store or load, register, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Miss {
    /// The number of the instruction in its block.
    pub site: u8,
    /// Whether it stores.
    pub store: bool,
    /// Whether the interpreter is to do it in any case.
    pub alone: bool,
    /// The register that holds the address: as it was compared with the entry's tag, or all of it.
    pub register: u8,
    /// How many bytes the access has, if the register holds all of its address; then an access
    /// that stays in its page need not be aligned. Otherwise zero.
    pub bytes: u8,
}

impl Miss {
    /// The register of the second argument.
    pub const AT: u8 = 6;

    /// The packed form.
    #[must_use]
    pub const fn pack(self) -> u32 {
        self.site as u32
            | (self.store as u32) << 8
            | (self.alone as u32) << 9
            | (self.register as u32) << 16
            | (self.bytes as u32) << 20
    }

    /// From the packed form.
    #[must_use]
    pub const fn unpack(bits: u64) -> Self {
        Self {
            site: bits as u8,
            store: bits >> 8 & 1 == 1,
            alone: bits >> 9 & 1 == 1,
            register: (bits >> 16) as u8 & 15,
            bytes: (bits >> 20) as u8 & 15,
        }
    }
}

/// What a call is about: number of the instruction, and the helper or operation and type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The number of the instruction in its block.
    pub site: u8,
    /// The type that a memory operation works in.
    pub ty: u8,
    /// The helper, or the operation.
    pub what: u32,
}

impl Call {
    /// The packed form.
    #[must_use]
    pub const fn pack(self) -> u64 {
        self.site as u64 | (self.ty as u64) << 8 | (self.what as u64) << 32
    }

    /// From the packed form.
    #[must_use]
    pub const fn unpack(bits: u64) -> Self {
        Self {
            site: bits as u8,
            ty: (bits >> 8) as u8,
            what: (bits >> 32) as u32,
        }
    }
}

/// Stand behind exits that are not linked, by the number of the exit.
static UNLINKED: [Head; EXITS] = [
    head(GATES.left_by[0]),
    head(GATES.left_by[1]),
    head(GATES.left_by[2]),
];

/// Stands behind the jump cache.
static UNKNOWN: Head = head(GATES.unknown);

const fn head(entry: host::Gate) -> Head {
    Head {
        entry: Entry(AtomicPtr::new(entry as *const () as *mut u8)),
    }
}

impl Default for Gates {
    /// The gates of this host.
    fn default() -> Self {
        let at = |gate: host::Gate| gate as usize;
        Self {
            unknown: &UNKNOWN,
            miss: at(GATES.miss),
            miss_float: at(GATES.miss_float),
            fuel: at(GATES.fuel),
            next: at(GATES.next),
            trap: at(GATES.trap),
            call: at(GATES.call),
            special: at(GATES.special),
            miss_at: at(GATES.miss_at),
            pages: at(GATES.pages),
        }
    }
}

impl Head {
    /// The head of a block without native code.
    pub fn flat() -> Self {
        head(GATES.flat)
    }

    /// Keeps native code from entering the block.
    pub fn bury(&self) {
        self.lead_to(GATES.dead as *const () as *mut u8);
    }

    /// Lets native code enter the block here from now on.
    pub fn lead_to(&self, entry: *mut u8) {
        self.entry.lead_to(entry);
    }
}

/// The exits of a block that are not linked yet.
pub fn unlinked() -> [Entry<Head>; EXITS] {
    UNLINKED
        .each_ref()
        .map(|head| Entry::new(std::ptr::from_ref(head).cast_mut()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_come_back() {
        for (site, store, register) in [(0, false, 0), (63, true, 15), (200, false, 9)] {
            let miss = Miss {
                site,
                store,
                alone: !store,
                register,
                bytes: register & 8,
            };
            assert_eq!(Miss::unpack(u64::from(miss.pack())), miss);
        }
        let call = Call {
            site: 63,
            ty: 4,
            what: u32::MAX,
        };
        assert_eq!(Call::unpack(call.pack()), call);
    }
}
