//! String instructions. A repeated one is a block that branches to itself: each iteration counts
//! as one instruction, and so does finding that none is left to do.

use iced_x86::{OpKind, Register};
use vm_ir::Type::{I32, I64};
use vm_ir::{Type, Val};

use super::Lift;
use super::operand::{Place, part};
use crate::slots::{self, DF, ZF};

impl<'a> Lift<'a> {
    /// Whether addresses and the counter have 32 bits.
    fn string_type(&self) -> Type {
        let narrow = (0..self.insn.op_count()).any(|i| {
            matches!(
                self.insn.op_kind(i),
                OpKind::MemorySegESI | OpKind::MemoryESEDI
            )
        });
        if narrow { I32 } else { I64 }
    }

    fn element(&self) -> Type {
        super::type_of(self.insn.memory_size().size())
    }

    fn index(&self, register: Register) -> Val<'a> {
        self.register(part(register, self.string_type()))
    }

    /// Where the source is: it may have a segment.
    fn source(&self) -> Place<'a> {
        let addr = self.index(Register::RSI).zext(I64);
        let base = match self.insn.memory_segment() {
            Register::FS => Some(slots::FS_BASE),
            Register::GS => Some(slots::GS_BASE),
            _ => None,
        };
        self.at(base.map_or(addr, |base| addr + self.get(I64, base)))
    }

    fn destination(&self) -> Place<'a> {
        self.at(self.index(Register::RDI).zext(I64))
    }

    /// Moves an index register by one element.
    fn advance(&self, register: Register) {
        let (ty, bytes) = (self.string_type(), self.element().bytes());
        let up = self.constant(ty, bytes);
        let down = self.constant(ty, bytes.wrapping_neg());
        let step = self.select(self.flag(DF), down, up);
        let value = self.index(register) + step;
        self.set_register(part(register, ty), value);
    }

    /// Does the body as often as the prefix says.
    fn repeated(&self, body: impl FnOnce()) {
        if !self.is_repeated() {
            return body();
        }
        let left = self.count_left();
        body();
        self.count_down(left, None);
    }

    /// As [`Lift::repeated`], for comparisons: these end when ZF is not what the prefix names.
    fn repeated_while(&self, body: impl FnOnce() -> Val<'a>) {
        if !self.is_repeated() {
            body();
            return;
        }
        let left = self.count_left();
        let equal = body();
        let on = if self.insn.has_repne_prefix() {
            !equal
        } else {
            equal
        };
        self.count_down(left, Some(on));
    }

    fn is_repeated(&self) -> bool {
        self.insn.has_rep_prefix() || self.insn.has_repne_prefix()
    }

    fn count_left(&self) -> Val<'a> {
        let left = self.index(Register::RCX);
        self.out.skip_if(self.is_zero(left));
        left - 1
    }

    fn count_down(&self, left: Val<'a>, on: Option<Val<'a>>) {
        self.set_register(part(Register::RCX, left.ty), left);
        let more = self.is_set(left);
        self.out.branch(on.map_or(more, |on| more & on), 0);
    }

    /// MOVS.
    pub fn move_string(&self) {
        self.repeated(|| {
            let value = self.load(self.source(), self.element());
            self.store(self.destination(), value);
            self.advance(Register::RSI);
            self.advance(Register::RDI);
        });
    }

    /// STOS.
    pub fn store_string(&self) {
        self.repeated(|| {
            self.store(self.destination(), self.accumulator(self.element()));
            self.advance(Register::RDI);
        });
    }

    /// LODS.
    pub fn load_string(&self) {
        self.repeated(|| {
            let value = self.load(self.source(), self.element());
            self.set_accumulator(value);
            self.advance(Register::RSI);
        });
    }

    /// SCAS.
    pub fn scan_string(&self) {
        self.repeated_while(|| {
            let value = self.load(self.destination(), self.element());
            let wanted = self.accumulator(self.element());
            self.advance(Register::RDI);
            self.compare(wanted, value);
            self.flag(ZF)
        });
    }

    /// CMPS.
    pub fn compare_string(&self) {
        self.repeated_while(|| {
            let a = self.load(self.source(), self.element());
            let b = self.load(self.destination(), self.element());
            self.advance(Register::RSI);
            self.advance(Register::RDI);
            self.compare(a, b);
            self.flag(ZF)
        });
    }
}
