//! The walk from an address to a page.

use vm_core::{GuestPhys, GuestVirt, PAGE_BYTES, PAGE_MASK, Trap, Width};
use vm_mem::{Access, GuestRam, PageEntry};

use super::pmp::{Guard, Rights};
use super::table::{
    ACCESSED, DIRTY, EXECUTE, Entry, GLOBAL, Meaning, READ, USER, WRITE, is_canonical, levels,
    place,
};
use crate::cells::cell;
use crate::csr::data_privilege;
use crate::fields::{self, MACHINE, SUPERVISOR, envcfg, satp, status};
use crate::mode::paging;
use crate::slots as s;
use crate::trap::{access_fault, page_fault};

/// How often a walk begins anew because somebody else changed the table under it.
// LIMIT: only other harts' walks and stores can do that, and each of their changes is progress
// for them; a guest that rewrites an entry all the time gets a page fault, as if it had come
// between the rewrites.
const RETRIES: u32 = 64;

/// A page and what its table allows.
struct Found {
    addr: u64,
    allowed: Rights,
    bits: u32,
    global: bool,
}

/// Who accesses what, and how.
struct Query<'a> {
    slots: &'a [u64],
    ram: &'a GuestRam,
    addr: u64,
    access: Access,
    privilege: u64,
    /// What supervisors may do with physical memory, as with users' the entries mean the same.
    guard: Guard<'a>,
}

/// Translates an address for an access of `bytes` bytes; see [`vm_mem::Walk`].
pub(crate) fn walk(
    slots: &[u64],
    ram: &GuestRam,
    addr: GuestVirt,
    bytes: u64,
    access: Access,
) -> Result<PageEntry, Trap> {
    let (fetch, data) = (cell(slots, s::PRIV), data_privilege(slots));
    let query = Query {
        slots,
        ram,
        addr: addr.0,
        access,
        privilege: if access == Access::Fetch { fetch } else { data },
        guard: Guard::new(slots, SUPERVISOR),
    };
    let found = query.translate()?;
    let first = found.addr;
    let inside = PAGE_BYTES - (first & !PAGE_MASK);
    let last = first + (bytes.clamp(1, inside) - 1);
    let machine = Guard::new(slots, MACHINE);
    let guard = if query.privilege == MACHINE {
        &machine
    } else {
        &query.guard
    };
    let guarded = guard.rights(first, last);
    if !guarded.has(wanted(access)) {
        return Err(access_fault(access, addr.0));
    }
    // Where data is accessed with another privilege than instructions, the rights of the one say
    // nothing of the other.
    let known = if fetch == data {
        Rights::ALL
    } else if access == Access::Fetch {
        Rights::EXECUTE
    } else {
        Rights(Rights::READ.0 | Rights::WRITE.0)
    };
    let granted = Rights(found.allowed.0 & guarded.0 & known.0);
    Ok(PageEntry {
        page: GuestPhys(first & PAGE_MASK),
        read: granted.has(Rights::READ),
        write: granted.has(Rights::WRITE),
        execute: granted.has(Rights::EXECUTE),
        whole: guard.is_whole(first),
        bits: found.bits,
        global: found.global,
    })
}

const fn wanted(access: Access) -> Rights {
    match access {
        Access::Load => Rights::READ,
        Access::Store => Rights::WRITE,
        Access::Fetch => Rights::EXECUTE,
    }
}

