//! What happens when a handler can not go on by itself: TLB misses, devices, odd accesses,
//! helpers.
#![expect(
    unsafe_code,
    reason = "copies to and from pages of guest RAM; see UNSAFETY"
)]
// UNSAFETY: host addresses come from `GuestRam::page` just before they are used, and never reach
// past the page; RAM is mapped as long as `Slow` lives.

mod across;
mod atomic;
mod context;

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use vm_core::{
    AccessKind, Answer, Clock, Flush, GuestPhys, GuestVirt, PAGE_BYTES, PAGE_MASK, Space, Width,
};
use vm_ir::float::Rules;
use vm_ir::{Context, Frontend, Helper, HelperCx, Request, Type};
use vm_mem::{Access, CodePage, GuestRam, HostCell, Tlb, TlbEntry};

use crate::blocks::Blocks;
use crate::cpu::{Cpu, Stop};
use crate::flat::{Code, Flat};
use crate::jumps::Jumps;
use crate::stops::Stopping;
use crate::watch::Watch;

/// What slow paths of one virtual CPU work with.
pub struct Slow {
    /// The guest architecture.
    pub frontend: Arc<dyn Frontend>,
    /// Its floating-point rules.
    pub rules: Rules,
    /// Its helpers.
    pub helpers: &'static [Helper],
    /// How many slots it has.
    pub slots: usize,
    /// Guest RAM.
    pub ram: GuestRam,
    /// The guest's clock.
    pub clock: Arc<Clock>,
    /// The translations of this CPU.
    pub tlb: Tlb,
    /// The table in force.
    pub table: usize,
    /// The context in force.
    pub context: Context,
    /// Whether changes of the mode are told, which the dispatcher does.
    pub traces_modes: bool,
    /// The jump caches.
    pub jumps: Jumps,
    /// Where the reservation's slots are.
    pub reservation: usize,
    /// Where the exit that was just left by leads to: an address, and what stands there; until
    /// anything else happens.
    pub linked: Option<(u64, *const Code)>,
    /// What helpers asked for and the dispatcher has not looked at yet.
    pub after: Option<vm_core::Exit>,
    /// Accesses of the instruction at hand that devices have answered, and how many of them this
    /// execution has used.
    pub answers: (Vec<(vm_core::Access, Answer)>, usize),
    /// Instructions retired when the slice began, and its fuel then.
    pub slice: (u64, i64),
    /// Page walks, until they are added to those of all CPUs.
    pub walks: u64,
    /// The blocks of the machine; valid while handlers run.
    pub blocks: *mut Blocks,
    /// Who watches memory accesses, if anybody does: then the TLB stays empty.
    pub watch: Option<Watch>,
    /// Where requests of helpers are collected.
    pub requests: Vec<Request>,
    /// What a debugger waits for; watched pages are never entered in the TLB.
    pub stops: Stopping,
}

// SAFETY: `blocks` is set anew by each run and followed only while it lasts, and so is `linked`.
unsafe impl Send for Slow {}

/// Where an instruction stands.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Instructions retired before it since the slice began.
    in_slice: u64,
    /// Its offset from the block's first byte.
    offset: u64,
}

/// Where an access goes.
enum Place {
    /// To this host address.
    Ram(*mut u8, GuestPhys),
    /// To a device.
    Device(GuestPhys),
}

impl Slow {
    /// Loads, without the help of the TLB.
    pub fn load(
        &mut self,
        cpu: &mut Cpu,
        ip: *const Flat,
        addr: u64,
        ty: Type,
    ) -> Result<u64, Stop> {
        let bytes = ty.bytes();
        self.ask_watch(cpu, addr, bytes, Access::Load)?;
        let value = if crosses(addr, bytes) {
            self.load_across(cpu, addr, bytes)?
        } else {
            match self.place(cpu, addr, bytes, Access::Load)? {
                Place::Ram(host, _) => copy_out(host, bytes),
                Place::Device(at) => self.device(at, addr, bytes, None)?,
            }
        };
        self.watched(cpu, ip, addr, bytes, value, false);
        Ok(value)
    }

