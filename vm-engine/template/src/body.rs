//! A block as it is written: its values, and where they are.

use std::ops::Range;

use vm_engine_interp::native::{EXITS, Mark, Places, Ways, Whence};
use vm_ir::{Block, Id, Layout, Op, SlotId, Type};

use crate::pieces::{Line, Source, Stub};
use crate::survey::Fact;
use crate::x64::{Alu, Assembler, Extend, Jump, Mem, RCX, RDI, RSI, Reg, Rm, Size, at};

/// Nothing, where a small number would stand.
const NONE: u16 = u16::MAX;

/// The registers that hold values: `rbx` and `r8` to `r14`. The first three are scratch.
const HOLD: u16 = 1 << 3 | 0x7f << 8;
/// Those of them that calls change.
const LOST: u16 = 0x0f << 8;

/// Where a value is; one that is nowhere is a constant, or has not been made.
#[derive(Clone, Copy, Debug)]
struct Place {
    reg: Option<Reg>,
    /// The slot that holds it.
    slot: u16,
    /// The spare word that holds it.
    spare: u16,
}

impl Place {
    const NOWHERE: Self = Self {
        reg: None,
        slot: NONE,
        spare: NONE,
    };
}

/// Memory that is used for one block after the other.
#[derive(Default)]
pub struct Notes {
    /// What the survey has found.
    pub facts: Vec<Fact>,
    places: Vec<Place>,
    /// The value that each slot holds, as far as it is known.
    homes: Vec<u16>,
    /// The slots of which something is known.
    known: Vec<u16>,
    /// Jumps to stubs.
    pub stubs: Vec<Stub>,
    /// Jumps to the exit behind the block.
    pub skips: Vec<Jump>,
    /// What the code is for, if somebody wants to know.
    pub marks: Option<Vec<Mark>>,
}

/// A block on its way to code.
pub struct Body<'a> {
    pub(crate) asm: Assembler,
    pub(crate) block: &'a Block,
    pub(crate) notes: &'a mut Notes,
    /// Where the block stands in its page.
    pub(crate) page_offset: u64,
    /// The slot of the program counter.
    pub(crate) pc_slot: SlotId,
    /// The operation at hand.
    pub(crate) now: u16,
    /// The number of the instruction at hand.
    pub(crate) site: u8,
    /// Where exits that have cells lead to.
    pub(crate) distances: [i64; EXITS],
    /// Where the ways in and out are.
    pub(crate) ways: Ways,
    /// The jumps of exits that have cells.
    pub(crate) exits: [Option<Jump>; EXITS],
    /// The operation after the one at hand has been written with it.
    pub(crate) done: bool,
    /// Where a call goes whose return is not noted.
    pub(crate) deep: Option<Jump>,
    /// What was stored to by the operation before this one: see [`Line`].
    pub(crate) line: Option<Line>,
    /// The value in each register that holds one.
    owners: [u16; 16],
    /// The registers that hold something.
    used: u16,
    /// The registers that the operation at hand works with.
    locked: u16,
    /// How many spare words are taken.
    spares: u16,
    /// The jump for when the fuel does not reach, and how much is to be given back.
    pub(crate) no_fuel: Option<(Jump, i8)>,
    /// The slots of the reservation.
    pub(crate) reservation: Range<u16>,
}

/// The size of the instructions that work on a type.
pub fn size(ty: Type) -> Size {
    if ty == Type::I64 {
        Size::Qword
    } else {
        Size::Dword
    }
}

/// Where a slot is.
pub fn slot(number: u16) -> Mem {
    at(RDI, Places::WORDS + 8 * i32::from(number))
}

