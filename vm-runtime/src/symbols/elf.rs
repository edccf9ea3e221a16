//! Symbols of ELF files: System V ABI, chapter 4, of 64-bit little-endian machines.

use super::SymbolError;
use super::table::{Alias, Collector, Symbols};

const HEADER: usize = 64;
const SECTION_BYTES: u64 = 64;
const SEGMENT_BYTES: u64 = 56;
const SYMBOL_BYTES: usize = 24;

const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const PT_LOAD: u32 = 1;
const SHN_UNDEF: u16 = 0;
const SHN_ABS: u16 = 0xfff1;
const SHF_EXECINSTR: u64 = 4;

/// Types of symbols that are no places in a program.
const STT_SECTION: u8 = 3;
const STT_FILE: u8 = 4;

// LIMIT: linkers make a handful; a file that says more is read no further.
const MAX_SEGMENTS: u64 = 256;

/// What a section header says.
#[derive(Clone, Copy)]
struct Section {
    kind: u32,
    flags: u64,
    offset: u64,
    bytes: u64,
    link: u32,
}

impl Symbols {
    /// Reads the symbol table of an ELF file; without one, the table of its dynamic linker.
    pub fn from_elf(file: &[u8]) -> Result<Self, SymbolError> {
        let header = file
            .get(..HEADER)
            .ok_or(SymbolError::Elf("it ends in its header"))?;
        if header.get(..6) != Some(b"\x7fELF\x02\x01") {
            return Err(SymbolError::NotElf64);
        }
        let sections = sections(file)?;
        let table = [SHT_SYMTAB, SHT_DYNSYM]
            .iter()
            .find_map(|kind| sections.iter().find(|section| section.kind == *kind))
            .ok_or(SymbolError::Empty)?;
        let names = sections
            .get(table.link as usize)
            .ok_or(SymbolError::Elf("the names of its symbols are not there"))?;
        let (rows, names) = (contents(file, table)?, contents(file, names)?);
        let mut symbols = Collector::default();
        // Of several symbols at one place global ones are preferred.
        for wanted in [true, false] {
            for row in rows.chunks_exact(SYMBOL_BYTES) {
                let global = row[4] >> 4 != 0;
                if global == wanted {
                    add(&mut symbols, row, names, &sections)?;
                }
            }
        }
        let mut symbols = symbols.finish()?;
        symbols.aliases = aliases(file);
        Ok(symbols)
    }
}

/// Adds a symbol, if it stands for a place or a number.
fn add(
    symbols: &mut Collector,
    row: &[u8],
    names: &[u8],
    sections: &[Section],
) -> Result<(), SymbolError> {
    let (name, kind) = (u32_at(row, 0), row[4] & 15);
    let (section, addr, bytes) = (u16_at(row, 6), u64_at(row, 8), u64_at(row, 16));
    if section == SHN_UNDEF || matches!(kind, STT_SECTION | STT_FILE) {
        return Ok(());
    }
    let name = names.get(name as usize..).unwrap_or_default();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    // Marks between code and data, and labels of compilers.
    if name.is_empty() || name.starts_with(b"$") || name.starts_with(b".L") {
        return Ok(());
    }
    let code = sections
        .get(usize::from(section))
        .is_some_and(|section| section.flags & SHF_EXECINSTR != 0);
    let letter = match (section, code) {
        (SHN_ABS, _) => b'A',
        (_, true) => b'T',
        (_, false) => b'D',
    };
    let global = row[4] >> 4 != 0;
    let letter = if global {
        letter
    } else {
        letter.to_ascii_lowercase()
    };
    symbols.add(addr, bytes, letter, name)
}

/// The section headers.
fn sections(file: &[u8]) -> Result<Vec<Section>, SymbolError> {
    let (table, entry) = (u64_at(file, 40), u64::from(u16_at(file, 58)));
    let count = u64::from(u16_at(file, 60));
    if count == 0 {
        return Err(SymbolError::Empty);
    }
    if entry != SECTION_BYTES {
        return Err(SymbolError::Elf("its section headers have an odd size"));
    }
    let section = |index| {
        let at = usize::try_from(table.checked_add(index * SECTION_BYTES)?).ok()?;
        let header = file.get(at..)?.get(..SECTION_BYTES as usize)?;
        Some(Section {
            kind: u32_at(header, 4),
            flags: u64_at(header, 8),
            offset: u64_at(header, 24),
            bytes: u64_at(header, 32),
            link: u32_at(header, 40),
        })
    };
    let all: Option<Vec<_>> = (0..count).map(section).collect();
    all.ok_or(SymbolError::Elf("it ends in its section headers"))
}

fn contents<'a>(file: &'a [u8], section: &Section) -> Result<&'a [u8], SymbolError> {
    let start = usize::try_from(section.offset).ok();
    let bytes = usize::try_from(section.bytes).ok();
    start
        .zip(bytes)
        .and_then(|(start, bytes)| file.get(start..)?.get(..bytes))
        .ok_or(SymbolError::Elf("it ends in its symbols"))
}

/// Segments that are loaded elsewhere than they are linked: there they run first.
fn aliases(file: &[u8]) -> Vec<Alias> {
    let (table, entry) = (u64_at(file, 32), u64::from(u16_at(file, 54)));
    let count = u64::from(u16_at(file, 56)).min(MAX_SEGMENTS);
    if entry != SEGMENT_BYTES {
        return Vec::new();
    }
    let alias = |index| {
        let at = usize::try_from(table.checked_add(index * SEGMENT_BYTES)?).ok()?;
        let header = file.get(at..)?.get(..SEGMENT_BYTES as usize)?;
        let (virt, phys, bytes) = (u64_at(header, 16), u64_at(header, 24), u64_at(header, 40));
        let moved = u32_at(header, 0) == PT_LOAD && virt != phys && bytes != 0;
        moved.then(|| Alias {
            from: phys..phys.saturating_add(bytes),
            addend: virt.wrapping_sub(phys),
        })
    };
    (0..count).filter_map(alias).collect()
}

/// Numbers out of files; what is behind the end is zero.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
