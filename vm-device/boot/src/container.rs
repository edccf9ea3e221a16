//! Containers around kernels: gzip, zstd, and the EFI zboot wrapper around either.
//!
//! The zboot header is that of the Linux sources (`drivers/firmware/efi/libstub`): `MZ`, `zimg`,
//! offset and length of the payload, and the name of the compression.

use std::borrow::Cow;
use std::io::{self, Read};

use crate::BootError;
use crate::bytes::{array, u32_at};

/// The size that [`unpack`]'s callers allow for a kernel if they have no better figure.
// LIMIT: kernels with all drivers and debug information stay below it; a hostile file can make
// the host hold this much for the time of a load and no more.
pub const KERNEL_LIMIT: u64 = 512 << 20;

/// How many bytes may come out of one.
// LIMIT: gzip can not do more, kernels give three to six; so a small file costs little memory.
const RATIO: u64 = 1032;

/// How many containers may stand in one another.
// LIMIT: a zboot image in a gzip file has two layers; more are somebody's joke.
const LAYERS: u32 = 3;

/// What a file is wrapped in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// An EFI program that unpacks a kernel.
    Zboot,
}

impl Container {
    /// Its name, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zboot => "EFI zboot",
        }
    }

    /// The container that a file begins with.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Self::Zstd)
        } else if bytes.starts_with(b"MZ") && array(bytes, 4) == Some(*b"zimg") {
            Some(Self::Zboot)
        } else {
            None
        }
    }
}

/// Magic bytes of compressions that are recognised in order to be refused by name.
const REFUSED: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x89LZO\0", "lzo"),
];

/// The content of all containers around a file, at most `limit` bytes; the file itself if there
/// is none.
pub fn unpack<'a>(file: impl Into<Cow<'a, [u8]>>, limit: u64) -> Result<Cow<'a, [u8]>, BootError> {
    let mut content = file.into();
    for _ in 0..LAYERS {
        let Some(container) = Container::detect(&content) else {
            return match REFUSED.iter().find(|(magic, _)| content.starts_with(magic)) {
                Some((_, name)) => Err(BootError::Compression((*name).to_owned())),
                None => Ok(content),
            };
        };
        let limit = limit.min((content.len() as u64).saturating_mul(RATIO));
        content = Cow::Owned(match container {
            Container::Gzip => gzip(&content, limit)?,
            Container::Zstd => zstd(&content, limit)?,
            Container::Zboot => zboot(&content, limit)?,
        });
    }
    match Container::detect(&content) {
        Some(_) => Err(BootError::Nested(LAYERS)),
        None => Ok(content),
    }
}

fn gzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, BootError> {
    read_bounded("gzip", flate2::read::GzDecoder::new(bytes), limit)
}

fn zstd(bytes: &[u8], limit: u64) -> Result<Vec<u8>, BootError> {
    let damaged = |reason: String| BootError::Damaged {
        container: "zstd",
        reason,
    };
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(bytes)
        .map_err(|error| damaged(error.to_string()))?;
    let content = read_bounded("zstd", &mut decoder, limit)?;
    let frame = decoder.into_frame_decoder();
    match (
        frame.get_checksum_from_data(),
        frame.get_calculated_checksum(),
    ) {
        (Some(said), Some(found)) if said != found => Err(damaged(format!(
            "its checksum is {found:#010x}, it says {said:#010x}"
        ))),
        _ => Ok(content),
    }
}

fn zboot(bytes: &[u8], limit: u64) -> Result<Vec<u8>, BootError> {
    let cut = |part: &str, need: u64| BootError::Truncated {
        part: part.to_owned(),
        have: bytes.len() as u64,
        need,
    };
    let header = || cut("EFI zboot header", 56);
    let start = u32_at(bytes, 8).ok_or_else(header)?;
    let length = u32_at(bytes, 12).ok_or_else(header)?;
    let name: [u8; 32] = array(bytes, 24).ok_or_else(header)?;
    let end = u64::from(start) + u64::from(length);
    let payload = bytes
        .get(start as usize..end as usize)
        .ok_or_else(|| cut("EFI zboot payload", end))?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    match name {
        b"gzip" => gzip(payload, limit),
        b"zstd" => zstd(payload, limit),
        other => Err(BootError::Compression(other.escape_ascii().to_string())),
    }
}

