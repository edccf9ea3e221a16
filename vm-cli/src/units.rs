//! The values that flags take.

use std::ops::Range;
use std::path::PathBuf;

use vm_runtime::boot::Arch;
use vm_runtime::{DiskAccess, DiskConfig, DiskFormat, Firmware, TraceKinds};

/// The units of sizes; the first one of a size is the one that help texts use.
const UNITS: [(&str, u32); 5] = [("B", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40)];

/// A size with its unit.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size: write a number and a unit, as 512M or 2G");
    let upper = text.trim().to_ascii_uppercase();
    let short = upper.strip_suffix("IB").unwrap_or(&upper);
    let (digits, shift) = UNITS
        .iter()
        .find_map(|(unit, shift)| Some((short.strip_suffix(unit)?, *shift)))
        .ok_or_else(|| {
            let bare = !short.is_empty() && short.bytes().all(|byte| byte.is_ascii_digit());
            if bare {
                format!("`{text}` has no unit: write {text}M for MiB")
            } else {
                wrong()
            }
        })?;
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    count
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("`{text}` is more than can be counted"))
}

/// How much is verified, as one in so many: `1` or `1/50`.
pub fn verify_rate(text: &str) -> Result<u32, String> {
    let count = match text.split_once('/') {
        Some(("1", count)) => count.parse().ok().filter(|count| *count > 0),
        None => (text == "1").then_some(1),
        Some(_) => None,
    };
    count.ok_or_else(|| format!("`{text}` is no part: write 1/50 for one run in fifty, or nothing"))
}

/// The units of times, with their nanoseconds; longer names before those that end them.
const TIMES: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A time with its unit, in nanoseconds; longer than nothing.
pub fn duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a time: write a number and a unit, as 60s or 500ms");
    let (digits, unit) = TIMES
        .iter()
        .find_map(|(unit, ns)| Some((text.strip_suffix(unit)?, *ns)))
        .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(wrong)?;
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    match count.checked_mul(unit) {
        Some(0) => Err(format!("`{text}` is no time at all")),
        Some(ns) => Ok(ns),
        None => Err(format!("`{text}` is longer than can be counted")),
    }
}

/// A number, decimal or hexadecimal.
pub fn number(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    let parsed = match plain
        .strip_prefix("0x")
        .or_else(|| plain.strip_prefix("0X"))
    {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    // The parser takes a sign, which is nothing that a number here can have.
    let signed = plain.contains('+');
    parsed
        .ok()
        .filter(|_| !signed)
        .ok_or_else(|| format!("`{text}` is not a number: write 4096 or 0x1000, at most 64 bits"))
}

/// Two numbers with two dots; either may be left out.
pub fn range(text: &str) -> Result<Range<u64>, String> {
    let Some((from, to)) = text.split_once("..") else {
        return Err(format!(
            "`{text}` is not a range: write FROM..TO, as 0x80000000..0x80001000"
        ));
    };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { u64::MAX } else { number(to)? };
    if from >= to {
        return Err(format!(
            "`{text}` is an empty range: its end is not behind its begin"
        ));
    }
    Ok(from..to)
}

/// A disk: a file, and perhaps options behind commas.
///
/// The format is raw, unless the name or an option says otherwise; a guest that can write the
/// disk must not be able to choose it.
pub fn disk(text: &str) -> Result<DiskConfig, String> {
    const HELP: &str = "write FILE, FILE,ro or FILE,ephemeral";
    let (mut file, mut access, mut format) = (text, DiskAccess::Keep, None);
    while let Some((front, option)) = file.rsplit_once(',') {
        match option {
            "ro" => access = DiskAccess::ReadOnly,
            "rw" => access = DiskAccess::Keep,
            "ephemeral" => access = DiskAccess::Ephemeral,
            "format=raw" => format = Some(DiskFormat::Raw),
            "format=qcow2" => format = Some(DiskFormat::Qcow2),
            other if other.contains(['.', '/']) => break,
            other => return Err(format!("`{other}` is not an option of a disk: {HELP}")),
        }
        file = front;
    }
    let file = file.strip_prefix("file=").unwrap_or(file);
    if file.is_empty() {
        return Err(format!("a disk needs a file: {HELP}"));
    }
    let path = PathBuf::from(file);
    let by_name = match path.extension().is_some_and(|ending| ending == "qcow2") {
        true => DiskFormat::Qcow2,
        false => DiskFormat::Raw,
    };
    Ok(DiskConfig {
        path,
        access,
        format: format.unwrap_or(by_name),
    })
}

/// An architecture by its name.
pub fn arch(text: &str) -> Result<Arch, String> {
    match text {
        "riscv64" => Ok(Arch::Riscv64),
        "arm64" | "aarch64" => Ok(Arch::Arm64),
        "x86_64" | "amd64" => Ok(Arch::X86_64),
        other => Err(format!(
            "`{other}` is not known: there are riscv64, arm64 and x86_64"
        )),
    }
}

/// A firmware: `none` or a file.
pub fn firmware(text: &str) -> Result<Firmware, String> {
    Ok(match text {
        "" => return Err("a firmware is a file, or `none`, or `builtin`".to_owned()),
        "none" => Firmware::None,
        "builtin" | "default" => Firmware::BuiltIn,
        file => Firmware::File(PathBuf::from(file)),
    })
}

/// What is traced, and where to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceTo {
    /// The kinds of events.
    pub kinds: TraceKinds,
    /// The file; standard error if there is none.
    pub file: Option<PathBuf>,
}

