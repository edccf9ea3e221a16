//! The flat form: what handlers run.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering};

use vm_engine_cache::{Entry, Place, Toll, UnitId};

/// How many fixed exits a block has: taken or only, not taken, and the one that skips lead to.
pub use vm_engine_cache::EXITS;

use crate::cpu::Cpu;
use crate::native::{self, Native, Samples};

/// Runs one flat op and goes on with the next by a tail call; returns the fuel that is left when
/// something stops it.
pub type Handler = unsafe extern "C" fn(*mut Cpu, *const Flat, i64) -> i64;

/// One flat op: a handler and what it works on.
///
/// `d`, `a`, `b` and `c` are numbers of words; exits use them as one 64-bit number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Flat {
    /// The handler.
    pub run: Handler,
    /// The words: result and operands.
    pub words: [u16; 4],
    /// A constant, or a link.
    pub imm: u64,
}

const _: () = assert!(
    size_of::<Flat>() == 24,
    "three words, so that hot code stays small"
);

/// Words in [`Flat::words`].
pub const D: usize = 0;
/// The first operand.
pub const A: usize = 1;
/// The second operand.
pub const B: usize = 2;
/// The third operand.
pub const C: usize = 3;

impl Flat {
    /// The distance that an exit adds to the program counter.
    #[inline(always)]
    pub const fn distance(&self) -> i64 {
        Self::distance_of(self.words)
    }

    /// The distance that the words of an exit stand for.
    #[inline(always)]
    pub const fn distance_of(words: [u16; 4]) -> i64 {
        let [a, b, c, d] = words;
        (a as u64 | (b as u64) << 16 | (c as u64) << 32 | (d as u64) << 48) as i64
    }

    /// The words of a distance.
    pub const fn pack_distance(distance: i64) -> [u16; 4] {
        let bits = distance as u64;
        [
            bits as u16,
            (bits >> 16) as u16,
            (bits >> 32) as u16,
            (bits >> 48) as u16,
        ]
    }
}

/// Where a guest instruction begins in flat code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The first flat op of the instruction.
    pub flat: u16,
    /// Its offset from the block's first byte.
    pub offset: u16,
}

/// What native code jumps to: the first field of [`Code`], and of the ways out that look like
/// code.
#[repr(C)]
#[derive(Debug)]
pub struct Head {
    /// The host address to go on at, by the convention of [`crate::native`].
    pub entry: Entry<u8>,
}

/// A block of flat code, and what native code for it there is.
#[derive(Debug)]
#[repr(C)]
pub struct Code {
    /// Where native code enters it.
    pub head: Head,
    /// Where its native code goes on behind each exit that stays on the page.
    pub exits: [Entry<Head>; EXITS],
    /// How much fuel it takes: its instructions, until it may no longer be entered.
    pub toll: Toll,
    /// Its instructions.
    pub insns: i64,
    /// The flat ops.
    pub ops: Box<[Flat]>,
    /// Its instructions, in order.
    pub sites: Box<[Site]>,
    /// Which of its last ops lead to another block, the last one first.
    pub linked: AtomicU8,
    /// How many more times it is entered before it is hot.
    pub heat: AtomicU32,
    /// The length of the guest code in bytes.
    pub bytes: u32,
    /// The physical address of its first byte.
    pub phys: u64,
    /// The mode bits it depends on.
    pub mode: u64,
    /// The virtual address at which it was first met, for people: it may be found at others.
    pub pc: u64,
    /// The distances of `exits` from the block's first byte; those of the native code.
    pub distances: [AtomicI64; EXITS],
    /// Tells it from all other code of the machine.
    pub serial: u64,
    /// Its first handler, whether or not native code stands in for it.
    pub first: Handler,
    /// Its native code.
    pub unit: Option<UnitId>,
    /// Templates can not do it.
    pub untold: bool,
    /// How many misaligned accesses its native code has left to the interpreter.
    pub left: u32,
    /// How near it is to being part of a region.
    pub samples: Samples,
    /// It reaches into a second page, so that jumps to it are not linked.
    pub crosses: bool,
    /// Whether its native code is made for misaligned accesses.
    pub odd: bool,
}

impl Code {
    /// A block without native code, which never gets hot.
    pub fn new(ops: Box<[Flat]>, sites: Box<[Site]>, phys: u64, mode: u64, bytes: u32) -> Self {
        let insns = sites.len() as i64;
        Self {
            head: Head::flat(),
            exits: native::unlinked(),
            toll: Toll::new(insns),
            insns,
            first: ops.first().map_or(native::HOOK, |op| op.run),
            ops,
            sites,
            linked: AtomicU8::new(0),
            heat: AtomicU32::new(u32::MAX),
            bytes,
            phys,
            mode,
            pc: 0,
            distances: Default::default(),
            serial: 0,
            unit: None,
            untold: false,
            left: 0,
            samples: Samples::default(),
            crosses: false,
            odd: false,
        }
    }

    /// Lets it be entered by native code.
    pub fn gain_native(&mut self, native: &Native, place: Place) {
        self.unit = Some(place.id);
        self.go_by(native.distances);
        for (exit, unlinked) in self.exits.iter().zip(native::unlinked()) {
            exit.lead_to(unlinked.leads_to());
        }
        self.lead_to(place.entry + native.entry as u64);
    }

    /// Sets where its exits lead to: always to the same places, though not everybody has the exit
    /// that is returned to behind a call.
    pub fn go_by(&self, distances: [i64; EXITS]) {
        for (known, distance) in self.distances.iter().zip(distances) {
            if distance != 0 {
                known.store(distance, Ordering::Relaxed);
            }
        }
    }

    /// Lets it be entered at this host address.
    pub fn lead_to(&self, entry: u64) {
        self.head
            .lead_to(std::ptr::with_exposed_provenance_mut(entry as usize));
        self.begin_with(native::HOOK);
    }

    /// Lets it be entered by its handlers again, if it is the block that is meant.
    pub fn lose_native(&mut self, serial: u64, threshold: u32) {
        if self.serial == serial && self.unit.take().is_some() {
            self.become_flat(threshold);
        }
    }

    /// Lets it be entered by its handlers.
    pub fn become_flat(&self, threshold: u32) {
        self.head.lead_to(Head::flat().entry.leads_to());
        self.heat.store(threshold, Ordering::Relaxed);
        self.begin_with(self.first);
    }

    /// Changes the first handler, behind the head.
    fn begin_with(&self, run: Handler) {
        crate::link::begin_with(self, run);
    }

    /// Which instruction the flat op at `ip` belongs to: its number and its offset.
    pub fn site_of(&self, ip: *const Flat) -> (usize, u64) {
        let flat = (ip as usize).wrapping_sub(self.ops.as_ptr() as usize) / size_of::<Flat>();
        let after = self
            .sites
            .partition_point(|site| usize::from(site.flat) <= flat);
        let index = after.saturating_sub(1);
        (
            index,
            self.sites
                .get(index)
                .map_or(0, |site| u64::from(site.offset)),
        )
    }
}

impl std::fmt::Debug for Flat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flat({:?}, {:#x})", self.words, self.imm)
    }
}
