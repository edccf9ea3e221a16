//! From IR to flat code: values become words, `get` and `set` disappear into operands, and
//! common groups of operations become one op.

mod draft;
mod effects;
mod end;
mod tell;

use draft::Draft;
pub use draft::Kind;
use vm_ir::block::NONE;
use vm_ir::{Block, Effect, End, Frontend, Id, Inst, Op, Order, Type};

use crate::cpu::WORDS;
use crate::flat::{A, B, C, D, Flat, Site};
use crate::handlers::Arithmetic;
use crate::memory::Memory;

/// Why a block can not be made flat as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Not made yet, or never.
    Nowhere,
    /// Known.
    Const(u64),
    /// In a word; bits above the given type may be dirt.
    Word(u16, Type),
    /// In a word whose upper bits are dirt down to the value's own type.
    Dirty(u16),
}

/// Makes flat code; kept from block to block for its memory.
#[derive(Default)]
pub struct Flattener {
    drafts: Vec<Draft>,
    sites: Vec<Site>,
    places: Vec<Place>,
    uses: Vec<u16>,
    /// Values that still stand in a slot that could be overwritten.
    aliases: Vec<(Id, u16)>,
    zero: u16,
    fresh: u16,
}

impl Flattener {
    /// Makes a block flat; see [`Flattener::ops`] and [`Flattener::sites`].
    pub fn flatten(&mut self, block: &Block, frontend: &dyn Frontend) -> Result<(), TooLarge> {
        let slots = frontend.layout().slots.len() as u16;
        self.start(block, slots);
        for (id, inst) in block.insts.iter().enumerate() {
            self.inst(block, id as Id, inst, frontend)?;
        }
        self.end(block, frontend)?;
        self.skips(block);
        Ok(())
    }

    /// The ops of the block that was made flat last.
    pub fn ops(&self) -> impl ExactSizeIterator<Item = Flat> {
        let drafts = self.drafts.iter().enumerate();
        drafts.map(|(at, draft)| draft.finish(self.drafts.get(at + 1)))
    }

