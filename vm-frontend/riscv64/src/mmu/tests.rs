//! A small page table in RAM, and what walks over it give.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use vm_core::{GuestPhys, GuestVirt, Width};
use vm_ir::SlotId;
use vm_mem::{Access, GuestRam};

use super::walk;
use crate::fields::{envcfg, status};
use crate::slots as s;
use crate::state;

mod protection;

const BASE: u64 = 0x8000_0000;
const BYTES: u64 = 0x10_0000;
/// The root table; the tables below it follow.
const ROOT: u64 = BASE + 0x1000;

const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const U: u64 = 16;
const G: u64 = 32;
const A: u64 = 64;
const D: u64 = 128;
const N: u64 = 1 << 63;

const ALL: [Access; 3] = [Access::Load, Access::Store, Access::Fetch];

struct Setup {
    slots: Vec<u64>,
    ram: GuestRam,
}

impl Setup {
    /// A hart in supervisor mode with this paging mode and all physical memory permitted.
    fn new(mode: u64) -> Self {
        let mut slots = vec![0; s::SLOTS];
        state::reset(&mut slots, 0);
        let mut setup = Self {
            slots,
            ram: GuestRam::new(&[(GuestPhys(BASE), BYTES)]).unwrap(),
        };
        setup.set(s::PRIV, 1);
        setup.set(s::SATP, mode << 60 | ROOT >> 12);
        setup.protect(0, 0x1f, (1 << 54) - 1);
        setup
    }

    fn set(&mut self, slot: SlotId, value: u64) {
        self.slots[usize::from(slot.0)] = value;
    }

    fn protect(&mut self, index: u16, entry: u64, addr: u64) {
        let at = usize::from(s::PMPCFG.0 + index / 8);
        let shift = 8 * (index % 8);
        self.slots[at] = self.slots[at] & !(0xff << shift) | entry << shift;
        self.set(SlotId(s::PMPADDR.0 + index), addr);
    }

    /// Maps an address at a level: tables one after another behind the root, one a level.
    fn map(&self, addr: u64, levels: u32, leaf: u32, entry: u64) -> u64 {
        for level in (leaf..levels).rev() {
            let table = ROOT + u64::from(levels - 1 - level) * 0x1000;
            let at = table + (addr >> (12 + 9 * level) & 511) * 8;
            let value = if level == leaf {
                entry
            } else {
                (table + 0x1000) >> 2 | V
            };
            assert!(self.ram.store(GuestPhys(at), Width::B8, value));
            if level == leaf {
                return at;
            }
        }
        0
    }

    fn entry(&self, at: u64) -> u64 {
        self.ram.load(GuestPhys(at), Width::B8).unwrap()
    }

    /// The physical address, or the trap's cause; the trap's value must be the address.
    fn ask(&self, addr: u64, access: Access) -> Result<u64, u32> {
        match walk(&self.slots, &self.ram, GuestVirt(addr), 1, access) {
            Ok(page) => Ok(page.page.0 | addr & 0xfff),
            Err(trap) => {
                assert_eq!(trap.value, addr);
                Err(trap.cause)
            }
        }
    }

    /// The accesses that are permitted, as letters; the others must give page faults.
    fn permitted(&self, addr: u64) -> String {
        let mut found = String::new();
        for (access, letter, fault) in [
            (Access::Load, 'r', 13),
            (Access::Store, 'w', 15),
            (Access::Fetch, 'x', 12),
        ] {
            match self.ask(addr, access) {
                Ok(_) => found.push(letter),
                Err(cause) => assert_eq!(cause, fault, "{access:?}"),
            }
        }
        found
    }
}

fn page(addr: u64) -> u64 {
    addr >> 12 << 10
}