/// Kinds of events with commas, and perhaps a file behind a colon.
pub fn trace(text: &str) -> Result<TraceTo, String> {
    let (names, file) = match text.split_once(':') {
        Some((_, "")) => return Err("there is no file behind the colon".to_owned()),
        Some((names, file)) => (names, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let mut kinds = TraceKinds::default();
    for name in names.split(',') {
        let named = TraceKinds::NAMES
            .iter()
            .filter(|(known, _)| *known == name || name == "all");
        let added = named.fold(TraceKinds::default(), |sum, (_, kind)| sum.with(*kind));
        if added == TraceKinds::default() {
            let known = TraceKinds::NAMES.map(|(known, _)| known).join(", ");
            return Err(format!(
                "`{name}` is no kind of event: there are {known}, all"
            ));
        }
        kinds = kinds.with(added);
    }
    Ok(TraceTo { kinds, file })
}

/// Bytes in hexadecimal, with or without blanks between them.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let digits = digits.strip_prefix(b"0x").unwrap_or(&digits);
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(format!("`{text}` is not pairs of hexadecimal digits"));
    }
    let byte = |pair: &[u8]| {
        let value = |digit: u8| char::from(digit).to_digit(16);
        Some((value(pair[0])? * 16 + value(pair[1])?) as u8)
    };
    let bytes: Option<Vec<u8>> = digits.chunks_exact(2).map(byte).collect();
    bytes.ok_or_else(|| format!("`{text}` has something that is no hexadecimal digit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit_and_fit_64_bits() {
        for (text, want) in [
            ("512M", Some(512 << 20)),
            ("2G", Some(2 << 30)),
            ("2g", Some(2 << 30)),
            ("2GiB", Some(2 << 30)),
            ("64k", Some(64 << 10)),
            ("4096B", Some(4096)),
            ("0M", Some(0)),
            ("512", None),
            ("", None),
            ("M", None),
            ("-1M", None),
            ("1.5G", None),
            ("512X", None),
            ("16777216T", None),
            ("99999999999999999999M", None),
        ] {
            assert_eq!(size(text).ok(), want, "{text:?}");
        }
    }

    #[test]
    fn a_rate_is_one_in_so_many() {
        for (text, want) in [
            ("1", Some(1)),
            ("1/1", Some(1)),
            ("1/50", Some(50)),
            ("50", None),
            ("2/3", None),
            ("1/0", None),
            ("1/", None),
            ("1/-2", None),
            ("", None),
        ] {
            assert_eq!(verify_rate(text).ok(), want, "{text:?}");
        }
    }

    #[test]
    fn times_need_a_unit_and_are_not_zero() {
        for (text, want) in [
            ("60s", Some(60_000_000_000)),
            ("500ms", Some(500_000_000)),
            ("7us", Some(7_000)),
            ("1ns", Some(1)),
            ("2m", Some(120_000_000_000)),
            ("1h", Some(3_600_000_000_000)),
            ("0s", None),
            ("60", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("5 s", None),
            ("99999999999h", None),
        ] {
            assert_eq!(duration(text).ok(), want, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        for (text, want) in [
            ("0", Some(0)),
            ("1_000", Some(1000)),
            ("0xff", Some(255)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("0x+1", None),
            ("ten", None),
            ("", None),
        ] {
            assert_eq!(number(text).ok(), want, "{text:?}");
        }
    }

    #[test]
    fn ranges_disks_traces_and_hex_are_read_or_refused() {
        for (text, want) in [
            ("1..2", Some(1..2)),
            ("0x10..", Some(16..u64::MAX)),
            ("..5", Some(0..5)),
            ("5", None),
            ("2..1", None),
            ("a..b", None),
        ] {
            assert_eq!(range(text).ok(), want, "{text:?}");
        }
        for (text, want) in [
            ("a.img", Some(("a.img", DiskAccess::Keep))),
            ("a.img,ro", Some(("a.img", DiskAccess::ReadOnly))),
            ("file=a.img,ro", Some(("a.img", DiskAccess::ReadOnly))),
            ("a.img,ephemeral", Some(("a.img", DiskAccess::Ephemeral))),
            ("a,b.img", Some(("a,b.img", DiskAccess::Keep))),
            ("a.img,r0", None),
            (",ro", None),
            ("", None),
            (
                "a.qcow2,format=raw,ro",
                Some(("a.qcow2", DiskAccess::ReadOnly)),
            ),
            ("a.img,ro,format=vmdk", None),
        ] {
            let got = disk(text).ok().map(|disk| (disk.path, disk.access));
            let want = want.map(|(path, access)| (path.into(), access));
            assert_eq!(got, want, "{text:?}");
        }
        for (text, want) in [
            ("a.img", DiskFormat::Raw),
            ("a.qcow2,ro", DiskFormat::Qcow2),
            ("a.qcow2,format=raw", DiskFormat::Raw),
            ("a,format=qcow2", DiskFormat::Qcow2),
        ] {
            assert_eq!(
                disk(text).ok().map(|disk| disk.format),
                Some(want),
                "{text:?}"
            );
        }
        for (text, want) in [
            ("insn", Some((TraceKinds::INSN, None))),
            (
                "trap,irq:x",
                Some((TraceKinds::TRAP.with(TraceKinds::IRQ), Some("x".into()))),
            ),
            ("all", Some((TraceKinds(1023), None))),
            ("insn,", None),
            ("insn:", None),
            ("what", None),
            ("", None),
        ] {
            let got = trace(text).ok().map(|to| (to.kinds, to.file));
            assert_eq!(got, want, "{text:?}");
        }
        for (text, want) in [
            ("00a58533", Some(vec![0, 0xa5, 0x85, 0x33])),
            ("0x13 05", Some(vec![0x13, 5])),
            ("1", None),
            ("zz", None),
            ("", None),
        ] {
            assert_eq!(hex(text).ok(), want, "{text:?}");
        }
    }
}