impl Query<'_> {
    fn page_fault(&self) -> Trap {
        page_fault(self.access, self.addr)
    }

    fn translate(&self) -> Result<Found, Trap> {
        let levels = levels(paging(self.slots, self.privilege));
        if levels == 0 {
            return Ok(Found {
                addr: self.addr,
                allowed: Rights::ALL,
                bits: 12,
                global: false,
            });
        }
        if !is_canonical(self.addr, levels) {
            return Err(self.page_fault());
        }
        for _ in 0..RETRIES {
            if let Some(found) = self.descend(levels)? {
                return Ok(found);
            }
        }
        Err(self.page_fault())
    }

    /// One walk; `None` if the entry changed before its accessed and dirty bits were set.
    fn descend(&self, levels: u32) -> Result<Option<Found>, Trap> {
        let machine = cell(self.slots, s::MENVCFG);
        let types = machine & envcfg::PBMTE != 0;
        let mut table = (cell(self.slots, s::SATP) & satp::PPN) << 12;
        // A table that is global makes all below it so.
        let mut global = false;
        for level in (0..levels).rev() {
            let at = table + place(self.addr, level);
            let entry = Entry(self.load(at)?);
            global |= entry.has(GLOBAL);
            match entry.meaning(level, types) {
                Meaning::Fault => break,
                Meaning::Table(next) => table = next,
                Meaning::Page(bits) => return self.finish(at, entry, bits, global),
            }
        }
        Err(self.page_fault())
    }

    /// Reads an entry, with supervisor's rights to physical memory.
    fn load(&self, at: u64) -> Result<u64, Trap> {
        let guarded = self.guard.rights(at, at + 7);
        let read = guarded.has(Rights::READ);
        read.then(|| self.ram.load(GuestPhys(at), Width::B8))
            .flatten()
            .ok_or_else(|| access_fault(self.access, self.addr))
    }

    fn finish(
        &self,
        at: u64,
        entry: Entry,
        bits: u32,
        global: bool,
    ) -> Result<Option<Found>, Trap> {
        let mut allowed = self.allowed(entry);
        let needed = match self.access {
            Access::Store => ACCESSED | DIRTY,
            Access::Load | Access::Fetch => ACCESSED,
        };
        if !allowed.has(wanted(self.access)) {
            return Err(self.page_fault());
        }
        let mut marked = entry;
        if !entry.has(needed) {
            if cell(self.slots, s::MENVCFG) & envcfg::ADUE == 0 {
                return Err(self.page_fault());
            }
            marked = Entry(entry.0 | needed);
            if !self.mark(at, entry, marked)? {
                return Ok(None);
            }
        }
        if !marked.has(DIRTY) {
            allowed = Rights(allowed.0 & !Rights::WRITE.0);
        }
        let inside = (1 << bits) - 1;
        Ok(Some(Found {
            addr: marked.address() & !inside | self.addr & inside,
            allowed,
            bits,
            global,
        }))
    }

    /// Sets accessed and dirty bits, unless the entry is no longer what it was.
    fn mark(&self, at: u64, old: Entry, new: Entry) -> Result<bool, Trap> {
        let guarded = self.guard.rights(at, at + 7);
        if !guarded.has(Rights::WRITE) {
            return Err(access_fault(self.access, self.addr));
        }
        let (at, width) = (GuestPhys(at), Width::B8);
        let marked = self.ram.compare_exchange(at, width, old.0, new.0);
        let marked = marked.ok_or_else(|| access_fault(self.access, self.addr))?;
        Ok(marked.is_ok())
    }

    /// What an entry allows the accessing privilege, accessed and dirty bits aside.
    fn allowed(&self, entry: Entry) -> Rights {
        let status = cell(self.slots, s::MSTATUS);
        let is_user = entry.has(USER);
        let (data, code) = match self.privilege {
            fields::USER => (is_user, is_user),
            _ => (!is_user || status & status::SUM != 0, !is_user),
        };
        let readable = entry.has(READ) || status & status::MXR != 0 && entry.has(EXECUTE);
        let mut allowed = Rights::NONE.0;
        if data && readable {
            allowed |= Rights::READ.0;
        }
        if data && entry.has(WRITE) {
            allowed |= Rights::WRITE.0;
        }
        if code && entry.has(EXECUTE) {
            allowed |= Rights::EXECUTE.0;
        }
        Rights(allowed)
    }
}