#[test]
fn every_mode_and_level_translates() {
    // (mode, levels, leaf level, address, page in the entry, physical address)
    let far = BASE + 0x5000;
    for (mode, levels, leaf, addr, target, expect) in [
        (8, 3, 0, 0x12_3456_7abc, far, far + 0xabc),
        (8, 3, 1, 0x12_3456_7abc, 0x4020_0000, 0x4036_7abc),
        (8, 3, 2, 0x12_3456_7abc, 0x4000_0000, 0x7456_7abc),
        (8, 3, 0, 0xffff_ffc0_0000_0123, far, far + 0x123),
        (9, 4, 0, 0x5512_3456_7abc, far, far + 0xabc),
        (9, 4, 3, 0x5592_3456_7abc, 0, 0x12_3456_7abc),
        (9, 4, 0, 0xffff_8000_0000_0000, far, far),
        (10, 5, 0, 0xaa_5512_3456_7abc, far, far + 0xabc),
        (10, 5, 4, 0xaa_5512_3456_7abc, 0, 0x5512_3456_7abc),
        (10, 5, 0, 0xff00_0000_0000_0fff, far, far + 0xfff),
    ] {
        let setup = Setup::new(mode);
        setup.map(addr, levels, leaf, page(target) | V | R | W | X | A | D);
        for access in ALL {
            let found = walk(&setup.slots, &setup.ram, GuestVirt(addr), 1, access).unwrap();
            assert_eq!(found.page.0 | addr & 0xfff, expect, "{mode} {addr:#x}");
            assert_eq!((found.bits, found.whole), (12 + 9 * leaf, true));
            assert!(found.read && found.write && found.execute);
        }
    }
}

#[test]
fn addresses_outside_the_mode_fault() {
    for (mode, levels, addr) in [
        (8, 3, 0x40_0000_0000),
        (8, 3, 0xffff_ffbf_ffff_f000),
        (8, 3, 0x8000_0000_0000_0000),
        (9, 4, 0x8000_0000_0000),
        (9, 4, 0xffff_7fff_ffff_f000),
        (10, 5, 0x100_0000_0000_0000),
        (10, 5, 0xfeff_ffff_ffff_f000),
    ] {
        let setup = Setup::new(mode);
        setup.map(addr, levels, 0, page(BASE) | V | R | W | X | A | D);
        assert_eq!(setup.permitted(addr), "", "{mode} {addr:#x}");
    }
}

#[test]
fn permissions_follow_privilege_sum_and_mxr() {
    const SUM: u64 = status::SUM;
    const MXR: u64 = status::MXR;
    // (permission bits, user without and with MXR, supervisor with: nothing, SUM, MXR, both),
    // for a user page; and supervisor without and with MXR for one that is not.
    for (bits, user, user_mxr, nothing, sum, mxr, both, own, own_mxr) in [
        (R, "r", "r", "", "r", "", "r", "r", "r"),
        (R | W, "rw", "rw", "", "rw", "", "rw", "rw", "rw"),
        (X, "x", "rx", "", "", "", "r", "x", "rx"),
        (R | X, "rx", "rx", "", "r", "", "r", "rx", "rx"),
        (R | W | X, "rwx", "rwx", "", "rw", "", "rw", "rwx", "rwx"),
        (W, "", "", "", "", "", "", "", ""),
        (W | X, "", "", "", "", "", "", "", ""),
    ] {
        for (privilege, flags, is_user, expect) in [
            (0, 0, true, user),
            (0, MXR, true, user_mxr),
            (0, SUM | MXR, false, ""),
            (1, 0, true, nothing),
            (1, SUM, true, sum),
            (1, MXR, true, mxr),
            (1, SUM | MXR, true, both),
            (1, 0, false, own),
            (1, SUM, false, own),
            (1, MXR, false, own_mxr),
        ] {
            let mut setup = Setup::new(8);
            let user_bit = if is_user { U } else { 0 };
            setup.map(0x5000, 3, 0, page(BASE) | V | A | D | G | bits | user_bit);
            setup.set(s::PRIV, privilege);
            setup.set(s::MSTATUS, flags);
            assert_eq!(
                setup.permitted(0x5000),
                expect,
                "{bits} {privilege} {flags:#x} {is_user}"
            );
            // What one access learns of the others is what they would learn themselves.
            for access in ALL {
                let Ok(found) = walk(&setup.slots, &setup.ram, GuestVirt(0x5000), 8, access) else {
                    continue;
                };
                let letters = [(found.read, 'r'), (found.write, 'w'), (found.execute, 'x')];
                let all: String = letters.iter().filter(|l| l.0).map(|l| l.1).collect();
                assert_eq!(all, expect);
            }
        }
    }
}

