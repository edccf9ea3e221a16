//! The table of the master boot record, with logical partitions.

use super::fits;
use crate::bytes::{u8_at, u16_at, u32_at};
use crate::read::Window;
use crate::{Fault, Partition};

const SECTOR: u64 = 512;
const TABLE: usize = 0x1be;

/// Types of entries that hold a chain of further tables.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];

// LIMIT: Linux numbers no more partitions of a disk; a chain in a circle ends here.
const MAX_LOGICAL: u32 = 60;

/// One of the four rows of a table.
struct Row {
    kind: u8,
    start: u64,
    sectors: u64,
}

/// The partitions, or `None` if there is no table of this kind.
pub(super) fn parse(
    whole: &Window,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<Partition>>, Fault> {
    let Some((rows, signature)) = rows(whole, 0)? else {
        return Ok(None);
    };
    // A boot sector without a table has the signature too: what stands there must look like one.
    let flags = whole.take(TABLE as u64, 64)?;
    let flagged = (0..4).all(|row| matches!(u8_at(&flags, row * 16), 0 | 0x80));
    if !flagged || rows.iter().all(|row| row.kind == 0) {
        return Ok(None);
    }
    let mut partitions = Vec::new();
    for (number, row) in (1..).zip(&rows) {
        if EXTENDED.contains(&row.kind) {
            logical(whole, row.start, signature, &mut partitions, notes)?;
        } else {
            add(
                whole,
                number,
                row,
                row.start,
                signature,
                &mut partitions,
                notes,
            );
        }
    }
    partitions.sort_by_key(|partition: &Partition| partition.number);
    Ok(Some(partitions))
}

fn rows(whole: &Window, sector: u64) -> Result<Option<(Vec<Row>, u32)>, Fault> {
    if whole.bytes() < SECTOR {
        return Ok(None);
    }
    let bytes = whole.take(sector.saturating_mul(SECTOR), SECTOR as usize)?;
    if u16_at(&bytes, 510) != 0xaa55 {
        return Ok(None);
    }
    let row = |n: usize| Row {
        kind: u8_at(&bytes, TABLE + n * 16 + 4),
        start: u64::from(u32_at(&bytes, TABLE + n * 16 + 8)),
        sectors: u64::from(u32_at(&bytes, TABLE + n * 16 + 12)),
    };
    Ok(Some(((0..4).map(row).collect(), u32_at(&bytes, 0x1b8))))
}

/// The chain of tables in an extended partition: each has one partition and the next table.
fn logical(
    whole: &Window,
    extended: u64,
    signature: u32,
    partitions: &mut Vec<Partition>,
    notes: &mut Vec<String>,
) -> Result<(), Fault> {
    let mut at = extended;
    for number in 5..5 + MAX_LOGICAL {
        let Some((rows, _)) = rows(whole, at)? else {
            notes.push(format!(
                "the table of logical partition {number} at sector {at} has no signature"
            ));
            return Ok(());
        };
        let [row, next, ..] = rows.as_slice() else {
            return Ok(());
        };
        let start = at.saturating_add(row.start);
        add(whole, number, row, start, signature, partitions, notes);
        if next.kind == 0 || next.sectors == 0 {
            return Ok(());
        }
        at = extended.saturating_add(next.start);
    }
    notes.push(format!(
        "more than {MAX_LOGICAL} logical partitions: the rest is not looked at"
    ));
    Ok(())
}

fn add(
    whole: &Window,
    number: u32,
    row: &Row,
    start: u64,
    signature: u32,
    partitions: &mut Vec<Partition>,
    notes: &mut Vec<String>,
) {
    let (start, bytes) = (start.saturating_mul(SECTOR), row.sectors * SECTOR);
    if row.kind == 0 || bytes == 0 || !fits(whole, number, start, bytes, notes) {
        return;
    }
    partitions.push(Partition {
        number,
        start,
        bytes,
        type_name: match row.kind {
            0xef => Some("ESP"),
            0x82 => Some("swap"),
            0x83 => Some("Linux"),
            0x01 | 0x04 | 0x06 | 0x0b | 0x0c | 0x0e => Some("FAT"),
            _ => None,
        },
        esp: row.kind == 0xef,
        uuid: Some(format!("{signature:08x}-{number:02x}")),
        name: String::new(),
    });
}