    /// Stores, without the help of the TLB.
    pub fn store(
        &mut self,
        cpu: &mut Cpu,
        ip: *const Flat,
        addr: u64,
        ty: Type,
        value: u64,
    ) -> Result<(), Stop> {
        let bytes = ty.bytes();
        self.ask_watch(cpu, addr, bytes, Access::Store)?;
        if crosses(addr, bytes) {
            self.store_across(cpu, addr, bytes, value)?;
        } else {
            match self.place(cpu, addr, bytes, Access::Store)? {
                Place::Ram(host, at) => self.write(host, at, bytes, value),
                Place::Device(at) => {
                    self.device(at, addr, bytes, Some(value))?;
                }
            }
        }
        self.watched(cpu, ip, addr, bytes, value, true);
        Ok(())
    }

    /// Calls a helper for the op at `ip`, then does what it asked for.
    pub fn call(
        &mut self,
        cpu: &mut Cpu,
        ip: *const Flat,
        helper: u32,
        args: [u64; 4],
        fuel: i64,
    ) -> Result<u64, Stop> {
        // SAFETY: the running block is alive while its handlers run.
        let code = unsafe { &*cpu.code };
        let at = self.position_of(code, code.site_of(ip).0, fuel);
        self.call_at(cpu, at, helper, args)
    }

    /// Calls a helper for an instruction, then does what it asked for.
    pub fn call_at(
        &mut self,
        cpu: &mut Cpu,
        at: Position,
        helper: u32,
        args: [u64; 4],
    ) -> Result<u64, Stop> {
        let Some(helper) = self.helpers.get(helper as usize) else {
            unreachable!("the verifier refuses helpers that do not exist");
        };
        let mut cx = HelperCx {
            slots: &mut cpu.words[..self.slots],
            ram: &self.ram,
            clock: &self.clock,
            pc: cpu.pc.wrapping_add(at.offset),
            retired: self.slice.0.wrapping_add(at.in_slice),
            in_slice: at.in_slice,
            requests: &mut self.requests,
        };
        let result = (helper.run)(&mut cx, args);
        if !self.requests.is_empty() {
            self.do_requests();
        }
        result.map_err(Stop::Trap)
    }

    fn do_requests(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        for request in requests.drain(..) {
            match request {
                Request::Flush(what) => self.flush(what),
                Request::Idle => self.after = Some(vm_core::Exit::Idle),
                Request::Call => self.after = Some(vm_core::Exit::Call),
                Request::Reschedule => self.after = Some(vm_core::Exit::Kicked),
            }
        }
        self.requests = requests;
    }

    /// Where an instruction of a block stands, by its number.
    pub fn position_of(&self, code: &Code, index: usize, fuel: i64) -> Position {
        let before = self
            .slice
            .1
            .wrapping_sub(fuel)
            .wrapping_sub(code.sites.len() as i64);
        Position {
            in_slice: (before as u64).wrapping_add(index as u64),
            offset: code
                .sites
                .get(index)
                .map_or(0, |site| u64::from(site.offset)),
        }
    }

    /// Forgets translations.
    pub fn flush(&mut self, what: Flush) {
        self.jumps.flush(&mut self.tlb, what);
    }

    /// Remembers where the code at the program counter is.
    pub fn remember(&mut self, cpu: &mut Cpu, code: *const Code, page: CodePage) {
        let pc = cpu.pc;
        let force = self.jumps.fill(self.table, pc, code, page);
        force.put(cpu);
    }

    /// Translates a fetch; the physical address, and whether the rest of the page may be executed
    /// as well.
    pub fn fetch(&mut self, cpu: &mut Cpu, addr: u64) -> Result<(GuestPhys, bool), Stop> {
        let entry = self.tlb.table(self.table).entry(addr);
        if entry.execute == addr & PAGE_MASK {
            let host = addr.wrapping_add(entry.addend);
            if let Some(phys) = self.ram.guest_of(host) {
                return Ok((phys, true));
            }
        }
        match self.walked(cpu, addr, 1, Access::Fetch)? {
            (Place::Ram(_, at), whole) => Ok((at, whole)),
            // Nobody runs code from device registers.
            (Place::Device(_), _) => Err(Stop::Trap(self.frontend.bus_fault(Access::Fetch, addr))),
        }
    }