#[test]
fn with_mprv_data_has_the_previous_rights_and_fetches_have_machines() {
    let mut setup = Setup::new(8);
    setup.map(0x5000, 3, 0, page(BASE + 0x6000) | V | A | D | R | W | U);
    setup.set(s::PRIV, 3);
    for (flags, load, fetch) in [
        (0, Ok(0x5008), Ok(0x5008)),
        (status::MPRV, Ok(BASE + 0x6008), Ok(0x5008)),
        (status::MPRV | 1 << 11, Err(13), Ok(0x5008)),
        (
            status::MPRV | 1 << 11 | status::SUM,
            Ok(BASE + 0x6008),
            Ok(0x5008),
        ),
        (status::MPRV | 3 << 11, Ok(0x5008), Ok(0x5008)),
    ] {
        setup.set(s::MSTATUS, flags);
        let found = (
            setup.ask(0x5008, Access::Load),
            setup.ask(0x5008, Access::Fetch),
        );
        assert_eq!(found, (load, fetch), "{flags:#x}");
    }
    setup.set(s::MSTATUS, status::MPRV);
    let data = walk(&setup.slots, &setup.ram, GuestVirt(0x5000), 8, Access::Load).unwrap();
    assert!(data.read && data.write && !data.execute);
    let code = walk(
        &setup.slots,
        &setup.ram,
        GuestVirt(0x5000),
        2,
        Access::Fetch,
    )
    .unwrap();
    assert!(!code.read && !code.write && code.execute);
}

#[test]
fn accessed_and_dirty_bits_are_softwares_until_adue() {
    const ALL_RIGHTS: u64 = V | R | W | X;
    // (bits before, what is permitted with Svade, with Svadu: access, bits after, write known)
    for (before, svade, access, after, writable) in [
        (0, "", Access::Load, A, false),
        (0, "", Access::Fetch, A, false),
        (0, "", Access::Store, A | D, true),
        (D, "", Access::Load, A | D, true),
        (A, "rx", Access::Load, A, false),
        (A, "rx", Access::Store, A | D, true),
        (A | D, "rwx", Access::Load, A | D, true),
    ] {
        let mut setup = Setup::new(8);
        let at = setup.map(0x5000, 3, 0, page(BASE) | ALL_RIGHTS | before);
        assert_eq!(setup.permitted(0x5000), svade, "{before}");
        assert_eq!(setup.entry(at) & (A | D), before, "software's own");
        if svade.contains('r') {
            let found = walk(&setup.slots, &setup.ram, GuestVirt(0x5000), 1, Access::Load);
            assert_eq!(found.unwrap().write, before & D != 0);
        }
        setup.set(s::MENVCFG, envcfg::ADUE);
        let found = walk(&setup.slots, &setup.ram, GuestVirt(0x5000), 1, access).unwrap();
        assert_eq!(
            setup.entry(at),
            page(BASE) | ALL_RIGHTS | after,
            "{before} {access:?}"
        );
        assert_eq!(found.write, writable, "{before} {access:?}");
    }
    // A page that may not be written is not marked for the attempt.
    let mut setup = Setup::new(8);
    setup.set(s::MENVCFG, envcfg::ADUE);
    let at = setup.map(0x5000, 3, 0, page(BASE) | V | R);
    assert_eq!(setup.ask(0x5000, Access::Store), Err(15));
    assert_eq!(setup.entry(at), page(BASE) | V | R);
    // The table may be readable and not writable.
    setup.protect(0, 0x19, (ROOT >> 2) | 0x7ff);
    setup.protect(1, 0x1f, (1 << 54) - 1);
    assert_eq!(setup.ask(0x5000, Access::Load), Err(5));
    setup.map(0x5000, 3, 0, page(BASE) | V | R | A);
    assert_eq!(setup.ask(0x5000, Access::Load), Ok(BASE));
}

