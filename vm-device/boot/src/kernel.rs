//! What a file is that somebody calls a kernel.

use std::borrow::Cow;
use std::ops::Range;

use crate::{BootError, container, elf, header};

/// The architecture of a guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Arch {
    /// RISC-V, 64 bits.
    Riscv64,
    /// ARM, 64 bits.
    Arm64,
    /// x86, 64 bits.
    X86_64,
}

impl Arch {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Riscv64 => "riscv64",
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

/// The form of a kernel file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A flat image with the RISC-V Linux header.
    RiscvImage,
    /// A flat image with the ARM64 Linux header.
    Arm64Image,
    /// ELF with physical addresses.
    Elf,
    /// An x86 Linux kernel with its setup code and boot protocol version.
    BzImage(u16),
    /// An EFI program and nothing else.
    Pe,
    /// Bytes without a header.
    Flat,
}

impl Kind {
    /// Where in the file it is written that the file has this form.
    #[must_use]
    pub const fn fact(self) -> &'static str {
        match self {
            Self::RiscvImage => "it has the RISC-V Image header",
            Self::Arm64Image => "it has the ARM64 Image header",
            Self::Elf => "its ELF header says so",
            Self::BzImage(_) => "it has the x86 bzImage header",
            Self::Pe => "its PE header says so",
            Self::Flat => "it has no header",
        }
    }
}

/// What the addresses of a kernel's segments mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addressing {
    /// Addresses on the guest's physical bus.
    Physical,
    /// Distances from a place that the loader chooses.
    Relative,
}

/// A part of the file that goes to memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadSegment {
    /// Where it goes, see [`Addressing`].
    pub addr: u64,
    /// The bytes of the file.
    pub file: Range<usize>,
    /// Its size in memory; what the file does not fill is zeroes.
    pub bytes: u64,
}

/// A kernel, or a firmware, or a bare-metal program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kernel<'a> {
    /// Which architecture it says it is for.
    pub arch: Option<Arch>,
    /// Its form.
    pub kind: Kind,
    /// What its addresses mean.
    pub addressing: Addressing,
    /// What is to be loaded, in the order of the file; nothing for forms that are only
    /// recognised.
    pub segments: Vec<LoadSegment>,
    /// Its first instruction, in the same addressing.
    pub entry: u64,
    /// The place a relative kernel wants, as a distance from the start of RAM.
    pub text_offset: u64,
    /// The file with all containers taken off.
    pub file: Cow<'a, [u8]>,
}

impl<'a> Kernel<'a> {
    /// Unpacks a file, at most `limit` bytes, and finds out what it is.
    pub fn open(file: impl Into<Cow<'a, [u8]>>, limit: u64) -> Result<Self, BootError> {
        Self::parse(container::unpack(file, limit)?)
    }

    /// Finds out what an unpacked file is.
    pub fn parse(file: Cow<'a, [u8]>) -> Result<Self, BootError> {
        if file.is_empty() {
            return Err(BootError::Empty);
        }
        let found = match elf::parse(&file)? {
            Some(found) => found,
            None => header::parse(&file)?,
        };
        Ok(Self {
            arch: found.arch,
            kind: found.kind,
            addressing: found.addressing,
            segments: found.segments,
            entry: found.entry,
            text_offset: found.text_offset,
            file,
        })
    }

    /// Refuses a file that says it is for another architecture.
    pub fn require(&self, wanted: Arch) -> Result<(), BootError> {
        match self.arch {
            Some(found) if found != wanted => Err(BootError::WrongArch {
                found,
                wanted,
                fact: self.kind.fact(),
            }),
            _ => Ok(()),
        }
    }

    /// The addresses from the first segment's begin to the last one's end.
    #[must_use]
    pub fn span(&self) -> Range<u64> {
        let start = self.segments.iter().map(|s| s.addr).min().unwrap_or(0);
        let ends = self.segments.iter().map(|s| s.addr.saturating_add(s.bytes));
        start..ends.max().unwrap_or(0)
    }

    /// Its size in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let span = self.span();
        span.end.saturating_sub(span.start)
    }

    /// The first bytes of the file as hexadecimal digits, for messages.
    #[must_use]
    pub fn first_bytes(&self) -> String {
        let bytes = self.file.iter().take(8);
        let digits: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ")
    }
}

/// What a header said.
pub(crate) struct Found {
    pub arch: Option<Arch>,
    pub kind: Kind,
    pub addressing: Addressing,
    pub segments: Vec<LoadSegment>,
    pub entry: u64,
    pub text_offset: u64,
}

#[cfg(test)]
mod tests;
