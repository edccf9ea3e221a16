//! Puts a file system into a disk with a GUID partition table.
//!
//! The table is that of the UEFI specification, version 2.10, chapter 5 "GUID Partition Table":
//! a protective MBR, a header with an array of 128 entries behind it, and copies of both at the
//! end of the disk.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flate2::Crc;

const SECTOR: u64 = 512;
/// Where the partition begins, and what is left behind it, for the tables.
pub const MARGIN: u64 = 1 << 20;
const ENTRIES: u64 = 128;
const ENTRY: u64 = 128;
/// Sectors of an array of entries.
const ARRAY: u64 = ENTRIES * ENTRY / SECTOR;

/// The kind "Linux root (RISC-V 64)" of the UAPI Group's Discoverable Partitions Specification.
const ROOT_KIND: &str = "72ec70a6-cf74-40e6-bd49-4bda08e8f224";

/// Writes both tables around a partition that spans all but [`MARGIN`] at either end.
pub fn write_tables(file: &File, bytes: u64, disk: &str, partition: &str) -> Result<()> {
    if bytes < 3 * MARGIN || !bytes.is_multiple_of(MARGIN) {
        bail!("{bytes} bytes are no size for a disk");
    }
    let last = bytes / SECTOR - 1;
    let mut array = vec![0; (ENTRIES * ENTRY) as usize];
    let mut put = |at: usize, bytes: &[u8]| array[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &guid(ROOT_KIND)?);
    put(16, &guid(partition)?);
    put(32, &(MARGIN / SECTOR).to_le_bytes());
    put(40, &((bytes - MARGIN) / SECTOR - 1).to_le_bytes());
    for (index, unit) in "root".encode_utf16().enumerate() {
        put(56 + 2 * index, &unit.to_le_bytes());
    }
    let head = |own: u64, other: u64, array_at: u64| -> Result<Vec<u8>> {
        let mut head = vec![0; SECTOR as usize];
        let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"EFI PART\0\0\x01\0");
        put(12, &92_u32.to_le_bytes());
        put(24, &own.to_le_bytes());
        put(32, &other.to_le_bytes());
        put(40, &(2 + ARRAY).to_le_bytes());
        put(48, &(last - ARRAY - 1).to_le_bytes());
        put(56, &guid(disk)?);
        put(72, &array_at.to_le_bytes());
        put(80, &(ENTRIES as u32).to_le_bytes());
        put(84, &(ENTRY as u32).to_le_bytes());
        put(88, &crc(&array).to_le_bytes());
        let sum = crc(&head[..92]);
        head[16..20].copy_from_slice(&sum.to_le_bytes());
        Ok(head)
    };
    let parts = [
        (0, protective(last)),
        (1, head(1, last, 2)?),
        (2, array.clone()),
        (last - ARRAY, array.clone()),
        (last, head(last, 1, last - ARRAY)?),
    ];
    for (sector, bytes) in parts {
        file.write_all_at(&bytes, sector * SECTOR)
            .context("writing the partition table")?;
    }
    Ok(())
}

/// The file system of a disk: bytes of its partition.
pub fn partition_bytes(disk_bytes: u64) -> u64 {
    disk_bytes - 2 * MARGIN
}

/// A new disk without anything in it; it takes no room until something is written.
pub fn create(path: &Path, bytes: u64) -> Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path);
    let file = file.with_context(|| format!("creating {}", path.display()))?;
    file.set_len(bytes)?;
    Ok(file)
}

/// The old kind of table, which says that all of the disk is taken.
fn protective(last: u64) -> Vec<u8> {
    let mut mbr = vec![0; SECTOR as usize];
    let count = u32::try_from(last).unwrap_or(u32::MAX);
    mbr[446..462].copy_from_slice(&[0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0]);
    mbr[458..462].copy_from_slice(&count.to_le_bytes());
    mbr[510..].copy_from_slice(&[0x55, 0xaa]);
    mbr
}

/// The bytes of a GUID: its first three parts are little-endian numbers.
fn guid(text: &str) -> Result<[u8; 16]> {
    let digits: String = text.split('-').collect();
    let number = u128::from_str_radix(&digits, 16).with_context(|| format!("the GUID {text}"))?;
    let mut bytes = number.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    Ok(bytes)
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{MARGIN, SECTOR, crc, create, guid, write_tables};

    const DISK: &str = "01020304-0506-0708-090a-0b0c0d0e0f10";

    #[test]
    fn a_guid_has_mixed_order() {
        let want = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(guid(DISK).expect("a GUID"), want);
        assert!(guid("x").is_err());
    }

    #[test]
    fn both_headers_have_their_sums_and_point_at_each_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("disk");
        let file = create(&path, 8 * MARGIN).expect("new");
        write_tables(&file, 8 * MARGIN, DISK, DISK).expect("a table");
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .expect("read");
        assert_eq!(bytes.len() as u64, 8 * MARGIN);
        let last = 8 * MARGIN / SECTOR - 1;
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        let sum = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        for (own, other) in [(1, last), (last, 1)] {
            let at = (own * SECTOR) as usize;
            assert_eq!(&bytes[at..at + 8], b"EFI PART");
            assert_eq!((number(at + 24), number(at + 32)), (own, other));
            let mut head = bytes[at..at + 92].to_vec();
            head[16..20].fill(0);
            assert_eq!(crc(&head), sum(at + 16));
            let array = (number(at + 72) * SECTOR) as usize;
            assert_eq!(crc(&bytes[array..array + 128 * 128]), sum(at + 88));
            // The partition is inside what may be used.
            let (first, end) = (number(array + 32), number(array + 40));
            assert!(number(at + 40) <= first && end <= number(at + 48));
            assert_eq!((first * SECTOR, (end + 1) * SECTOR), (MARGIN, 7 * MARGIN));
        }
        assert_eq!(&bytes[510..512], &[0x55, 0xaa]);
        assert_eq!(bytes[450], 0xee);
    }

    #[test]
    fn sizes_are_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = create(&folder.path().join("disk"), 0).expect("new");
        for bytes in [0, MARGIN, 3 * MARGIN + 512] {
            assert!(write_tables(&file, bytes, DISK, DISK).is_err(), "{bytes}");
        }
    }
}
