//! The GUID Partition Table: UEFI Specification, chapter 5.3.

use super::fits;
use crate::bytes::{array, crc32, guid_text, u16_at, u32_at, u64_at};
use crate::read::Window;
use crate::{Fault, Partition};

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// The sizes of sectors that disks have.
const SECTORS: [u64; 2] = [512, 4096];

// LIMIT: tables have 128 entries; more than this is not worth a search.
const MAX_ENTRIES: u32 = 1024;
// LIMIT: entries have 128 bytes, the standard allows multiples.
const MAX_ENTRY_BYTES: u32 = 1024;

/// Types that are worth a name: the EFI system partition and those of the Discoverable
/// Partitions Specification.
#[rustfmt::skip] // A table.
const TYPES: &[(&str, &str)] = &[
    (ESP,                                    "ESP"),
    ("bc13c2ff-59e6-4262-a352-b275fd6f7172", "XBOOTLDR"),
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux"),
    ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "swap"),
    ("72ec70a6-cf74-40e6-bd49-4bda08e8f224", "root riscv64"),
    ("b921b045-1df0-41c3-af44-4c6f280d3fae", "root arm64"),
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root x86-64"),
    ("21686148-6449-6e6f-744e-656564454649", "BIOS boot"),
];
const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

/// The partitions, or `None` if there is no table of this kind.
pub(super) fn parse(
    whole: &Window,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<Partition>>, Fault> {
    for sector in SECTORS {
        let last = (whole.bytes() / sector).saturating_sub(1) * sector;
        let mut first_fault = None;
        for (at, name) in [(sector, "first"), (last, "backup")] {
            if at == 0 || !has_signature(whole, at) {
                continue;
            }
            match header(whole, at, sector, notes) {
                Ok(partitions) => {
                    if let Some(fault) = first_fault {
                        notes.push(format!("the first GPT header is damaged ({fault})"));
                    } else if name == "backup" {
                        notes.push("the first GPT header is gone, its backup is used".to_owned());
                    }
                    return Ok(Some(partitions));
                }
                Err(Fault::Circles) => return Err(Fault::Circles),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        if let Some(fault) = first_fault {
            return Err(fault);
        }
    }
    Ok(None)
}

fn has_signature(whole: &Window, at: u64) -> bool {
    whole.take(at, 8).is_ok_and(|bytes| bytes == SIGNATURE)
}

fn header(
    whole: &Window,
    at: u64,
    sector: u64,
    notes: &mut Vec<String>,
) -> Result<Vec<Partition>, Fault> {
    let mut header = whole.take(at, 512)?;
    let bytes = u32_at(&header, 12);
    if !(92..=512).contains(&bytes) {
        return Err(whole.damaged(at + 12, format!("a GPT header has 92 bytes, not {bytes}")));
    }
    let said = u32_at(&header, 16);
    header[16..20].fill(0);
    let found = crc32(header.get(..bytes as usize).unwrap_or_default());
    if said != found {
        let rule = format!("the GPT header's checksum is {found:#010x}, it says {said:#010x}");
        return Err(whole.damaged(at + 16, rule));
    }
    let (table, count, each) = (
        u64_at(&header, 72),
        u32_at(&header, 80),
        u32_at(&header, 84),
    );
    if count > MAX_ENTRIES || !(128..=MAX_ENTRY_BYTES).contains(&each) || each % 8 != 0 {
        let rule = format!("a GPT of {count} entries with {each} bytes is not possible");
        return Err(whole.damaged(at + 80, rule));
    }
    let start = table.saturating_mul(sector);
    let entries = whole.take(start, (count * each) as usize)?;
    let (said, found) = (u32_at(&header, 88), crc32(&entries));
    if said != found {
        let rule = format!("the GPT's checksum is {found:#010x}, its header says {said:#010x}");
        return Err(whole.damaged(start, rule));
    }
    let mut partitions = Vec::new();
    for (number, entry) in (1..).zip(entries.chunks_exact(each as usize)) {
        if let Some(partition) = partition(entry, number, sector)
            && fits(whole, number, partition.start, partition.bytes, notes)
        {
            partitions.push(partition);
        }
    }
    Ok(partitions)
}

fn partition(entry: &[u8], number: u32, sector: u64) -> Option<Partition> {
    let kind: [u8; 16] = array(entry, 0)?;
    if kind == [0; 16] {
        return None;
    }
    let kind = guid_text(kind);
    let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
    let sectors = last.checked_sub(first)?.checked_add(1)?;
    let name = (0..36).map(|n| u16_at(entry, 56 + 2 * n));
    let name: Vec<u16> = name.take_while(|unit| *unit != 0).collect();
    Some(Partition {
        number,
        start: first.saturating_mul(sector),
        bytes: sectors.saturating_mul(sector),
        type_name: TYPES
            .iter()
            .find(|(guid, _)| *guid == kind)
            .map(|(_, name)| *name),
        esp: kind == ESP,
        uuid: Some(guid_text(array(entry, 16)?)),
        name: String::from_utf16_lossy(&name),
    })
}
