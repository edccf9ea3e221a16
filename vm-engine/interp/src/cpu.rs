//! One virtual CPU as handlers see it.
#![expect(
    unsafe_code,
    reason = "a struct of raw pointers moves between threads; see UNSAFETY"
)]
// UNSAFETY: handlers are reached by function pointers and share one struct of raw pointers; the
// one impl here says why that struct may move to another thread between runs.

use std::mem::MaybeUninit;

use vm_core::{Access, AccessKind, GuestPhys, Space, Stopped, Trap, Width};
use vm_mem::{GuestRam, TlbEntry};

use crate::flat::{Code, Flat};
use crate::native::{Gates, HELPERS};
use crate::ring::Ring;
use crate::slow::Slow;

/// The words of a CPU: its slots, then one that is always zero, then temporaries.
// LIMIT: the largest guest has some 400 slots; a block that needs more temporaries than are left
// is cut shorter.
pub const WORDS: usize = 1024;

/// A jump cache entry: where the code for an address is.
#[derive(Clone, Copy, Debug)]
pub struct Jump {
    /// The virtual address.
    pub pc: u64,
    /// The code; never dereferenced before the address is compared.
    pub code: *const Code,
}

impl Jump {
    /// What stands at an index where nothing is known: an address that belongs elsewhere, so that
    /// no look-up finds it.
    pub const fn empty(index: usize) -> Self {
        Self {
            pc: if index == 0 { 2 } else { 0 },
            code: std::ptr::null(),
        }
    }

    /// What tells the entries of a cache apart, in bytes; how many they are is a power of two.
    pub const fn mask(entries: usize) -> usize {
        (entries - 1) * size_of::<Self>()
    }

    /// Where in a cache the entry for an address is, in bytes.
    #[inline(always)]
    pub const fn place(pc: u64, mask: usize) -> usize {
        ((pc >> 1 ^ pc >> 12) as usize).wrapping_mul(size_of::<Self>()) & mask
    }
}

const _: () = assert!(
    Jump::place(0, Jump::mask(2)) == 0 && Jump::place(2, Jump::mask(2)) != 0,
    "an empty entry holds an address that is looked up elsewhere"
);

/// The largest region of RAM: where native code finds out what the guest calls a host address.
/// What stands elsewhere is left to slow paths.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Window {
    /// The host's address.
    pub host: u64,
    /// The length.
    pub bytes: u64,
    /// The guest's address.
    pub base: u64,
}

impl Window {
    /// That of a RAM.
    pub fn of(ram: &GuestRam) -> Self {
        let largest = ram.regions().max_by_key(|(_, bytes)| *bytes);
        let window = largest.and_then(|(base, bytes)| {
            let host = ram.page(base)?.host;
            let base = base.0;
            Some(Self { host, bytes, base })
        });
        window.unwrap_or_default()
    }
}

/// Why handlers gave control back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StopKind {
    /// The next block does not fit the fuel, or is no longer valid.
    Fuel,
    /// No code is known for the program counter; the exit at `Cpu::ip` may be linked to it.
    Lookup,
    /// As `Lookup`, but the exit can not be linked.
    LookupIndirect,
    /// What translations depend on may have changed.
    Next,
    /// The instruction at `Cpu::ip` trapped, see `Cpu::trap`.
    Trap,
    /// The instruction at `Cpu::ip` needs a device, see `Cpu::access`.
    Access,
    /// The instruction at `Cpu::ip` is what a debugger waits for, see `Cpu::stopped`.
    Stopped,
    /// Native code can not do the instruction at `Cpu::ip`: it is to be interpreted alone.
    Alone,
}

/// Why handlers gave control back, with what goes with it.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// See [`StopKind::Fuel`].
    Fuel,
    /// See [`StopKind::Lookup`].
    Lookup,
    /// See [`StopKind::LookupIndirect`].
    LookupIndirect,
    /// See [`StopKind::Next`].
    Next,
    /// See [`StopKind::Trap`].
    Trap(Trap),
    /// See [`StopKind::Access`].
    Access(Access),
    /// See [`StopKind::Stopped`].
    Stopped(Stopped),
    /// See [`StopKind::Alone`].
    Alone,
}

