//! Why there are no symbols.

/// Why there are no symbols.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SymbolError {
    /// A part of an ELF file that is not there or contradicts itself.
    #[error("the ELF file is damaged: {0}")]
    Elf(&'static str),
    /// An ELF file of another kind of machine.
    #[error("the ELF file is not for a 64-bit little-endian machine")]
    NotElf64,
    /// A line of a `System.map` that is not address, type, name.
    #[error("line {line} is not an address, a type and a name")]
    Map {
        /// Its number, from one.
        line: usize,
    },
    /// No kernel with a table of symbols was found.
    #[error("no kernel's table of symbols (kallsyms) was found")]
    NoKallsyms,
    /// There are no symbols in it.
    #[error("there are no symbols in it: it may be stripped")]
    Empty,
    /// There are more symbols than can be kept.
    #[error("there are more than {0} symbols, or their names are too long together")]
    TooMany(usize),
    /// The file is none of the forms that are known.
    #[error("it is neither ELF, nor a System.map, nor a kernel with a table of symbols")]
    Unknown,
}
