//! A block from its first operation to its last.

use vm_ir::{Effect, Inst, Op};

use crate::body::Body;

impl Body<'_> {
    /// Writes all of it; `None` if something in it is not known here.
    pub(crate) fn write(&mut self) -> Option<()> {
        self.mark(None, Some("entry"));
        self.begin(self.block.insns)?;
        let mut markers = 0u32;
        for (number, inst) in self.block.insts.iter().enumerate() {
            self.now = number as u16;
            if std::mem::take(&mut self.done) {
                continue;
            }
            if inst.op == Op::Insn {
                self.site = markers as u8;
                markers += 1;
                self.mark(Some(self.site), None);
                continue;
            }
            self.inst(inst)?;
            self.settle();
        }
        self.end()
    }

    fn inst(&mut self, inst: &Inst) -> Option<()> {
        let fact = self.notes.facts[usize::from(self.now)];
        // Constants are written where they are used.
        if !matches!(inst.op, Op::Const | Op::Store) {
            self.line = None;
        }
        match inst.op.effect() {
            Effect::Get if inst.op == Op::Get => {
                if fact.uses == 0 {
                    return Some(());
                }
                self.get(self.now, inst.imm as u16)
            }
            Effect::Set if inst.op == Op::Set => self.set(inst.imm as u16, inst.args[0]),
            Effect::Pure => {
                let written_elsewhere = fact.fused || fact.same != self.now;
                if fact.uses == 0 || written_elsewhere {
                    return Some(());
                }
                self.calculate(inst)
            }
            Effect::Memory => self.memory_op(inst),
            Effect::Trap => {
                let question = self.question(inst.args[0])?;
                let cond = self.answer(question);
                if inst.op == Op::SkipIf {
                    let skip = self.asm.jump_if(cond);
                    self.notes.skips.push(skip);
                } else {
                    self.alone_if(cond);
                }
                Some(())
            }
            Effect::Helper => self.helper(inst),
            // Slots chosen at run time, and floats.
            Effect::Get | Effect::Set | Effect::Float => None,
            Effect::Marker => Some(()),
        }
    }
}