/// The state of one virtual CPU, shared by all handlers.
#[repr(C)]
pub struct Cpu {
    /// The address at which the running block was entered.
    pub pc: u64,
    /// The TLB table in force.
    pub tlb: *mut TlbEntry,
    /// The jump cache in force, and its [`Jump::mask`].
    pub jumps: *mut Jump,
    /// See `jumps`.
    pub jump_mask: usize,
    /// The running block.
    pub code: *const Code,
    /// Where handlers stopped.
    pub ip: *const Flat,
    /// What slow paths work with; valid while handlers run.
    pub slow: *mut Slow,
    /// Why handlers stopped.
    pub stop: StopKind,
    /// The trap, if they stopped for one.
    pub trap: Trap,
    /// The access, if they stopped for one.
    pub access: Access,
    /// Why a debugger is told, if they stopped for it.
    pub stopped: Stopped,
    /// The result of a slow path, on its way to the op's word.
    pub result: u64,
    /// The host's stack pointer at which native code gives control back.
    pub stack: u64,
    /// Where the host's stack may not go on for calls that native code notes there.
    pub stack_end: u64,
    /// The fuel left when native code called a slow path.
    pub fuel: i64,
    /// Ways out of native code.
    pub gates: Gates,
    /// What the compiler of native code wants to find here.
    pub helpers: [MaybeUninit<u64>; HELPERS],
    /// The guest's slots, then the temporaries.
    pub words: [u64; WORDS],
    /// Where it went last; behind the words, which are to be near the gates.
    pub recent: Ring,
    /// The number of the state that the mappings are in; see [`crate::jumps::Jumps::state`].
    pub state: *const u64,
    /// Where RAM is.
    pub ram: Window,
}

// SAFETY: the pointers are set anew by each run, from data that the engine owns, before any
// handler reads them; between runs nothing follows them.
unsafe impl Send for Cpu {}

/// What stands in [`Cpu::access`] before the first one.
const NO_ACCESS: Access = Access {
    space: Space::Memory,
    addr: GuestPhys(0),
    width: Width::B1,
    kind: AccessKind::Load,
};

impl Cpu {
    /// Why handlers stopped.
    pub fn stop(&self) -> Stop {
        match self.stop {
            StopKind::Fuel => Stop::Fuel,
            StopKind::Lookup => Stop::Lookup,
            StopKind::LookupIndirect => Stop::LookupIndirect,
            StopKind::Next => Stop::Next,
            StopKind::Trap => Stop::Trap(self.trap),
            StopKind::Access => Stop::Access(self.access),
            StopKind::Stopped => Stop::Stopped(self.stopped),
            StopKind::Alone => Stop::Alone,
        }
    }

    /// Notes why handlers stop.
    pub fn set_stop(&mut self, why: Stop) {
        self.stop = match why {
            Stop::Fuel => StopKind::Fuel,
            Stop::Lookup => StopKind::Lookup,
            Stop::LookupIndirect => StopKind::LookupIndirect,
            Stop::Next => StopKind::Next,
            Stop::Trap(trap) => {
                self.trap = trap;
                StopKind::Trap
            }
            Stop::Access(access) => {
                self.access = access;
                StopKind::Access
            }
            Stop::Stopped(stopped) => {
                self.stopped = stopped;
                StopKind::Stopped
            }
            Stop::Alone => StopKind::Alone,
        };
    }

    /// A CPU whose words are all zero.
    pub fn new() -> Box<Self> {
        Box::new(Self {
            pc: 0,
            tlb: std::ptr::null_mut(),
            jumps: std::ptr::null_mut(),
            jump_mask: 0,
            code: std::ptr::null(),
            ip: std::ptr::null(),
            slow: std::ptr::null_mut(),
            stop: StopKind::Next,
            trap: Trap::default(),
            access: NO_ACCESS,
            stopped: Stopped::Step,
            result: 0,
            stack: 0,
            stack_end: 0,
            fuel: 0,
            gates: Gates::default(),
            helpers: [MaybeUninit::zeroed(); HELPERS],
            words: [0; WORDS],
            recent: Ring::new(),
            state: std::ptr::null(),
            ram: Window::default(),
        })
    }
}
