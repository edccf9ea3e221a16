//! Remote fences (chapter 8).

use vm_core::{Flush, GuestVirt, PAGE_BYTES};

use super::{Call, Parties, Reply, Sbi, SbiError};

/// How many pages are forgotten one by one before it is cheaper to forget all.
// LIMIT: the guest names the range; a larger one costs one flush of everything.
const PAGES: u64 = 64;

/// Address space numbers have 16 bits.
const ASID_LIMIT: u64 = 1 << 16;

impl Sbi {
    pub(super) fn fence(&self, call: &Call, parties: &mut Parties) -> Reply {
        let [mask, first, start, bytes, asid, _] = call.args;
        let flushes = match call.function {
            // Translated code falls with the translations of the addresses it was read from.
            0 => vec![Flush::All],
            1 => flushes(start, bytes, None)?,
            2 if asid >= ASID_LIMIT => return Err(SbiError::InvalidParam),
            2 => flushes(start, bytes, Some(asid))?,
            // The hypervisor's fences: there is no hypervisor extension.
            _ => return Err(SbiError::NotSupported),
        };
        for hart in self.named(mask, first)? {
            if let Some(cpu) = parties.cpus.get_mut(hart) {
                for flush in &flushes {
                    cpu.flush(*flush);
                }
            }
        }
        Ok(0)
    }
}

/// What is to be forgotten for a range of addresses.
fn flushes(start: u64, bytes: u64, asid: Option<u64>) -> Result<Vec<Flush>, SbiError> {
    let whole = vec![asid.map_or(Flush::All, Flush::Space)];
    if bytes == u64::MAX || (start == 0 && bytes == 0) {
        return Ok(whole);
    }
    let Some(last) = bytes.checked_sub(1) else {
        return Ok(Vec::new());
    };
    let end = start.checked_add(last).ok_or(SbiError::InvalidAddress)?;
    let (first_page, last_page) = (start / PAGE_BYTES, end / PAGE_BYTES);
    if last_page - first_page >= PAGES {
        return Ok(whole);
    }
    let pages = first_page..=last_page;
    Ok(pages
        .map(|page| Flush::Page(GuestVirt(page * PAGE_BYTES), asid))
        .collect())
}
