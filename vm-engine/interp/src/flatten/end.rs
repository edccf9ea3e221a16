//! How a block ends, in flat form: comparisons and address arithmetic become parts of the exit.

use vm_ir::{Block, End, Frontend, Id, Op, Type};

use super::draft::{Draft, Kind};
use super::{Flattener, TooLarge, value_type};
use crate::control::Control;
use crate::flat::{A, B, D, Flat};
use crate::handlers::Arithmetic;
use crate::memory::Memory;

impl Flattener {
    pub(super) fn end(&mut self, block: &Block, frontend: &dyn Frontend) -> Result<(), TooLarge> {
        let zero = self.zero;
        match block.end {
            End::Goto(at) => self.exit(Control::Goto, at),
            End::Next(at) => self.exit(Control::Next, at),
            End::Leave => {
                let pc = u64::from(frontend.layout().pc.0);
                self.emit(Kind::Control(Control::Leave), [zero; 4], pc);
            }
            End::Branch { cond, taken, fall } => {
                self.branch(block, cond)?;
                self.exit(Control::Goto, taken);
                self.exit(Control::Goto, fall);
            }
            End::Jump { target, .. } => self.jump(target)?,
            End::Trap { cause, value } => {
                let word = self.word_of(value)?;
                self.emit(
                    Kind::Control(Control::Trap),
                    [zero, word, zero, zero],
                    u64::from(cause),
                );
            }
        }
        Ok(())
    }

    /// Adds the exit that skips lead to, if there are any.
    pub(super) fn skips(&mut self, block: &Block) {
        let behind = self.drafts.len();
        let mut skips = false;
        for (at, draft) in self.drafts.iter_mut().enumerate() {
            if draft.kind == Kind::Memory(Memory::SkipIf) {
                (draft.imm, skips) = ((behind - at) as u64, true);
            }
        }
        if skips {
            self.exit(Control::Goto, i64::from(block.bytes));
        }
    }

    /// A comparison that only the branch reads becomes a part of it.
    fn branch(&mut self, block: &Block, cond: Id) -> Result<(), TooLarge> {
        let zero = self.zero;
        let word = self.word_of(cond)?;
        let last = self.drafts.last().copied();
        if let Some(Draft {
            kind: Kind::Arithmetic(Arithmetic::Binary { op, ty, imm, .. }),
            words,
            imm: constant,
        }) = last
            && words[D] == word
            && word > zero
            && self.uses[usize::from(cond)] == 1
            && self
                .sites
                .last()
                .is_none_or(|site| usize::from(site.flat) < self.drafts.len())
            && value_type(block, cond) == Type::I1
            && let kind @ Control::Branch { .. } = (Control::Branch { op, ty, imm })
            && kind.handler().is_some()
        {
            self.drafts.pop();
            self.emit(
                Kind::Control(kind),
                [zero, words[A], words[B], zero],
                constant,
            );
            return Ok(());
        }
        self.emit(
            Kind::Control(Control::BranchWord),
            [zero, word, zero, zero],
            0,
        );
        Ok(())
    }

    /// `(word + constant) & !1` becomes a part of the jump.
    fn jump(&mut self, target: Id) -> Result<(), TooLarge> {
        let zero = self.zero;
        let (mut word, mut even, mut offset) = (self.word_of(target)?, false, 0);
        if self.uses[usize::from(target)] == 1
            && let Some((from, constant)) = self.take_binary(Op::And, word, |c| c == !1)
        {
            debug_assert_eq!(constant, !1, "as asked for");
            (word, even) = (from, true);
            if let Some((from, constant)) = self.take_binary(Op::Add, word, |_| true) {
                (word, offset) = (from, constant);
            }
        }
        self.emit(
            Kind::Control(Control::Jump { even }),
            [zero, word, zero, zero],
            offset,
        );
        Ok(())
    }

    /// Takes out the operation with a constant that made a temporary which nobody else reads, if
    /// what stands behind it does not write its operand; the operand's word and the constant.
    fn take_binary(
        &mut self,
        wanted: Op,
        word: u16,
        accept: impl Fn(u64) -> bool,
    ) -> Option<(u16, u64)> {
        if word <= self.zero {
            return None;
        }
        let at = self
            .drafts
            .iter()
            .rposition(|draft| draft.words[D] == word && draft.writes())?;
        let Draft {
            kind: Kind::Arithmetic(kind),
            words,
            imm,
        } = self.drafts[at]
        else {
            return None;
        };
        let Arithmetic::Binary {
            op,
            ty: Type::I64,
            imm: true,
            ..
        } = kind
        else {
            return None;
        };
        let behind = &self.drafts[at + 1..];
        let free = behind.iter().all(|draft| {
            matches!(draft.kind, Kind::Arithmetic(_))
                && draft.words[D] != words[A]
                && !draft.words[1..].contains(&word)
        });
        let starts_insn = self
            .sites
            .last()
            .is_none_or(|site| usize::from(site.flat) > at);
        if op != wanted || !accept(imm) || !free || starts_insn {
            return None;
        }
        self.drafts.remove(at);
        Some((words[A], imm))
    }

    fn exit(&mut self, kind: Control, distance: i64) {
        self.emit(Kind::Control(kind), Flat::pack_distance(distance), 0);
    }
}
