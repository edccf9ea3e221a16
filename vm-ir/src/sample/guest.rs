//! A guest architecture whose instructions are whatever a test says.
//!
//! Code in memory is the number of a block, and lifting looks the block up; there is no other
//! meaning in it, so that a test can run any block through the whole engine.
//! Data lives in one page that stands at every address, in kinds that change from page to page
//! (see [`Kind`]); code stands where it is, in [`CODE`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use vm_core::{GuestPhys, GuestVirt, PAGE_BYTES, Trap};
use vm_mem::{Access, GuestRam, PageEntry, RamFault, Walk};

use super::HELPERS;
use crate::float::{RISCV, Rules};
use crate::{Block, Builder, Context, End, Frontend, Helper, Layout, Lifted, Op, Text};

/// The page that data accesses go to.
pub const DATA: GuestPhys = GuestPhys(0x8000_0000);
/// The first page of code; virtual and physical addresses are the same.
pub const CODE: u64 = 0x8000_4000;
/// How many pages of code there are.
pub const CODE_PAGES: u64 = 4;
/// How far blocks stand apart.
pub const SPACING: u64 = 256;
/// The slots in which a trap leaves its cause, its value and how many there were.
pub const TRAPPED: [usize; 3] = [40, 41, 42];

/// What a page of data permits; its number decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Everything.
    Plain,
    /// Everything, but each access asks.
    Split,
    /// Loads.
    ReadOnly,
    /// Nothing.
    Hole,
}

impl Kind {
    /// The kind of the page that holds an address.
    #[must_use]
    pub fn of(addr: u64) -> Self {
        let page = addr / PAGE_BYTES;
        match page.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 {
            0 => Self::Hole,
            1 => Self::ReadOnly,
            2 | 3 => Self::Split,
            _ => Self::Plain,
        }
    }

    /// The trap of an access, if it is refused.
    #[must_use]
    pub fn refuses(addr: u64, access: Access) -> Option<Trap> {
        let refused = match Self::of(addr) {
            Self::Plain | Self::Split => false,
            Self::ReadOnly => access == Access::Store,
            Self::Hole => true,
        };
        refused.then(|| trap(access, addr))
    }
}

/// The trap of a refused access.
fn trap(access: Access, addr: u64) -> Trap {
    Trap::new(100 + access as u32, addr)
}

/// The trap of an access that no memory can answer.
#[must_use]
pub fn bus_fault(access: Access, addr: u64) -> Trap {
    Trap::new(200 + access as u32, addr)
}

/// The architecture.
#[derive(Debug)]
pub struct Guest {
    layout: Layout,
    blocks: Mutex<Vec<Block>>,
}

impl Guest {
    /// The architecture, without any block.
    #[must_use]
    pub fn new() -> Self {
        Self {
            layout: super::layout(),
            blocks: Mutex::default(),
        }
    }

    /// Replaces all code: block number `i` stands at [`place`]`(i)`.
    pub fn put(&self, ram: &GuestRam, blocks: &[Block]) -> Result<(), RamFault> {
        for number in 0..blocks.len() {
            let bytes = (number as u32).to_le_bytes();
            ram.write(GuestPhys(place(number)), &bytes)?;
        }
        blocks.clone_into(&mut self.blocks());
        Ok(())
    }

    fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn block(&self, code: &[u8]) -> Option<Block> {
        let number = u32::from_le_bytes(*code.first_chunk()?);
        self.blocks().get(number as usize).cloned()
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Walk for Guest {
    fn walk(
        &self,
        _: &[u64],
        _: &GuestRam,
        addr: GuestVirt,
        _: u64,
        access: Access,
    ) -> Result<PageEntry, Trap> {
        let (page, kind) = if access == Access::Fetch {
            if !(CODE..CODE + CODE_PAGES * PAGE_BYTES).contains(&addr.0) {
                return Err(trap(access, addr.0));
            }
            (GuestPhys(addr.0).page(), Kind::Plain)
        } else {
            (DATA, Kind::of(addr.0))
        };
        if access != Access::Fetch
            && let Some(trap) = Kind::refuses(addr.0, access)
        {
            return Err(trap);
        }
        Ok(PageEntry {
            page,
            read: access != Access::Fetch,
            write: access != Access::Fetch && kind != Kind::ReadOnly,
            execute: access == Access::Fetch,
            // Code and data of one address are different memory, so an entry is for one of them.
            whole: kind != Kind::Split,
            bits: 12,
            global: false,
        })
    }
}

/// The first instructions of a block. What is behind them has no place of its own, so a test that
/// gives less fuel than for whole blocks goes on elsewhere.
fn begin(mut block: Block, insns: u32) -> Block {
    let all = block.insts.iter().enumerate();
    let mut markers = all.filter(|(_, inst)| inst.op == Op::Insn);
    if let Some((at, inst)) = markers.nth(insns as usize) {
        // What is in front of an instruction.
        let bytes = inst.imm as u32;
        block.insts.truncate(at);
        (block.insns, block.bytes) = (insns, bytes);
        block.end = End::Goto(i64::from(bytes));
    }
    block
}

impl Frontend for Guest {
    fn name(&self) -> &'static str {
        "blocks"
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn helpers(&self) -> &'static [Helper] {
        HELPERS
    }

    fn float_rules(&self) -> Rules {
        RISCV
    }

    fn context(&self, _: &[u64]) -> Context {
        Context::default()
    }

    fn lift(&self, code: &[u8], _: u64, limit: u32, out: &mut Builder) -> Lifted {
        let block = self
            .block(code)
            .expect("tests run only blocks they have placed");
        *out.block() = begin(block, limit);
        Lifted::Done
    }

    fn max_insn_bytes(&self) -> usize {
        4
    }

    /// Leaves a note, and ends the run.
    fn deliver(&self, slots: &mut [u64], trap: Trap, _: bool, pc: u64) -> bool {
        let [cause, value, count] = TRAPPED;
        slots[cause] = u64::from(trap.cause);
        slots[value] = trap.value;
        slots[count] = slots[count].wrapping_add(1);
        slots[usize::from(self.layout.pc.0)] = pc;
        false
    }

    fn interrupt(&self, _: &[u64]) -> Option<Trap> {
        None
    }

    fn wakes(&self, _: &[u64]) -> bool {
        false
    }

    fn set_line(&self, _: &mut [u64], _: u32, _: bool) {}

    fn tick(&self, _: &mut [u64], _: u64) {}

    fn deadline_ns(&self, _: &[u64]) -> Option<u64> {
        None
    }

    fn reset(&self, slots: &mut [u64], _: u32) {
        slots.fill(0);
    }

    fn bus_fault(&self, access: Access, addr: u64) -> Trap {
        bus_fault(access, addr)
    }

    fn disassemble(&self, code: &[u8], _: u64) -> Text {
        Text {
            text: String::new(),
            bytes: code.len(),
        }
    }

    fn trap_name(&self, _: u32, _: bool) -> String {
        String::new()
    }

    fn privilege(&self, _: &[u64]) -> u32 {
        0
    }

    fn check(&self, _: &[u64]) -> Result<(), String> {
        Ok(())
    }
}

/// Where a block stands.
#[must_use]
pub const fn place(number: usize) -> u64 {
    CODE + number as u64 * SPACING
}