/// Reads to the end, but never more than `limit` bytes.
fn read_bounded(
    container: &'static str,
    source: impl Read,
    limit: u64,
) -> Result<Vec<u8>, BootError> {
    let mut out = Vec::new();
    let mut source = source.take(limit.saturating_add(1));
    source
        .read_to_end(&mut out)
        .map_err(|error: io::Error| BootError::Damaged {
            container,
            reason: error.to_string(),
        })?;
    if out.len() as u64 > limit {
        return Err(BootError::TooLarge { container, limit });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const CONTENT: &[u8] = b"not a kernel, but a text of some length: aaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn gzipped(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstded(content: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn zbooted(payload: &[u8], name: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..8].copy_from_slice(b"MZ\0\0zimg");
        file[8..12].copy_from_slice(&64u32.to_le_bytes());
        file[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        file[24..24 + name.len()].copy_from_slice(name);
        file.extend_from_slice(payload);
        file
    }

    fn check(file: &[u8]) {
        assert_eq!(unpack(file, 1000).as_deref(), Ok(CONTENT));
        let short = unpack(file, CONTENT.len() as u64 - 1);
        assert!(matches!(short, Err(BootError::TooLarge { .. })) || file == CONTENT);
        let exact = unpack(file, CONTENT.len() as u64);
        assert_eq!(exact.as_deref(), Ok(CONTENT));
    }

    #[test]
    fn containers_give_their_content_within_the_limit() {
        check(CONTENT);
        check(&gzipped(CONTENT));
        check(&zstded(CONTENT));
        check(&zbooted(&gzipped(CONTENT), b"gzip"));
        check(&zbooted(&zstded(CONTENT), b"zstd"));
    }

    #[test]
    fn no_prefix_gives_the_content_or_a_panic() {
        for whole in [
            gzipped(CONTENT),
            zstded(CONTENT),
            zbooted(&gzipped(CONTENT), b"gzip"),
        ] {
            for end in 0..whole.len() {
                let content = unpack(&whole[..end], 1000);
                assert_ne!(content.as_deref(), Ok(CONTENT), "{end} bytes");
            }
        }
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let mut text = Vec::new();
        for line in 0..400u32 {
            text.extend_from_slice(format!("line {line} of {}, ", line * 7919).as_bytes());
        }
        let mut state = 1u64;
        let mut chance = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        for whole in [gzipped(&text), zstded(&text)] {
            for _ in 0..3000 {
                let mut file = whole.clone();
                for _ in 0..=chance(3) {
                    let at = 4 + chance(file.len() - 4);
                    file[at] = chance(256) as u8;
                }
                let content = unpack(&file, 1 << 20);
                assert!(content.is_err() || content.is_ok_and(|bytes| bytes.len() <= 1 << 20));
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        // The checksums: the last four bytes of zstd, and the four before gzip's length.
        for (mut file, from_end) in [(zstded(CONTENT), 1), (gzipped(CONTENT), 5)] {
            let at = file.len() - from_end;
            file[at] ^= 1;
            let content = unpack(&file, 1000);
            assert!(
                matches!(content, Err(BootError::Damaged { .. })),
                "{content:?}"
            );
        }
    }

    #[test]
    fn what_can_not_be_unpacked_is_named() {
        let refuse = |file: &[u8], message: &str| {
            let error = unpack(file, 1 << 20).unwrap_err();
            assert_eq!(error.to_string(), message);
        };
        let known = "only gzip and zstd can be unpacked";
        refuse(
            b"\xfd7zXZ\0\0\0",
            &format!("the file is compressed with xz, {known}"),
        );
        refuse(
            &zbooted(b"", b"lz\x1b4"),
            &format!("the file is compressed with lz\\x1b4, {known}"),
        );
        let mut cut = zbooted(&gzipped(CONTENT), b"gzip");
        cut.truncate(70);
        let end = 64 + gzipped(CONTENT).len();
        refuse(
            &cut,
            &format!(
                "the file is cut off: it has 70 bytes, its EFI zboot payload reaches to byte {end}"
            ),
        );
        let deep = gzipped(&gzipped(&gzipped(&gzipped(CONTENT))));
        refuse(&deep, "the file is packed more than 3 times over");
    }
}