    /// Translates an address by the TLB: for accesses that handlers leave to slow paths although
    /// the page is known, such as atomic and misaligned ones.
    fn known_place(&mut self, addr: u64, access: Access) -> Option<Place> {
        let entry = self.tlb.table(self.table).entry(addr);
        if tag(&entry, access) != addr & PAGE_MASK {
            return None;
        }
        let host = addr.wrapping_add(entry.addend);
        Some(Place::Ram(host as *mut u8, self.ram.guest_of(host)?))
    }

    /// Asks for each byte of an instruction, or of its part on one page; the first one's physical
    /// address. A trap names the first byte that may not be fetched.
    pub fn fetch_all(&mut self, cpu: &mut Cpu, addr: u64, bytes: u64) -> Result<GuestPhys, Stop> {
        let (first, whole) = self.fetch(cpu, addr)?;
        if !whole {
            for offset in 1..bytes {
                self.fetch(cpu, addr.wrapping_add(offset))?;
            }
        }
        Ok(first)
    }

    /// Lets the TLB answer for a page, for native code that goes on by it; false if it may not.
    ///
    /// A trap is not kept: the interpreter will find it again.
    pub fn fill(&mut self, cpu: &mut Cpu, page: u64, access: Access) -> bool {
        let walked = self.walked(cpu, page, 1, access);
        walked.is_ok() && tag(&self.tlb.table(self.table).entry(page), access) == page
    }

    /// Translates an address by the TLB or the page walk, and remembers the result if it may.
    fn place(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
        access: Access,
    ) -> Result<Place, Stop> {
        if let Some(known) = self.known_place(addr, access) {
            return Ok(known);
        }
        self.walked(cpu, addr, bytes, access)
            .map(|(place, _)| place)
    }

    /// As [`Slow::place`], and whether the whole page is like this.
    fn walked(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
        access: Access,
    ) -> Result<(Place, bool), Stop> {
        self.walks += 1;
        let slots = &cpu.words[..self.slots];
        let walked = self
            .frontend
            .walk(slots, &self.ram, GuestVirt(addr), bytes, access);
        let entry = walked.map_err(Stop::Trap)?;
        let at = entry.page + (addr & !PAGE_MASK);
        let Some(page) = self.ram.page(entry.page) else {
            return Ok((Place::Device(at), entry.whole));
        };
        let host = (page.host + (addr & !PAGE_MASK)) as *mut u8;
        if access == Access::Store {
            self.ram.mark_dirty_only(entry.page);
        }
        if entry.whole && self.watch.is_none() && !self.stops.watches_page(addr) {
            let virt = addr & PAGE_MASK;
            let table = self.tlb.table(self.table);
            let old = table.entry(addr);
            let addend = page.host.wrapping_sub(virt);
            let same = old.addend == addend
                && (old.read == virt || old.write == virt || old.execute == virt);
            let mut new = if same { old } else { TlbEntry::EMPTY };
            new.addend = addend;
            if entry.read {
                new.read = virt;
            }
            if entry.execute && access == Access::Fetch {
                new.execute = virt;
            }
            // Only a store has marked the page dirty, and code pages must be asked every time.
            if entry.write && access == Access::Store && !page.code {
                new.write = virt;
            }
            table.enter(addr, new, entry.bits, entry.global);
        }
        Ok((Place::Ram(host, at), entry.whole))
    }