impl<'a> Body<'a> {
    /// A block of which nothing is written yet; what the survey found stands in `notes`.
    pub fn new(block: &'a Block, notes: &'a mut Notes, page_offset: u64, layout: &Layout) -> Self {
        notes.places.clear();
        notes.places.resize(block.insts.len(), Place::NOWHERE);
        for slot in notes.known.drain(..) {
            notes.homes[usize::from(slot)] = NONE;
        }
        notes.homes.resize(layout.slots.len(), NONE);
        notes.stubs.clear();
        notes.skips.clear();
        Self {
            asm: Assembler::default(),
            block,
            notes,
            page_offset,
            pc_slot: layout.pc,
            now: 0,
            site: 0,
            distances: [0; EXITS],
            ways: Ways::default(),
            exits: [None; EXITS],
            deep: None,
            line: None,
            done: false,
            owners: [NONE; 16],
            used: 0,
            locked: 0,
            spares: 0,
            no_fuel: None,
            reservation: layout.reservation.0..layout.reservation.0 + 3,
        }
    }

    /// What is written from now on is for an instruction, or for `what` if that is not all.
    pub(crate) fn mark(&mut self, insn: Option<u8>, what: Option<&'static str>) {
        if let Some(marks) = &mut self.notes.marks {
            let insn = insn.map(usize::from);
            marks.push(Mark {
                at: self.asm.bytes.len(),
                whence: insn.map(|insn| Whence { block: 0, insn }),
                what,
            });
        }
    }

    /// The value itself, if it is the low half of another.
    fn same(&self, id: Id) -> Id {
        self.notes.facts[usize::from(id)].same
    }

    /// Whether nothing stands above its type.
    pub(crate) fn is_clean(&self, id: Id) -> bool {
        self.same(id) == id
    }

    fn place(&mut self, id: Id) -> &mut Place {
        &mut self.notes.places[usize::from(id)]
    }

    fn last(&self, id: Id) -> u16 {
        self.notes.facts[usize::from(id)].last
    }

    /// The type of a value.
    pub(crate) fn type_of(&self, id: Id) -> Type {
        self.block.insts[usize::from(id)].value_type()
    }

    /// A value that is fixed.
    pub(crate) fn constant(&self, id: Id) -> Option<u64> {
        let inst = &self.block.insts[usize::from(id)];
        (inst.op == Op::Const).then(|| inst.imm & inst.ty.mask())
    }

    /// A value that is fixed, as the sign-extended constant of an instruction.
    pub(crate) fn short(&self, id: Id) -> Option<i32> {
        let number = self.constant(id)?;
        match self.type_of(id) {
            Type::I64 => i32::try_from(number as i64).ok(),
            _ => Some(number as i32),
        }
    }

    /// Where in memory a value stands.
    fn memory(&self, id: Id) -> Option<Mem> {
        let place = self.notes.places[usize::from(id)];
        if place.spare != NONE {
            return Some(at(RDI, Places::SPARES + 8 * i32::from(place.spare)));
        }
        (place.slot != NONE).then(|| slot(place.slot))
    }

    /// The register that a value is in already.
    pub(crate) fn held(&self, id: Id) -> Option<Reg> {
        self.notes.places[usize::from(self.same(id))].reg
    }

    /// Whether nobody wants the value after the operation at hand.
    pub(crate) fn dies(&self, id: Id) -> bool {
        self.last(self.same(id)) <= self.now
    }

    fn lock(&mut self, reg: Reg) -> Reg {
        self.locked |= 1 << reg.0;
        reg
    }

    /// A register for the operation at hand, whatever was in it.
    pub(crate) fn register(&mut self) -> Option<Reg> {
        let free = HOLD & !self.used & !self.locked;
        let reg = if free == 0 {
            self.evict()?
        } else {
            Reg(free.trailing_zeros() as u8)
        };
        Some(self.lock(reg))
    }

    /// Frees the register whose value costs least: one that is elsewhere too, else the one that is
    /// wanted for longest.
    fn evict(&mut self) -> Option<Reg> {
        let candidates = (0..16u8).filter(|reg| HOLD & !self.locked & 1 << reg != 0);
        let worth = |reg: &u8| {
            let id = self.owners[usize::from(*reg)];
            let elsewhere = self.constant(id).is_some() || self.memory(id).is_some();
            (elsewhere, self.last(id))
        };
        let reg = Reg(candidates.max_by_key(worth)?);
        self.leave_register(reg)?;
        Some(reg)
    }

