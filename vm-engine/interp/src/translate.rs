//! From guest code to flat code: fetch, lift, optimise, flatten.

use vm_core::{GuestPhys, PAGE_BYTES};
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::{Builder, Frontend, Lifted};

use crate::Maker;
use crate::blocks::{Blocks, Key, Known};
use crate::cpu::{Cpu, Stop};
use crate::flat::Code;
use crate::flatten::{Flattener, TooLarge};
use crate::native::{self, Listing, Origin, Someone};
use crate::slow::Slow;
use crate::store::{Piece, Store};

/// The most instructions of a block.
// LIMIT: longer blocks gain nothing and make the unfinished rest of a slice longer.
const INSNS: u32 = 64;

/// What translation needs, kept for its memory.
pub struct Translator {
    builder: Builder,
    scratch: Scratch,
    flattener: Flattener,
    bytes: Vec<u8>,
    /// Which passes blocks go through before they become flat.
    pub passes: Passes,
}

/// A block and how it may be found again.
pub struct Found {
    /// The block.
    pub code: *const Code,
    /// The length of its guest code.
    pub bytes: u64,
    /// Whether its address alone leads to it: not if it reaches into a second page, which may be
    /// mapped elsewhere at another time, or stands on a page that is not executable as a whole.
    pub cacheable: bool,
}

impl Translator {
    /// A translator for guests of this architecture.
    pub fn new(frontend: &dyn Frontend) -> Self {
        Self {
            builder: Builder::new(),
            scratch: Scratch::new(frontend.layout(), frontend.helpers()),
            flattener: Flattener::default(),
            bytes: Vec::new(),
            passes: Passes::FLAT,
        }
    }

    /// The code at the program counter, from the blocks or made now.
    pub fn find(
        &mut self,
        cpu: &mut Cpu,
        slow: &mut Slow,
        blocks: &mut Blocks,
        mode: u64,
        single: bool,
    ) -> Result<Found, Stop> {
        let pc = cpu.pc;
        let (phys, whole) = slow.fetch(cpu, pc)?;
        let key = Key {
            phys: phys.0,
            mode,
            // Where a page is not executable as a whole, each instruction is asked about.
            single: single || !whole,
        };
        blocks.stats.lookups += 1;
        let found = match Self::made(cpu, slow, blocks, key)? {
            Some(found) => found,
            None => self.make(cpu, slow, blocks, key)?,
        };
        if whole {
            return Ok(found);
        }
        let here = second_page_of(pc).wrapping_sub(pc);
        slow.fetch_all(cpu, pc, found.bytes.min(here))?;
        Ok(Found {
            cacheable: false,
            ..found
        })
    }

    /// The code at the program counter, if it was made and its second page is still the same.
    fn made(
        cpu: &mut Cpu,
        slow: &mut Slow,
        blocks: &mut Blocks,
        key: Key,
    ) -> Result<Option<Found>, Stop> {
        let Some(Known {
            code,
            bytes,
            second,
        }) = blocks.find(key)
        else {
            return Ok(None);
        };
        if let Some(second) = second {
            let behind = second_page_of(cpu.pc);
            let there = bytes.saturating_sub(behind.wrapping_sub(cpu.pc));
            if slow.fetch_all(cpu, behind, there)?.page() != GuestPhys(second) {
                return Ok(None);
            }
        }
        Ok(Some(Found {
            code,
            bytes,
            cacheable: second.is_none(),
        }))
    }

    fn make(
        &mut self,
        cpu: &mut Cpu,
        slow: &mut Slow,
        blocks: &mut Blocks,
        key: Key,
    ) -> Result<Found, Stop> {
        let phys = GuestPhys(key.phys);
        let frontend = slow.frontend.clone();
        let in_page = PAGE_BYTES - phys.page_offset();
        let most = frontend.max_insn_bytes() as u64 * u64::from(if key.single { 1 } else { INSNS });
        self.bytes.resize(in_page.min(most) as usize, 0);
        blocks.watch(&slow.ram, phys);
        if slow.ram.read(phys, &mut self.bytes).is_err() {
            return Err(Stop::Trap(
                frontend.bus_fault(vm_mem::Access::Fetch, cpu.pc),
            ));
        }
        let mut second = None;
        let mut limit = if key.single { 1 } else { INSNS };
        loop {
            self.builder.clear();
            let lifted = frontend.lift(&self.bytes, key.mode, limit, &mut self.builder);
            if let Lifted::Short(needed) = lifted {
                // The first instruction reaches into the next page.
                let behind = second_page_of(cpu.pc);
                let have = self.bytes.len();
                let at = slow.fetch_all(cpu, behind, needed.saturating_sub(have) as u64)?;
                self.bytes.resize(needed.max(have), 0);
                blocks.watch(&slow.ram, at);
                if slow.ram.read(at, &mut self.bytes[have..]).is_err() {
                    return Err(Stop::Trap(
                        frontend.bus_fault(vm_mem::Access::Fetch, behind),
                    ));
                }
                (second, limit) = (Some(at.page().0), 1);
                continue;
            }
            match self.flat(&*frontend, key, &blocks.store) {
                Ok(mut code) => {
                    code.pc = cpu.pc;
                    self.tell(&*frontend, &code, &mut blocks.witness);
                    let bytes = u64::from(code.bytes);
                    let place = blocks.add(&slow.ram, key, code, second);
                    return Ok(Found {
                        code: place,
                        bytes,
                        cacheable: second.is_none(),
                    });
                }
                // One instruction always fits: its row would not pass the tests otherwise.
                Err(TooLarge) if limit > 1 => limit /= 2,
                Err(TooLarge) => unreachable!("one instruction fits the words of a CPU"),
            }
        }
    }

    /// Says how the block was made flat, if somebody wants to know.
    fn tell(&mut self, frontend: &dyn Frontend, code: &Code, witness: &mut Someone) {
        if !native::wants(witness, || Origin::of(code)) {
            return;
        }
        let mut listing = Listing::default();
        let bytes = &self.bytes[..code.bytes as usize];
        listing.add(0, bytes, self.builder.block(), frontend);
        listing.stage("flat").lines = self.flattener.tell(frontend);
        native::tell(witness, Maker::Handlers, code, None, Some(&listing));
    }

    fn flat(
        &mut self,
        frontend: &dyn Frontend,
        key: Key,
        store: &Store,
    ) -> Result<Piece, TooLarge> {
        let block = self.builder.block();
        optimise(block, &mut self.scratch, self.passes);
        let block = self.builder.block();
        self.flattener.flatten(block, frontend)?;
        let (ops, sites) = (self.flattener.ops(), self.flattener.sites());
        let mut code = store.keep(ops, sites, (key.phys, key.mode), block.bytes);
        code.single = key.single;
        Ok(code)
    }
}

/// The first address of the page behind the one of `pc`.
pub fn second_page_of(pc: u64) -> u64 {
    (pc | (PAGE_BYTES - 1)).wrapping_add(1)
}