    /// Asks a device, or takes the answer that it has given.
    fn device(
        &mut self,
        at: GuestPhys,
        addr: u64,
        bytes: u64,
        store: Option<u64>,
    ) -> Result<u64, Stop> {
        let kind = store.map_or(AccessKind::Load, AccessKind::Store);
        let width = Width::of_bytes(bytes).unwrap_or(Width::B8);
        let access = vm_core::Access {
            space: Space::Memory,
            addr: at,
            width,
            kind,
        };
        let (answers, used) = &mut self.answers;
        match answers.get(*used) {
            Some((asked, answer)) if *asked == access => {
                *used += 1;
                match answer {
                    Answer::Done(value) => Ok(*value),
                    Answer::Fault(_) | Answer::Later(_) => {
                        let kind = if store.is_some() {
                            Access::Store
                        } else {
                            Access::Load
                        };
                        Err(Stop::Trap(self.frontend.bus_fault(kind, addr)))
                    }
                }
            }
            _ => Err(Stop::Access(access)),
        }
    }

    /// Traps as an access would, which may reach into a second page.
    pub(crate) fn probe(
        &mut self,
        cpu: &mut Cpu,
        addr: u64,
        bytes: u64,
        access: Access,
    ) -> Result<(), Stop> {
        let first = (addr | !PAGE_MASK).wrapping_sub(addr) + 1;
        self.place(cpu, addr, bytes.min(first), access)?;
        if bytes > first {
            self.place(cpu, addr.wrapping_add(first), bytes - first, access)?;
        }
        Ok(())
    }

    /// Writes to RAM, and lets go of code that was translated from there.
    fn write(&mut self, host: *mut u8, at: GuestPhys, bytes: u64, value: u64) {
        copy_in(host, bytes, value);
        self.wrote(at, bytes);
    }

    /// Lets go of code that was translated from where a CPU has written.
    fn wrote(&mut self, at: GuestPhys, bytes: u64) {
        // SAFETY: the blocks are valid while handlers run, and no one else uses them meanwhile.
        let blocks = unsafe { &mut *self.blocks };
        blocks.written(&self.ram, at, bytes);
    }

    fn watched(
        &mut self,
        cpu: &Cpu,
        ip: *const Flat,
        addr: u64,
        bytes: u64,
        value: u64,
        store: bool,
    ) {
        if let Some(watch) = &mut self.watch {
            // SAFETY: the running block is alive while its handlers run.
            let (_, offset) = unsafe { &*cpu.code }.site_of(ip);
            watch.access(cpu.pc.wrapping_add(offset), addr, bytes, value, store);
        }
    }
}

/// The page that an entry answers an access for.
const fn tag(entry: &TlbEntry, access: Access) -> u64 {
    match access {
        Access::Load => entry.read,
        Access::Store => entry.write,
        Access::Fetch => entry.execute,
    }
}

fn crosses(addr: u64, bytes: u64) -> bool {
    (addr & !PAGE_MASK) + bytes > PAGE_BYTES
}

/// Reads a value inside a page; as one access if it is aligned.
fn copy_out(host: *mut u8, bytes: u64) -> u64 {
    let whole = Width::of_bytes(bytes).and_then(|width| cell(host, width));
    if let Some(cell) = whole {
        return cell.load(Acquire);
    }
    let byte = |at: u64| cell(host.wrapping_add(at as usize), Width::B1);
    let read = |at| byte(at).map_or(0, |cell| cell.load(Acquire)) << (8 * at);
    (0..bytes).map(read).fold(0, |value, byte| value | byte)
}

/// Writes a value inside a page; as one access if it is aligned.
fn copy_in(host: *mut u8, bytes: u64, value: u64) {
    let whole = Width::of_bytes(bytes).and_then(|width| cell(host, width));
    if let Some(cell) = whole {
        return cell.store(value, Release);
    }
    for at in 0..bytes {
        if let Some(cell) = cell(host.wrapping_add(at as usize), Width::B1) {
            cell.store(value >> (8 * at), Release);
        }
    }
}

/// The value at a host address, if it is aligned.
fn cell(host: *mut u8, width: Width) -> Option<HostCell> {
    // SAFETY: see UNSAFETY; `Slow` keeps the memory, and cells are used up at once.
    unsafe { HostCell::new(host, width) }
}
