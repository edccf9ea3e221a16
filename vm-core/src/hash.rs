//! The hash that tells two states apart.

/// A 64-bit hash over a stream of words; one flipped bit anywhere changes it.
///
/// It guards against difference, not against malice: each step is a bijection of the running
/// value for a fixed input, so that two streams of one length that differ in one word can not
/// meet again before the end.
#[derive(Clone, Copy, Debug)]
pub struct StateHash {
    lanes: [u64; 4],
    words: u64,
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Default for StateHash {
    fn default() -> Self {
        Self::new()
    }
}

impl StateHash {
    /// The hash of nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lanes: [1, 2, 3, 4],
            words: 0,
        }
    }

    /// Adds one word.
    pub fn word(&mut self, word: u64) {
        let lane = &mut self.lanes[(self.words & 3) as usize];
        *lane = (*lane ^ word).wrapping_mul(ODD);
        *lane ^= *lane >> 32;
        self.words = self.words.wrapping_add(1);
    }

    /// Adds bytes and their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (blocks, rest) = bytes.as_chunks::<32>();
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            for word in words {
                self.word(u64::from_le_bytes(*word));
            }
        }
        for part in rest.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(&self) -> u64 {
        let mut sum = self.words;
        for lane in self.lanes {
            sum = (sum ^ lane).wrapping_mul(ODD);
            sum ^= sum >> 32;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_bit_and_every_length_counts() {
        let hash = |bytes: &[u8]| {
            let mut hash = StateHash::new();
            hash.bytes(bytes);
            hash.finish()
        };
        let clean = vec![0u8; 203];
        let mut seen = std::collections::HashSet::from([hash(&clean), hash(&clean[1..])]);
        assert_eq!(seen.len(), 2);
        for bit in 0..clean.len() * 8 {
            let mut dirty = clean.clone();
            dirty[bit / 8] ^= 1 << (bit % 8);
            assert!(
                seen.insert(hash(&dirty)),
                "bit {bit} does not change the hash"
            );
        }
    }
}
