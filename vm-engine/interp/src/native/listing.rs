//! How a piece of code was made, step by step, for people.

use vm_ir::text::print;
use vm_ir::{Block, Frontend, Op};

/// How a piece of code was made of blocks of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The blocks; the first is the one that the code is known by.
    pub blocks: Vec<Listed>,
    /// What the code was before it became host code, step by step.
    pub stages: Vec<Stage>,
    /// The host code, if it came so far.
    pub host: Vec<u8>,
    /// What the host code is for, in order; each mark holds up to the next one.
    pub marks: Vec<Mark>,
}

/// A block of the guest's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its number among the blocks that the compiler was given.
    pub member: usize,
    /// Its bytes.
    pub code: Vec<u8>,
    /// Where in those its instructions begin.
    pub insns: Vec<usize>,
}

/// What code is at a step of its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Its language.
    pub name: &'static str,
    /// The text.
    pub lines: Vec<Line>,
}

/// A line of a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The instruction that it was made of, if it is one.
    pub whence: Option<Whence>,
    /// The text.
    pub text: String,
}

/// An instruction of the guest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whence {
    /// The number of its block in the listing.
    pub block: usize,
    /// Its number in the block.
    pub insn: usize,
}

/// A place in host code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where it is.
    pub at: usize,
    /// The instruction that what stands there was made of, if it is one.
    pub whence: Option<Whence>,
    /// What it is for, if not for what the instruction does.
    pub what: Option<&'static str>,
}

/// The name of the stage that [`Listing::add`] writes.
pub const IR: &str = "ir";

impl Listing {
    /// Adds a block, and its operations as the compiler sees them; `code` are its bytes.
    pub fn add(&mut self, member: usize, code: &[u8], block: &Block, frontend: &dyn Frontend) {
        let number = self.blocks.len();
        let mut listed = Listed {
            member,
            code: code.to_vec(),
            insns: Vec::new(),
        };
        let text = print(block, frontend.layout(), frontend.helpers());
        let mut lines = Vec::new();
        // In front stands a line about the block, behind them how it ends.
        for (at, line) in text.lines().skip(1).enumerate() {
            if let Some(marker) = block.insts.get(at).filter(|inst| inst.op == Op::Insn) {
                listed.insns.push(marker.imm as u32 as usize);
                continue;
            }
            let insn = listed.insns.len().checked_sub(1);
            lines.push(Line {
                whence: insn.map(|insn| Whence {
                    block: number,
                    insn,
                }),
                text: line.trim_start().to_owned(),
            });
        }
        self.stage(IR).lines.append(&mut lines);
        self.blocks.push(listed);
    }

    /// A stage by its name, which is made if there is none.
    pub fn stage(&mut self, name: &'static str) -> &mut Stage {
        let known = self.stages.iter().position(|stage| stage.name == name);
        let at = known.unwrap_or_else(|| {
            let lines = Vec::new();
            self.stages.push(Stage { name, lines });
            self.stages.len() - 1
        });
        &mut self.stages[at]
    }

    /// The mark that holds at a place in the host code.
    #[must_use]
    pub fn mark_at(&self, at: usize) -> Option<&Mark> {
        let behind = self.marks.partition_point(|mark| mark.at <= at);
        self.marks.get(behind.checked_sub(1)?)
    }

    /// Puts the marks in order; of several at one place the last that was added holds.
    pub fn sort(&mut self) {
        self.marks.sort_by_key(|mark| mark.at);
        self.marks.reverse();
        self.marks.dedup_by_key(|mark| mark.at);
        self.marks.reverse();
    }
}