#[test]
fn malformed_entries_fault() {
    const LEAF: u64 = V | R | W | X | A | D;
    // (leaf level, entry, memory types on, what is permitted)
    for (leaf, entry, types, expect) in [
        (0, page(BASE) | LEAF, false, "rwx"),
        (0, page(BASE) | LEAF & !V, false, ""),
        (0, page(BASE) | LEAF | 1 << 8, false, "rwx"),
        (0, page(BASE) | LEAF | 1 << 9, false, "rwx"),
        (0, page(BASE) | LEAF | 1 << 54, false, ""),
        (0, page(BASE) | LEAF | 1 << 60, false, ""),
        (0, page(BASE) | LEAF | 1 << 61, false, ""),
        (0, page(BASE) | LEAF | 1 << 61, true, "rwx"),
        (0, page(BASE) | LEAF | 2 << 61, true, "rwx"),
        (0, page(BASE) | LEAF | 3 << 61, true, ""),
        (1, page(BASE) | LEAF | 1 << 61, true, "rwx"),
        (1, page(BASE + 0x1000) | LEAF, false, ""),
        (1, page(BASE + 0x10_0000) | LEAF, false, ""),
        (2, page(BASE) | LEAF, false, "rwx"),
        (2, page(BASE + 0x20_0000) | LEAF, false, ""),
        (1, page(BASE) | LEAF | N, false, ""),
        (0, page(BASE) | LEAF | N, false, ""),
        (0, page(BASE + 0x4000) | LEAF | N, false, ""),
        (0, page(BASE + 0x9000) | LEAF | N, false, ""),
        (0, page(BASE + 0x8000) | LEAF | N, false, "rwx"),
        // A table where the last level is.
        (0, page(ROOT) | V, false, ""),
        // Tables with bits that only pages have.
        (1, page(ROOT + 0x2000) | V, false, "rwx"),
        (1, page(ROOT + 0x2000) | V | G, false, "rwx"),
        (1, page(ROOT + 0x2000) | V | A, false, ""),
        (1, page(ROOT + 0x2000) | V | D, false, ""),
        (1, page(ROOT + 0x2000) | V | U, false, ""),
        (1, page(ROOT + 0x2000) | V | 1 << 61, true, ""),
        (1, page(ROOT + 0x2000) | V | N, false, ""),
        (1, page(ROOT + 0x2000) | V | 1 << 55, false, ""),
    ] {
        let mut setup = Setup::new(8);
        setup.map(0x5000, 3, 0, page(BASE) | LEAF);
        setup.map(0x5000, 3, leaf, entry);
        if types {
            setup.set(s::MENVCFG, envcfg::PBMTE);
        }
        assert_eq!(setup.permitted(0x5000), expect, "{leaf} {entry:#x} {types}");
    }
}

#[test]
fn an_entry_on_any_level_makes_a_mapping_global() {
    for (leaf, table, expect) in [(0, 0, false), (G, 0, true), (0, G, true), (G, G, true)] {
        let setup = Setup::new(8);
        setup.map(0x5000, 3, 0, page(BASE) | V | R | W | X | A | D | leaf);
        let at = GuestPhys(ROOT + 0x1000);
        let old = setup.entry(at.0);
        assert!(setup.ram.store(at, Width::B8, old | table));
        for access in ALL {
            let found = walk(&setup.slots, &setup.ram, GuestVirt(0x5000), 1, access).unwrap();
            assert_eq!(found.global, expect, "{leaf} {table} {access:?}");
        }
    }
    let setup = Setup::new(0);
    let found = walk(&setup.slots, &setup.ram, GuestVirt(BASE), 1, Access::Load).unwrap();
    assert!(
        !found.global,
        "there is no address space that could share it"
    );
}

#[test]
fn sixteen_pages_share_a_napot_entry() {
    let setup = Setup::new(8);
    for index in 0..16 {
        let entry = page(BASE + 0x38000) | N | V | R | A;
        setup.map(0x2_0000 + index * 0x1000, 3, 0, entry);
    }
    for index in 0..16 {
        let addr = 0x2_0123 + index * 0x1000;
        let found = walk(&setup.slots, &setup.ram, GuestVirt(addr), 1, Access::Load).unwrap();
        assert_eq!(
            (found.page.0, found.bits),
            (BASE + 0x30000 + index * 0x1000, 16)
        );
    }
}

