//! Seeded randomness: the only source of chance a guest can reach.

use crate::state::{Fields, Section, StateError};

/// A random stream that its seed fixes: ChaCha (RFC 8439) with 12 rounds.
#[derive(Clone, Debug)]
pub struct Entropy {
    key: [u32; 8],
    block: u64,
    unread: Vec<u8>,
}

impl Entropy {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let words = [seed as u32, (seed >> 32) as u32];
        let key = std::array::from_fn(|i| words[i & 1] ^ (i as u32).wrapping_mul(0x9e37_79b9));
        Self {
            key,
            block: 0,
            unread: Vec::new(),
        }
    }

    /// Fills the buffer with the next bytes of the stream.
    pub fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.unread.is_empty() {
                self.refill();
            }
            *byte = self.unread.pop().unwrap_or(0);
        }
    }

    /// The next word of the stream.
    pub fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Writes the stream's place down.
    pub fn save(&self, out: &mut Section) {
        for (i, word) in self.key.iter().enumerate() {
            out.u64(&format!("key{i}"), u64::from(*word));
        }
        out.u64("block", self.block);
        out.bytes("unread", &self.unread);
    }

    /// Goes on where the saved stream stood.
    pub fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        for (i, word) in self.key.iter_mut().enumerate() {
            *word = from.u64(&format!("key{i}"))? as u32;
        }
        self.block = from.u64("block")?;
        self.unread = from.bytes("unread")?.to_vec();
        Ok(())
    }

    fn refill(&mut self) {
        let mut initial = [0u32; 16];
        initial[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        initial[4..12].copy_from_slice(&self.key);
        initial[12] = self.block as u32;
        initial[13] = (self.block >> 32) as u32;
        let mut words = initial;
        for _ in 0..6 {
            for (a, b, c, d) in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)] {
                quarter_round(&mut words, a, b, c, d);
            }
            for (a, b, c, d) in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)] {
                quarter_round(&mut words, a, b, c, d);
            }
        }
        self.block = self.block.wrapping_add(1);
        self.unread = words
            .iter()
            .zip(initial)
            .flat_map(|(word, start)| word.wrapping_add(start).to_le_bytes())
            .rev()
            .collect();
    }
}

fn quarter_round(words: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (sum, other, turned, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        words[sum] = words[sum].wrapping_add(words[other]);
        words[turned] = (words[turned] ^ words[sum]).rotate_left(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_fixes_the_stream() {
        let (mut a, mut b, mut c) = (Entropy::new(1), Entropy::new(1), Entropy::new(2));
        let (x, y, z) = (a.next_u64(), b.next_u64(), c.next_u64());
        assert_eq!(x, y);
        assert_ne!(x, z);
        assert_ne!(x, a.next_u64());
    }

    #[test]
    fn a_restored_stream_goes_on() {
        let mut a = Entropy::new(7);
        a.fill(&mut [0; 75]);
        let mut section = Section::new("entropy", 1);
        a.save(&mut section);
        let mut b = Entropy::new(0);
        b.restore(&section.fields()).unwrap();
        assert_eq!(a.next_u64(), b.next_u64());
    }

    #[test]
    fn the_quarter_round_is_the_one_of_rfc_8439() {
        let mut words = [0; 16];
        words[..4].copy_from_slice(&[0x1111_1111, 0x0102_0304, 0x9b8d_6f43, 0x0123_4567]);
        quarter_round(&mut words, 0, 1, 2, 3);
        assert_eq!(
            words[..4],
            [0xea2a_92f4, 0xcb1c_f8ce, 0x4581_472e, 0x5881_c4bb]
        );
    }
}
