//! Masks of logical immediates: a run of ones, turned, in elements that repeat.
//!
//! Arm Architecture Reference Manual, shared pseudocode `DecodeBitMasks`.

/// The mask that thirteen bits (N, immr, imms) stand for in a register of `width` bits; `None`
/// if they stand for none.
pub fn mask(bits: u32, width: u32) -> Option<u64> {
    let (n, turn, ones) = (bits >> 12 & 1, bits >> 6 & 63, bits & 63);
    // The highest bit of N:NOT(imms) says the size of an element.
    let size = 1 << (n << 6 | !ones & 63).checked_ilog2()?;
    if size < 2 || size > width {
        return None;
    }
    let (turn, ones) = (turn & (size - 1), ones & (size - 1));
    if ones == size - 1 {
        return None;
    }
    let element_mask = u64::MAX >> (64 - size);
    let run = u64::MAX >> (63 - ones);
    let element = match turn {
        0 => run,
        by => (run >> by | run << (size - by)) & element_mask,
    };
    let mut out = element;
    let mut filled = size;
    while filled < width {
        out |= out << filled;
        filled *= 2;
    }
    Some(out)
}

/// The thirteen bits that stand for a mask in a register of `width` bits.
pub fn bits(value: u64, width: u32) -> Option<u32> {
    // The shortest element first: that is the one form the encodings have for a value.
    let sizes = [2u32, 4, 8, 16, 32, 64];
    let kinds = sizes.iter().take_while(|size| **size <= width);
    kinds
        .flat_map(|size| {
            (0..*size).flat_map(move |turn| (0..size - 1).map(move |o| (*size, turn, o)))
        })
        .map(|(size, turn, ones)| {
            let n = u32::from(size == 64);
            let head = !(2 * size - 1) & 63;
            n << 12 | turn << 6 | head | ones
        })
        .find(|bits| mask(*bits, width) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_those_of_the_manual() {
        let check = |n: u32, immr: u32, imms: u32, width: u32, want: Option<u64>| {
            let bits = n << 12 | immr << 6 | imms;
            assert_eq!(mask(bits, width), want, "{n} {immr} {imms} {width}");
        };
        check(1, 0, 0, 64, Some(1));
        check(1, 1, 0, 64, Some(1 << 63));
        check(1, 0, 62, 64, Some(u64::MAX >> 1));
        check(1, 4, 7, 64, Some(0xf000_0000_0000_000f));
        check(1, 0, 63, 64, None);
        check(0, 0, 0b111100, 64, Some(0x5555_5555_5555_5555));
        check(0, 1, 0b111100, 64, Some(0xaaaa_aaaa_aaaa_aaaa));
        check(0, 0, 0b111101, 64, None);
        check(0, 0, 0b111110, 64, None);
        check(0, 0, 0b111111, 64, None);
        check(0, 0, 0b110000, 64, Some(0x0101_0101_0101_0101));
        check(0, 0, 7, 32, Some(0xff));
        check(0, 31, 0, 32, Some(2));
        check(1, 0, 7, 32, None);
    }

    #[test]
    fn bits_lead_back_to_the_mask() {
        for width in [32, 64] {
            for all in 0..1 << 13 {
                if let Some(value) = mask(all, width) {
                    let back = bits(value, width).and_then(|bits| mask(bits, width));
                    assert_eq!(back, Some(value), "{all:#x}");
                }
            }
        }
        assert_eq!(bits(0, 64), None);
        assert_eq!(bits(5, 64), None);
    }
}