#[test]
fn tables_outside_ram_or_rights_give_access_faults() {
    for (name, root, guard) in [
        ("outside RAM", 0x1000_0000, None),
        ("past RAM", BASE + BYTES, None),
        ("far", satp_max(), None),
        ("not readable", ROOT, Some(0x1e)),
        ("not readable", ROOT, Some(0x18)),
    ] {
        let mut setup = Setup::new(8);
        setup.map(0x5000, 3, 0, page(BASE) | V | R | W | X | A | D);
        setup.set(s::SATP, 8 << 60 | root >> 12);
        if let Some(entry) = guard {
            setup.protect(0, entry, (ROOT >> 2) | 0x7ff);
            setup.protect(1, 0x1f, (1 << 54) - 1);
        }
        for (access, cause) in [(Access::Load, 5), (Access::Store, 7), (Access::Fetch, 1)] {
            assert_eq!(setup.ask(0x5000, access), Err(cause), "{name} {access:?}");
        }
    }
}

fn satp_max() -> u64 {
    ((1 << 44) - 1) << 12
}

#[test]
fn without_paging_addresses_are_physical() {
    for (privilege, mode) in [(0, 0), (1, 0), (3, 0), (3, 8)] {
        let mut setup = Setup::new(mode);
        setup.set(s::PRIV, privilege);
        for addr in [0, 0x1000_0005, BASE, 0x00ff_ffff_ffff_ffff] {
            assert_eq!(
                setup.ask(addr, Access::Load),
                Ok(addr),
                "{privilege} {addr:#x}"
            );
        }
    }
}

#[test]
fn protection_of_the_page_itself_gives_access_faults() {
    let mut setup = Setup::new(8);
    setup.map(0x5000, 3, 0, page(BASE + 0x8000) | V | R | W | X | A | D);
    setup.protect(0, 0x10 | 1, (BASE + 0x8100) >> 2);
    setup.protect(1, 0x1f, (1 << 54) - 1);
    for (addr, bytes, access, expect) in [
        (0x5100, 4, Access::Load, Ok((true, false, false))),
        (0x5100, 4, Access::Store, Err(7)),
        (0x5100, 4, Access::Fetch, Err(1)),
        (0x5100, 8, Access::Load, Err(5)),
        (0x50fe, 4, Access::Load, Err(5)),
        (0x5104, 8, Access::Store, Ok((true, true, true))),
    ] {
        let found = walk(&setup.slots, &setup.ram, GuestVirt(addr), bytes, access);
        let seen = found.map(|page| {
            assert!(!page.whole);
            (page.read, page.write, page.execute)
        });
        assert_eq!(
            seen.map_err(|trap| trap.cause),
            expect,
            "{addr:#x} {bytes} {access:?}"
        );
    }
    // The page table says no first.
    assert_eq!(setup.ask(0x7000, Access::Load), Err(13));
}

/// A kernel that clears the accessed and dirty bits of an entry, and changes a bit of its own with
/// them, loses nothing to a hart that sets them.
#[test]
fn a_walk_never_undoes_what_somebody_else_wrote_to_the_entry() {
    const OWN: u64 = 1 << 8;
    let mut setup = Setup::new(8);
    setup.set(s::MENVCFG, envcfg::ADUE);
    let at = setup.map(0x5000, 3, 0, page(BASE) | V | R | W);
    let (setup, stop, both) = (&setup, &AtomicBool::new(false), &Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            both.wait();
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(setup.ask(0x5000, Access::Store), Ok(BASE));
            }
        });
        both.wait();
        let mut own = 0;
        for _ in 0..500_000 {
            let mut entry = setup.entry(at);
            loop {
                assert_eq!(entry & OWN, own, "the bit is as it was left");
                let new = (entry ^ OWN) & !(A | D);
                match setup
                    .ram
                    .compare_exchange(GuestPhys(at), Width::B8, entry, new)
                {
                    Some(Err(now)) => entry = now,
                    done => break assert_eq!(done, Some(Ok(()))),
                }
            }
            own ^= OWN;
        }
        stop.store(true, Ordering::Relaxed);
    });
}