    /// Where its instructions begin.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn start(&mut self, block: &Block, slots: u16) {
        self.drafts.clear();
        self.sites.clear();
        self.aliases.clear();
        self.places.clear();
        self.places.resize(block.insts.len(), Place::Nowhere);
        self.uses.clear();
        self.uses.resize(block.insts.len(), 0);
        (self.zero, self.fresh) = (slots, slots + 1);
        for inst in &block.insts {
            for id in inst.operands() {
                self.uses[usize::from(id)] += 1;
            }
        }
        match block.end {
            End::Branch { cond: id, .. }
            | End::Jump { target: id, .. }
            | End::Trap { value: id, .. } => {
                self.uses[usize::from(id)] += 1;
            }
            End::Goto(_) | End::Next(_) | End::Leave => {}
        }
    }

    fn inst(
        &mut self,
        block: &Block,
        id: Id,
        inst: &Inst,
        frontend: &dyn Frontend,
    ) -> Result<(), TooLarge> {
        let shape = inst.op.shape();
        match inst.op {
            Op::Insn => {
                let (flat, offset) = (self.drafts.len() as u16, inst.imm as u16);
                self.sites.push(Site { flat, offset });
            }
            Op::Get => {
                let slot = inst.imm as u16;
                self.places[usize::from(id)] = Place::Dirty(slot);
                if inst.ty == Type::I64 {
                    self.places[usize::from(id)] = Place::Word(slot, Type::I64);
                }
                self.aliases.push((id, slot));
            }
            Op::Set => self.set(block, inst)?,
            Op::Const => self.places[usize::from(id)] = Place::Const(inst.imm & inst.ty.mask()),
            Op::Trunc => self.trunc(id, inst)?,
            Op::Zext => self.zext(block, id, inst)?,
            Op::Sext => self.sext(block, id, inst)?,
            _ if shape.effect == Effect::Pure && inst.op != Op::FClass => {
                self.pure(block, id, inst)?;
            }
            _ => self.effect(block, id, inst, frontend)?,
        }
        Ok(())
    }

    /// Cutting costs nothing: whoever reads the value ignores what stands above its type.
    fn trunc(&mut self, id: Id, inst: &Inst) -> Result<(), TooLarge> {
        let from = inst.args[0];
        match self.places[usize::from(from)] {
            Place::Const(value) => {
                self.places[usize::from(id)] = Place::Const(value & inst.ty.mask());
            }
            Place::Word(word, _) | Place::Dirty(word) if self.may_share(from, word) => {
                self.share(id, from, Place::Dirty(word));
            }
            _ => self.masked(id, from, inst.ty)?,
        }
        self.release(from);
        Ok(())
    }

    fn zext(&mut self, block: &Block, id: Id, inst: &Inst) -> Result<(), TooLarge> {
        let from = inst.args[0];
        let from_ty = value_type(block, from);
        match self.places[usize::from(from)] {
            Place::Const(value) => self.places[usize::from(id)] = Place::Const(value),
            Place::Word(word, clean) if clean <= from_ty && self.may_share(from, word) => {
                self.share(id, from, Place::Word(word, clean));
            }
            _ => self.masked(id, from, from_ty)?,
        }
        self.release(from);
        Ok(())
    }

    /// A copy of a value, with nothing above its type.
    fn masked(&mut self, id: Id, from: Id, ty: Type) -> Result<(), TooLarge> {
        let (a, d) = (self.word_of(from)?, self.temp()?);
        self.emit(Kind::Arithmetic(Arithmetic::Mask), [d, a, 0, 0], ty.mask());
        self.places[usize::from(id)] = Place::Word(d, ty);
        Ok(())
    }

    /// Whether a word may get a second name: a slot always, a temporary only if the first name is
    /// not needed any more, so that a temporary never has two.
    fn may_share(&self, from: Id, word: u16) -> bool {
        word < self.zero || self.uses[usize::from(from)] == 1
    }

    fn sext(&mut self, block: &Block, id: Id, inst: &Inst) -> Result<(), TooLarge> {
        let from = inst.args[0];
        let from_ty = value_type(block, from);
        if let Place::Const(value) = self.places[usize::from(from)] {
            let value = from_ty.sign_extend(value) & inst.ty.mask();
            self.places[usize::from(id)] = Place::Const(value);
            self.release(from);
            return Ok(());
        }
        let word = self.word_of(from)?;
        if inst.ty == Type::I64 && self.uses[usize::from(from)] == 1 && self.sign_last(word) {
            self.places[usize::from(id)] = Place::Word(word, Type::I64);
            self.uses[usize::from(from)] = 0;
            return Ok(());
        }
        self.release(from);
        let d = self.temp()?;
        let kind = Arithmetic::Sext {
            from: from_ty,
            to: inst.ty,
        };
        self.emit(Kind::Arithmetic(kind), [d, word, 0, 0], 0);
        self.places[usize::from(id)] = Place::Word(d, inst.ty);
        Ok(())
    }

    /// Lets the last op extend the sign of its result, if it made `word` as a temporary.
    fn sign_last(&mut self, word: u16) -> bool {
        let zero = self.zero;
        let Some(last) = self.drafts.last_mut() else {
            return false;
        };
        if last.words[D] != word || word <= zero {
            return false;
        }
        match &mut last.kind {
            Kind::Arithmetic(Arithmetic::Binary {
                ty: Type::I32,
                sext,
                ..
            }) => *sext = true,
            Kind::Memory(Memory::Load { sext, ty }) if *ty != Type::I64 => *sext = true,
            _ => return false,
        }
        true
    }

    fn pure(&mut self, block: &Block, id: Id, inst: &Inst) -> Result<(), TooLarge> {
        let args = &inst.args[..inst.operands().count()];
        if let Some(value) = self.known(inst, args) {
            for arg in args {
                self.release(*arg);
            }
            self.places[usize::from(id)] = Place::Const(value);
            return Ok(());
        }
        let (mut words, mut imm) = ([0, self.zero, self.zero, self.zero], inst.imm);
        let kind = match inst.op {
            Op::Pc => Arithmetic::Pc,
            Op::Extract => {
                // The field of a cut value ends where the value ends.
                let (at, bits) = (imm & 255, imm >> 8);
                imm = at | bits.min(u64::from(inst.ty.bits()).saturating_sub(at)) << 8;
                Arithmetic::Extract
            }
            Op::Deposit => Arithmetic::Deposit,
            op if args.len() <= 2 => {
                let swap = commutes(op) && self.constant(args[0]).is_some();
                let (first, other) = match (args, swap) {
                    ([a], _) => (*a, None),
                    ([a, b, ..], false) => (*a, Some(*b)),
                    ([a, b, ..], true) => (*b, Some(*a)),
                    ([], _) => unreachable!("an operation without operands is known or is `pc`"),
                };
                words[A] = self.word_of(first)?;
                let constant = other.and_then(|other| self.constant(other));
                match (other, constant) {
                    (_, Some(value)) => imm = value,
                    (Some(other), None) => words[B] = self.word_of(other)?,
                    (None, None) => {}
                }
                let kind = Arithmetic::Binary {
                    op,
                    ty: inst.ty,
                    imm: constant.is_some(),
                    sext: false,
                };
                return self.result(block, id, inst, kind, words, imm, args);
            }
            op => Arithmetic::Ternary { op, ty: inst.ty },
        };
        for (place, arg) in [A, B, C].into_iter().zip(args) {
            words[place] = self.word_of(*arg)?;
        }
        self.result(block, id, inst, kind, words, imm, args)
    }

    fn result(
        &mut self,
        block: &Block,
        id: Id,
        inst: &Inst,
        kind: Arithmetic,
        mut words: [u16; 4],
        imm: u64,
        args: &[Id],
    ) -> Result<(), TooLarge> {
        for arg in args {
            self.release(*arg);
        }
        words[D] = self.temp()?;
        self.emit(Kind::Arithmetic(kind), words, imm);
        let ty = value_type(block, id);
        let clean = !matches!(inst.op, Op::Deposit);
        self.places[usize::from(id)] = if clean {
            Place::Word(words[D], ty)
        } else {
            Place::Dirty(words[D])
        };
        if inst.ty == Type::I64 {
            self.places[usize::from(id)] = Place::Word(words[D], ty);
        }
        Ok(())
    }

    fn set(&mut self, block: &Block, inst: &Inst) -> Result<(), TooLarge> {
        let (slot, value) = (inst.imm as u16, inst.args[0]);
        self.save_aliases(Some((slot, value)))?;
        match self.places[usize::from(value)] {
            Place::Const(constant) => {
                self.emit(
                    Kind::Arithmetic(Arithmetic::Const),
                    [slot, 0, 0, 0],
                    constant,
                );
            }
            Place::Word(word, clean) if clean <= inst.ty => {
                if word != slot
                    && !(self.uses[usize::from(value)] == 1 && self.retarget(word, slot))
                {
                    let mask = u64::MAX;
                    self.emit(Kind::Arithmetic(Arithmetic::Mask), [slot, word, 0, 0], mask);
                }
            }
            _ => {
                let word = self.word_of(value)?;
                let mask = value_type(block, value).mask();
                self.emit(Kind::Arithmetic(Arithmetic::Mask), [slot, word, 0, 0], mask);
            }
        }
        self.release(value);
        Ok(())
    }

    /// Lets the op that made a temporary write the slot instead, if nothing in between minds.
    ///
    /// An op that may stop must find the slot as it was, and an op that reads the slot must read
    /// the old value, so only ops that do neither may stand in between.
    fn retarget(&mut self, word: u16, slot: u16) -> bool {
        if word <= self.zero {
            return false;
        }
        for draft in self.drafts.iter_mut().rev().take(4) {
            if draft.words[D] == word && draft.writes() {
                draft.words[D] = slot;
                return true;
            }
            // A slot chosen at run time may be this one.
            let any = matches!(
                draft.kind,
                Kind::Arithmetic(Arithmetic::GetAt | Arithmetic::SetAt)
            );
            let stops = any || matches!(draft.kind, Kind::Memory(_));
            let reads = draft.words[1..]
                .iter()
                .any(|read| *read == slot || *read == word);
            if stops || reads || draft.words[D] == slot {
                return false;
            }
        }
        false
    }

    /// Copies values that stand in a slot about to be overwritten to temporaries; all slots if
    /// `which` is `None`. The value that is about to be written needs no copy for itself.
    fn save_aliases(&mut self, which: Option<(u16, Id)>) -> Result<(), TooLarge> {
        let mut kept = std::mem::take(&mut self.aliases);
        for (id, slot) in &kept {
            let concerned = which.is_none_or(|(written, _)| written == *slot);
            let own =
                which.is_some_and(|(_, value)| value == *id) && self.uses[usize::from(*id)] == 1;
            if !concerned || own || self.uses[usize::from(*id)] == 0 {
                continue;
            }
            let d = self.temp()?;
            self.emit(
                Kind::Arithmetic(Arithmetic::Mask),
                [d, *slot, 0, 0],
                u64::MAX,
            );
            let place = &mut self.places[usize::from(*id)];
            *place = match *place {
                Place::Word(_, clean) => Place::Word(d, clean),
                _ => Place::Dirty(d),
            };
        }
        kept.retain(|(id, slot)| {
            let concerned = which.is_none_or(|(written, _)| written == *slot);
            !concerned && self.uses[usize::from(*id)] > 0
        });
        self.aliases = kept;
        Ok(())
    }

    fn emit(&mut self, kind: Kind, words: [u16; 4], imm: u64) {
        self.drafts.push(Draft { kind, words, imm });
    }

    /// The result of a pure operation, if all operands are known.
    fn known(&self, inst: &Inst, args: &[Id]) -> Option<u64> {
        let mut values = [0; 3];
        for (value, arg) in values.iter_mut().zip(args) {
            *value = self.constant(*arg)?;
        }
        inst.op.eval_imm(inst.ty, inst.ty, values, inst.imm)
    }

    fn constant(&self, id: Id) -> Option<u64> {
        match self.places[usize::from(id)] {
            Place::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The word a value is in; a constant is put into one.
    fn word_of(&mut self, id: Id) -> Result<u16, TooLarge> {
        match self.places[usize::from(id)] {
            Place::Word(word, _) | Place::Dirty(word) => Ok(word),
            Place::Const(0) => Ok(self.zero),
            Place::Const(value) => {
                let d = self.temp()?;
                self.emit(Kind::Arithmetic(Arithmetic::Const), [d, 0, 0, 0], value);
                self.places[usize::from(id)] = Place::Word(d, Type::I64);
                Ok(d)
            }
            Place::Nowhere => unreachable!("the verifier refuses uses before definitions"),
        }
    }

    /// Makes a value another name of one that is there already.
    fn share(&mut self, id: Id, from: Id, place: Place) {
        self.places[usize::from(id)] = place;
        if let Some((_, slot)) = self.aliases.iter().find(|(alias, _)| *alias == from) {
            let slot = *slot;
            self.aliases.push((id, slot));
        }
    }

    fn release(&mut self, id: Id) {
        let uses = &mut self.uses[usize::from(id)];
        *uses = uses.saturating_sub(1);
    }

    fn temp(&mut self) -> Result<u16, TooLarge> {
        if usize::from(self.fresh) >= WORDS {
            return Err(TooLarge);
        }
        self.fresh += 1;
        Ok(self.fresh - 1)
    }
}

/// The type of a value.
fn value_type(block: &Block, id: Id) -> Type {
    let inst = &block.insts[usize::from(id)];
    inst.op.shape().result.of(inst.ty).unwrap_or(inst.ty)
}

fn commutes(op: Op) -> bool {
    matches!(
        op,
        Op::Add
            | Op::Mul
            | Op::MulHu
            | Op::MulHs
            | Op::And
            | Op::Or
            | Op::Xor
            | Op::Eq
            | Op::Ne
            | Op::MinU
            | Op::MinS
            | Op::MaxU
            | Op::MaxS
            | Op::ClMul
            | Op::ClMulH
            | Op::ClMulR
    )
}

const _: () = assert!(
    NONE == Id::MAX && Order::Relaxed as u8 == 0,
    "as the packed forms assume"
);
