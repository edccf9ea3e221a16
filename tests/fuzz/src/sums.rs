//! Checksums, so that what is nearly right is not refused for them.

/// The CRC-32 of GPT headers and of gzip.
pub fn crc32(bytes: &[u8]) -> u32 {
    !crc(!0, bytes, 0xedb8_8320)
}

/// The checksum that ext4's journal has, without its last inversion.
pub fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    crc(seed, bytes, 0x82f6_3b78)
}

fn crc(seed: u32, bytes: &[u8], polynomial: u32) -> u32 {
    bytes.iter().fold(seed, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (polynomial & (crc & 1).wrapping_neg())
        })
    })
}