    /// Takes the value out of a register; it is kept in a spare word if it is nowhere else.
    fn leave_register(&mut self, reg: Reg) -> Option<()> {
        let id = self.owners[usize::from(reg.0)];
        if self.constant(id).is_none() && self.memory(id).is_none() {
            self.spare(id, reg)?;
        }
        self.release(reg);
        Some(())
    }

    /// Keeps a value that is in a register in a spare word as well.
    fn spare(&mut self, id: Id, reg: Reg) -> Option<()> {
        if self.spares == Places::SPARE_COUNT {
            return None;
        }
        let word = at(RDI, Places::SPARES + 8 * i32::from(self.spares));
        self.asm.store(8, word, reg);
        self.place(id).spare = self.spares;
        self.spares += 1;
        Some(())
    }

    fn release(&mut self, reg: Reg) {
        let id = std::mem::replace(&mut self.owners[usize::from(reg.0)], NONE);
        if id != NONE {
            self.place(id).reg = None;
        }
        self.used &= !(1 << reg.0);
    }

    /// A register holds a value from now on.
    pub(crate) fn define(&mut self, id: Id, reg: Reg) {
        self.owners[usize::from(reg.0)] = id;
        self.used |= 1 << reg.0;
        self.lock(reg);
        self.place(id).reg = Some(reg);
    }

    /// Copies a value into a register, from wherever it is; flags may change only for single bits.
    pub(crate) fn copy(&mut self, reg: Reg, id: Id) {
        let id = self.same(id);
        match self.held(id) {
            Some(from) => self.asm.mov(Size::Qword, reg, from),
            None => self.fetch(reg, id),
        }
    }

    /// Loads a value that is not in a register, or not only there.
    fn fetch(&mut self, reg: Reg, id: Id) {
        if let Some(number) = self.constant(id) {
            return self.asm.mov_imm(reg, number);
        }
        let Some(mem) = self.memory(id) else {
            unreachable!("the verifier refuses uses before definitions");
        };
        let spare = self.notes.places[usize::from(id)].spare != NONE;
        match self.type_of(id) {
            _ if spare => self.asm.mov(Size::Qword, reg, mem),
            ty @ (Type::I64 | Type::I32) => self.asm.mov(size(ty), reg, mem),
            Type::I16 => self.asm.extend(Extend::Zero16, Size::Dword, reg, mem),
            Type::I8 => self.asm.extend(Extend::Zero8, Size::Dword, reg, mem),
            Type::I1 => {
                self.asm.extend(Extend::Zero8, Size::Dword, reg, mem);
                self.asm.alu_imm(Alu::And, Size::Dword, reg, 1);
            }
        }
    }

    /// The register of a value, which is brought there if it is not in one.
    pub(crate) fn reg(&mut self, id: Id) -> Option<Reg> {
        if let Some(reg) = self.held(id) {
            return Some(self.lock(reg));
        }
        let reg = self.register()?;
        self.copy(reg, id);
        self.define(self.same(id), reg);
        Some(reg)
    }

    /// A value as a register or memory; the latter if nobody wants it afterwards.
    pub(crate) fn rm(&mut self, id: Id) -> Option<Rm> {
        let whole = self.same(id);
        let narrow = self.type_of(whole) < Type::I32;
        if self.held(id).is_none()
            && self.dies(id)
            && !narrow
            && let Some(mem) = self.memory(whole)
        {
            return Some(mem.into());
        }
        self.reg(id).map(Rm::Reg)
    }

    /// A value as whatever an instruction takes.
    pub(crate) fn source(&mut self, id: Id) -> Option<Source> {
        match self.short(id) {
            Some(imm) => Some(Source::Imm(imm)),
            None => self.rm(id).map(Source::Rm),
        }
    }

    /// A register that holds the value and may be changed. Other operands come first.
    pub(crate) fn target(&mut self, id: Id) -> Option<Reg> {
        if let Some(reg) = self.held(id)
            && self.dies(id)
        {
            self.release(reg);
            return Some(self.lock(reg));
        }
        let reg = self.register()?;
        self.copy(reg, id);
        Some(reg)
    }

