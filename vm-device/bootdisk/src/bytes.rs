//! Numbers out of a disk's structures, which may end anywhere, and the checksums over them.

/// The `N` bytes at an offset.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The byte at an offset; zero behind the end.
pub(crate) fn u8_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The 16-bit little-endian number at an offset; zero behind the end.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    array(bytes, at).map_or(0, u16::from_le_bytes)
}

/// The 32-bit little-endian number at an offset; zero behind the end.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    array(bytes, at).map_or(0, u32::from_le_bytes)
}

/// The 64-bit little-endian number at an offset; zero behind the end.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    array(bytes, at).map_or(0, u64::from_le_bytes)
}

/// The 16-bit big-endian number at an offset; zero behind the end.
pub(crate) fn u16_be(bytes: &[u8], at: usize) -> u16 {
    array(bytes, at).map_or(0, u16::from_be_bytes)
}

/// The 32-bit big-endian number at an offset; zero behind the end.
pub(crate) fn u32_be(bytes: &[u8], at: usize) -> u32 {
    array(bytes, at).map_or(0, u32::from_be_bytes)
}

/// The CRC-32 of GPT headers, reflected polynomial 0xedb88320.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !crc(!0, bytes, 0xedb8_8320)
}

/// The CRC-32C of ext4 and its journal, polynomial 0x82f63b78, without the last inversion.
pub(crate) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    crc(seed, bytes, 0x82f6_3b78)
}

fn crc(seed: u32, bytes: &[u8], polynomial: u32) -> u32 {
    bytes.iter().fold(seed, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (polynomial & (crc & 1).wrapping_neg())
        })
    })
}

/// A UUID in the order of its text, as ext4 has it.
pub(crate) fn uuid_text(bytes: [u8; 16]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| digits[range].concat();
    [
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..16),
    ]
    .join("-")
}

/// A GUID whose first three fields are little-endian, as GPT has it.
pub(crate) fn guid_text(bytes: [u8; 16]) -> String {
    let mut swapped = bytes;
    swapped[0..4].reverse();
    swapped[4..6].reverse();
    swapped[6..8].reverse();
    uuid_text(swapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_catalogues() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }

    #[test]
    fn identifiers_are_written_in_their_orders() {
        let bytes = std::array::from_fn(|n| n as u8 + 0x10);
        assert_eq!(uuid_text(bytes), "10111213-1415-1617-1819-1a1b1c1d1e1f");
        assert_eq!(guid_text(bytes), "13121110-1514-1716-1819-1a1b1c1d1e1f");
    }
}
