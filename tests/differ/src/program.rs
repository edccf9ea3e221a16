//! A program for judge and engine, and what is known of its parts.

use std::collections::BTreeMap;

/// A run of random encodings.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Where its first random encoding stands in the code.
    pub start: usize,
    /// Where the code that stores the registers begins.
    pub end: usize,
}

/// Encodings that were drawn but left out: how many, by reason.
pub type Exclusions = BTreeMap<&'static str, u64>;

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// The machine's number in ELF files.
    pub elf_machine: u16,
    /// The machine's flags in ELF files.
    pub elf_flags: u32,
    /// Where the code stands, and where it begins to run; a multiple of a page.
    pub code_addr: u64,
    /// The code.
    pub code: Vec<u8>,
    /// The place of the first system call in the code.
    pub call: usize,
    /// Where the data stands; a multiple of a page.
    pub data_addr: u64,
    /// The data.
    pub data: Vec<u8>,
    /// The part of the data that is written to standard output at the end: place and length.
    pub output: (usize, usize),
    /// What the fields of a sequence's record are, in order; each has eight bytes. The records
    /// stand at the start of the output, one for each sequence.
    pub record: Vec<String>,
    /// The sequences.
    pub sequences: Vec<Sequence>,
    /// How many random encodings there are.
    pub encodings: u64,
    /// What was left out.
    pub excluded: Exclusions,
}

impl Program {
    /// Where the program writes its output: its first system call.
    #[must_use]
    pub fn call_addr(&self) -> u64 {
        self.code_addr + self.call as u64
    }
}
