//! A flat op before its handler is chosen.

use crate::control::Control;
use crate::flat::Flat;
use crate::handlers::Arithmetic;
use crate::memory::Memory;

/// A flat op before its handler is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Arithmetic(Arithmetic),
    Memory(Memory),
    Control(Control),
}

/// One flat op to be.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// What it does.
    pub kind: Kind,
    /// Its words.
    pub words: [u16; 4],
    /// Its constant.
    pub imm: u64,
}

impl Draft {
    /// Whether it writes the word `D`.
    pub fn writes(&self) -> bool {
        match self.kind {
            Kind::Arithmetic(kind) => kind != Arithmetic::SetAt,
            Kind::Memory(Memory::Store { .. } | Memory::TrapIf) | Kind::Control(_) => false,
            Kind::Memory(Memory::Special { op, .. }) => op.has_result(),
            Kind::Memory(_) => true,
        }
    }

    /// The op with its handler.
    pub fn finish(&self) -> Flat {
        let handler = match self.kind {
            Kind::Arithmetic(kind) => kind.handler(),
            Kind::Memory(kind) => kind.handler(),
            Kind::Control(kind) => kind.handler(),
        };
        let Some(run) = handler else {
            unreachable!("every operation of the table has a handler");
        };
        Flat {
            run,
            words: self.words,
            imm: self.imm,
        }
    }
}
