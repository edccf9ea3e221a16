//! Partition tables: where on a disk file systems may stand.

mod gpt;
mod mbr;

use std::rc::Rc;

use crate::fs;
use crate::read::{Metered, Window};
use crate::{Fault, Partition};

/// A disk divided.
pub(crate) struct Table {
    /// The kind of table; `None` if one file system has the whole disk.
    pub kind: Option<&'static str>,
    /// The partitions in the order of the table.
    pub partitions: Vec<Partition>,
    /// What was not as it should be.
    pub notes: Vec<String>,
}

/// The partitions of a disk.
///
/// A bare file system comes before MBR, because FAT's first sector carries the same signature.
pub(crate) fn divide(disk: &Rc<Metered>) -> Result<Table, Fault> {
    let whole = Window::whole(disk.clone());
    let mut notes = Vec::new();
    if let Some(partitions) = gpt::parse(&whole, &mut notes)? {
        return Ok(Table {
            kind: Some("GPT"),
            partitions,
            notes,
        });
    }
    if fs::recognise(&whole).is_none()
        && let Some(partitions) = mbr::parse(&whole, &mut notes)?
    {
        return Ok(Table {
            kind: Some("MBR"),
            partitions,
            notes,
        });
    }
    let bytes = whole.bytes();
    Ok(Table {
        kind: None,
        partitions: vec![Partition {
            number: 0,
            start: 0,
            bytes,
            type_name: None,
            esp: false,
            uuid: None,
            name: String::new(),
        }],
        notes,
    })
}

/// Whether a partition lies on the disk; if not, a note says so.
fn fits(whole: &Window, number: u32, start: u64, bytes: u64, notes: &mut Vec<String>) -> bool {
    let fits = start
        .checked_add(bytes)
        .is_some_and(|end| end <= whole.bytes());
    if !fits {
        notes.push(format!(
            "partition {number} begins at byte {start:#x} with {bytes} bytes, the disk has {}",
            whole.bytes()
        ));
    }
    fits
}
