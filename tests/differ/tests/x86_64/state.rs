//! What an instruction works on, and where everything stands.

/// Where code may stand: one page.
pub const CODE: u64 = 0x1000_0000;
/// Where the instruction stands.
pub const INSN: u64 = CODE + 0x800;
/// Where data stands.
pub const DATA: u64 = 0x1001_0000;
/// The bytes of a page.
pub const PAGE: u64 = 0x1000;
/// The bytes of data.
pub const DATA_BYTES: u64 = 2 * PAGE;

/// The flags that are compared: OF DF SF ZF AF PF CF.
pub const FLAGS: u64 = 0xcd5;

/// The general registers in the order of their numbers.
pub const NAMES: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];

/// How one instruction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It is done.
    Done,
    /// Divide error.
    Divide,
    /// Invalid opcode.
    Invalid,
    /// A fault of memory or protection, which a process can not tell apart.
    Memory,
}

/// Registers and memory.
#[derive(Clone, PartialEq, Eq)]
pub struct State {
    /// The general registers.
    pub general: [u64; 16],
    /// The instruction pointer.
    pub rip: u64,
    /// The flags among [`FLAGS`].
    pub flags: u64,
    /// The bases of FS and GS.
    pub bases: [u64; 2],
    /// The data.
    pub data: Vec<u8>,
}

/// A stream of numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Yes once in `in_how_many` times.
    pub fn once_in(&mut self, in_how_many: u64) -> bool {
        self.below(in_how_many) == 0
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}
