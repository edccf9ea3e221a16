//! Operands where floating point goes wrong: boundaries, ties, cancellation, subnormals, NaNs.

use super::super::format::Layout;
use super::super::{Format, Out, RISCV, Rounding, div, mul};

/// Used when `VM_TEST_SEED` is not set.
const DEFAULT_SEED: u64 = 0x5eed_0f10_a700_0001;

/// A deterministic source of operands.
pub struct Source {
    /// Where it started, for messages.
    pub seed: u64,
    state: u64,
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().expect("a decimal number"))
}

/// How many rounds a random test runs.
pub fn rounds(default: u64) -> u64 {
    setting("VM_TEST_ROUNDS").unwrap_or(default)
}

impl Source {
    /// A source for one test; the name keeps tests with one seed apart.
    pub fn new(name: &str) -> Self {
        let seed = setting("VM_TEST_SEED").unwrap_or(DEFAULT_SEED);
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self {
            seed,
            state: name.bytes().fold(seed, mix),
        }
    }

    /// The next 64 random bits (SplitMix64).
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A random number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A fraction: few bits, runs of bits, or anything.
    fn fraction(&mut self, format: Layout) -> u64 {
        let mask = format.min_normal() - 1;
        let bit = 1 << self.below(u64::from(format.frac_bits));
        let bits = match self.below(9) {
            0 => 0,
            1 => self.below(3).wrapping_sub(1),
            2 => mask - self.below(2),
            3 => bit,
            4 => bit - 1,
            5 => mask ^ (bit - 1),
            6 => self.next() & self.next() & self.next(),
            7 => self.next() & !(mask >> (format.frac_bits / 2)),
            _ => self.next(),
        };
        bits & mask
    }

    /// A biased exponent: at the ends, around one, where fractions end, or anything.
    fn biased(&mut self, format: Layout) -> u64 {
        let top = format.infinity() >> format.frac_bits;
        let bias = format.max_exp() as u64;
        let places = u64::from(format.frac_bits);
        match self.below(10) {
            0 => 0,
            1 => top,
            2 => top - 1 - self.below(3),
            3 => 1 + self.below(3),
            4 => bias - 2 + self.below(5),
            5 => bias + places.saturating_sub(2) + self.below(5).min(bias - places),
            6 => bias / 2 + self.below(3),
            7 => bias + bias / 2 + self.below(3),
            _ => self.below(top + 1),
        }
    }

    /// One operand.
    pub fn operand(&mut self, f: Format) -> u64 {
        let format = f.layout();
        let magnitude = (self.biased(format) << format.frac_bits) | self.fraction(format);
        format.signed(self.next() & 1 == 1, magnitude & format.magnitude_mask())
    }

    /// Three operands, often such that operations on them meet a boundary.
    pub fn triple(&mut self, f: Format) -> [u64; 3] {
        let format = f.layout();
        let (a, mut b, mut c) = (self.operand(f), self.operand(f), self.operand(f));
        let nearest = Rounding::NearestEven;
        match self.below(8) {
            // Exponents close together: cancellation, and ties in sums.
            0 | 1 => {
                let distance = self.below(2 * u64::from(format.frac_bits) + 6);
                let from = (a & format.magnitude_mask()) >> format.frac_bits;
                let biased = from.saturating_sub(distance);
                b = format.signed(b & format.sign_bit() != 0, biased << format.frac_bits)
                    | self.fraction(format);
            }
            // Products and quotients about the smallest normal value.
            2 => b = div(f, self.near_smallest(format), a, nearest, RISCV).bits,
            3 => b = mul(f, self.near_smallest(format), a, nearest, RISCV).bits,
            _ => {}
        }
        if self.below(3) == 0 {
            // An addend that all but cancels the product.
            let Out { bits, .. } = mul(f, a, b, nearest, RISCV);
            let moved = bits.wrapping_add(self.below(5)).wrapping_sub(2);
            c = (moved ^ format.sign_bit()) & (format.sign_bit() | format.magnitude_mask());
        }
        [a, b, c]
    }

    /// A value within a few places of the smallest normal one.
    fn near_smallest(&mut self, format: Layout) -> u64 {
        let magnitude = format.min_normal() + self.below(7) - 3;
        format.signed(self.next() & 1 == 1, magnitude)
    }

    /// An integer with its interesting bits at the top, at the bottom, or anywhere.
    pub fn integer(&mut self) -> u64 {
        let bits = self.next() >> self.below(64);
        match self.below(4) {
            0 => 1 << self.below(64),
            1 => (1 << self.below(64)) - 1,
            2 => bits.wrapping_neg(),
            _ => bits,
        }
    }
}
