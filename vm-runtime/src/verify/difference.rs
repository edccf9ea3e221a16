//! What is told of a difference between native code and the interpreter.

use vm_core::{Exit, GuestPhys};
use vm_engine_interp::Maker;

use crate::failure::Spot;
use crate::{VerifyStats, Vm};

/// A difference, as it was found; the CPU stands where the block begins.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub cpu: u32,
    pub pc: u64,
    pub retired: u64,
    pub maker: Maker,
    /// Instructions from there to the first state that differs.
    pub insns: u64,
    /// The address of the instruction whose result differs first.
    pub culprit: Option<u64>,
    /// It was seen again when the run was repeated.
    pub repeats: bool,
    pub text: Vec<(u64, String)>,
    pub ir: String,
    pub seen: Seen,
}

/// How two states differ: what the subject has, then what the judge has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub exits: Option<(Exit, Exit)>,
    /// Slots by number; the count of instructions comes last, as if it were one.
    pub slots: Vec<(usize, String, u64, u64)>,
    pub words: Vec<(GuestPhys, u64, u64)>,
}

/// Native code and the interpreter came to different states.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The CPU.
    pub cpu: u32,
    /// Where the block begins; the machine stands there.
    pub block: Spot,
    /// What runs the block: `template`, `block`, `region` or `interpreter`.
    pub tier: &'static str,
    /// Instructions that this CPU had executed before the block, since power-on.
    pub retired: u64,
    /// Instructions from the beginning of the block to the first state that differs.
    pub insns: u64,
    /// The instruction whose result differs first, if one can be named.
    pub culprit: Option<Spot>,
    /// Whether it showed again when the run was repeated. If not, the machine stands where the
    /// run began, and it depends on what translations of code or addresses the engine had.
    pub repeats: bool,
    /// The guest code: addresses and instructions.
    pub code: Vec<(u64, String)>,
    /// The block as intermediate representation.
    pub ir: String,
    /// Why each gave control back, if they differ: native code, the interpreter.
    pub exits: Option<(String, String)>,
    /// Registers that differ: name, in native code, in the interpreter.
    pub registers: Vec<(String, u64, u64)>,
    /// Memory that differs: physical address, eight bytes of each.
    pub memory: Vec<(u64, u64, u64)>,
}

impl Vm {
    /// The difference that ended the run, if one did.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        let found = self.verifier.as_ref()?.ledger().found.clone()?;
        let names = self.names();
        let exits = found.seen.exits;
        Some(Difference {
            cpu: found.cpu,
            block: names.spot(found.pc),
            tier: match found.maker {
                Maker::Handlers => "interpreter",
                Maker::Template => "template",
                Maker::Block => "block",
                Maker::Region => "region",
            },
            retired: found.retired,
            insns: found.insns,
            culprit: found.culprit.map(|pc| names.spot(pc)),
            repeats: found.repeats,
            code: found.text,
            ir: found.ir,
            exits: exits.map(|(one, other)| (format!("{one:?}"), format!("{other:?}"))),
            registers: found
                .seen
                .slots
                .into_iter()
                .map(|(_, name, one, other)| (name, one, other))
                .collect(),
            memory: found
                .seen
                .words
                .into_iter()
                .map(|(at, one, other)| (at.0, one, other))
                .collect(),
        })
    }

    /// How much was verified, if anything is.
    #[must_use]
    pub fn verify_stats(&self) -> Option<VerifyStats> {
        Some(self.verifier.as_ref()?.ledger().stats)
    }
}