    /// Behind an operation: forgets values that nobody wants any more.
    pub(crate) fn settle(&mut self) {
        self.locked = 0;
        let mut used = self.used;
        while used != 0 {
            let reg = Reg(used.trailing_zeros() as u8);
            used &= used - 1;
            if self.last(self.owners[usize::from(reg.0)]) <= self.now {
                self.release(reg);
            }
        }
    }

    /// A value is what a slot holds.
    pub(crate) fn get(&mut self, id: Id, slot: u16) -> Option<()> {
        let known = self.notes.homes[usize::from(slot)];
        self.place(id).slot = slot;
        if known != NONE && self.last(known) > self.now && self.place(known).slot == slot {
            // The slot speaks for one value only.
            self.reg(id)?;
            self.place(id).slot = NONE;
        } else {
            self.settle_in(id, slot);
        }
        Some(())
    }

    fn settle_in(&mut self, id: Id, slot: u16) {
        let home = &mut self.notes.homes[usize::from(slot)];
        if *home == NONE {
            self.notes.known.push(slot);
        }
        *home = id;
    }

    /// Sets a slot to a value.
    pub(crate) fn set(&mut self, to: u16, id: Id) -> Option<()> {
        let short = |number| i32::try_from(number as i64).ok();
        if let Some(imm) = self.constant(id).and_then(short) {
            self.vacate(to)?;
            self.asm.store_imm(8, slot(to), imm);
            return Some(());
        }
        let reg = self.reg(id)?;
        self.vacate(to)?;
        if self.is_clean(id) {
            self.asm.store(8, slot(to), reg);
            if self.constant(id).is_none() && self.place(id).slot == NONE {
                self.place(id).slot = to;
                self.settle_in(id, to);
            }
        } else {
            self.asm.mov(Size::Dword, RCX, reg);
            self.asm.store(8, slot(to), RCX);
        }
        Some(())
    }

    /// A slot no longer holds the value that it held.
    pub(crate) fn vacate(&mut self, slot: u16) -> Option<()> {
        let id = self.notes.homes[usize::from(slot)];
        if id == NONE || self.place(id).slot != slot {
            return Some(());
        }
        let place = *self.place(id);
        if place.reg.is_none() && place.spare == NONE && self.last(id) > self.now {
            self.reg(id)?;
        }
        self.place(id).slot = NONE;
        Some(())
    }

    /// Before a call: what is wanted afterwards goes where it stays.
    pub(crate) fn shelter(&mut self) -> Option<()> {
        for reg in (0..16).map(Reg) {
            if LOST & self.used & 1 << reg.0 == 0 {
                continue;
            }
            let id = self.owners[usize::from(reg.0)];
            let elsewhere = self.constant(id).is_some() || self.memory(id).is_some();
            if self.last(id) <= self.now || elsewhere {
                continue;
            }
            let free = HOLD & !LOST & !self.used & !self.locked;
            if free == 0 {
                // The arguments are still read from the register.
                self.leave_register(reg)?;
                self.define(id, reg);
            } else {
                let to = Reg(free.trailing_zeros() as u8);
                self.asm.mov(Size::Qword, to, reg);
                self.release(reg);
                self.define(id, to);
            }
        }
        Some(())
    }

    /// Before a call that may write these slots, with its arguments in place: they no longer speak
    /// for values.
    pub(crate) fn give_up_slots(&mut self, slots: Range<u16>) -> Option<()> {
        for at in 0..self.notes.known.len() {
            let slot = self.notes.known[at];
            let id = self.notes.homes[usize::from(slot)];
            if id == NONE || !slots.contains(&slot) || self.place(id).slot != slot {
                continue;
            }
            let place = *self.place(id);
            let lost = place.reg.is_none_or(|reg| LOST & 1 << reg.0 != 0);
            let wanted = self.last(id) > self.now && place.spare == NONE;
            if lost && wanted {
                self.fetch(RSI, id);
                self.spare(id, RSI)?;
            }
            self.place(id).slot = NONE;
        }
        Some(())
    }

    /// Behind a call: what was in registers that it may change is not there any more.
    pub(crate) fn emerge(&mut self) {
        for reg in (0..16).map(Reg) {
            if LOST & self.used & 1 << reg.0 != 0 {
                self.release(reg);
            }
        }
    }
}
