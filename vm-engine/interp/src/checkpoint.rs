//! A CPU between two runs as a value: kept, compared with another one's, and gone back to.

use vm_core::{Access, Answer, Flush, GuestVirt, Vcpu};

use crate::blocks::Key;
use crate::interpreter::{Interpreter, lock};

/// All that a CPU is between two runs, and what it waits for; equal ones go on equally.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checkpoint {
    /// Its slots, in the order of the layout.
    pub slots: Vec<u64>,
    /// Instructions executed since power-on.
    pub retired: u64,
    /// What devices have answered to the instruction at hand.
    answers: Vec<(Access, Answer)>,
    /// What they have not answered yet.
    asked: Option<Access>,
}

/// Who runs a piece of code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Maker {
    /// Handlers: it has no native code.
    Handlers,
    /// Templates.
    Template,
    /// The block compiler.
    Block,
    /// The compiler of regions.
    Region,
}

impl Interpreter {
    /// Writes down what the CPU is now, into memory that was used before.
    pub fn checkpoint(&self, into: &mut Checkpoint) {
        into.slots.clear();
        into.slots
            .extend_from_slice(&self.cpu.words[..self.slow.slots]);
        into.answers.clone_from(&self.slow.answers.0);
        (into.retired, into.asked) = (self.retired, self.asked);
    }

    /// Makes the CPU what one of the same machine was; it finds translations of addresses anew.
    pub fn go_back(&mut self, to: &Checkpoint) {
        self.slots().copy_from_slice(&to.slots);
        self.slow.answers.0.clone_from(&to.answers);
        (self.retired, self.asked) = (to.retired, to.asked);
        self.slow.stops.forget();
        self.slow.flush(Flush::All);
    }

    /// Takes back every right to write to a page without a mark, as has to be done when marks
    /// were taken away; changes nothing else.
    pub fn forget_writes(&mut self) {
        self.slow.tlb.protect_all();
    }

    /// Who would run the code at the program counter.
    #[must_use]
    pub fn maker(&self) -> Maker {
        let slots = &self.cpu.words[..self.slow.slots];
        let frontend = &self.slow.frontend;
        let Some(pc) = slots.get(usize::from(frontend.layout().pc.0)) else {
            return Maker::Handlers;
        };
        let Some(phys) = self.translate(GuestVirt(*pc)).phys else {
            return Maker::Handlers;
        };
        let mode = frontend.context(slots).code;
        lock(&self.shared).blocks.maker(Key {
            phys: phys.0,
            mode,
            single: false,
        })
    }
}
