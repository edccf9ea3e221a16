//! A flat op before its handler is chosen.

use crate::control::Control;
use crate::flat::{Flat, Handler};
use crate::handlers::Arithmetic;
use crate::memory::Memory;
use crate::pairs;

/// A flat op before its handler is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Arithmetic(Arithmetic),
    Memory(Memory),
    Control(Control),
}

impl Kind {
    /// The handler that runs it alone.
    pub fn handler(self) -> Option<Handler> {
        match self {
            Self::Arithmetic(kind) => kind.handler(),
            Self::Memory(kind) => kind.handler(),
            Self::Control(kind) => kind.handler(),
        }
    }
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
            Kind::Memory(Memory::Store { .. } | Memory::TrapIf | Memory::SkipIf)
            | Kind::Control(_) => false,
            Kind::Memory(Memory::Special { op, .. }) => op.has_result(),
            Kind::Memory(_) => true,
        }
    }

    /// The op with its handler: that of the pair that it makes with the next one, if there is
    /// such a pair, else its own.
    pub fn finish(&self, next: Option<&Self>) -> Flat {
        let pair = next.and_then(|next| pairs::handler(self.kind, next.kind));
        let Some(run) = pair.or_else(|| self.kind.handler()) else {
            unreachable!("every operation of the table has a handler");
        };
        Flat {
            run,
            words: self.words,
            imm: self.imm,
        }
    }
}
