//! The flat form: what handlers run.

use crate::cpu::Cpu;

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
        let [a, b, c, d] = self.words;
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

/// A block of flat code.
#[derive(Debug)]
pub struct Code {
    /// How much fuel it takes: its instructions; [`Code::DEAD`] when it may no longer be entered.
    pub insns: i64,
    /// The flat ops.
    pub ops: Box<[Flat]>,
    /// Its instructions, in order.
    pub sites: Box<[Site]>,
    /// The physical address of its first byte.
    pub phys: u64,
    /// The length of the guest code in bytes.
    pub bytes: u32,
}

impl Code {
    /// Takes more fuel than there ever is, so that nobody gets past the check at the entry.
    pub const DEAD: i64 = i64::MAX / 2;

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
