//! An ELF file with nothing but symbols, for debuggers.

use super::Symbols;

const HEADER: u64 = 64;
const SECTION_BYTES: u64 = 64;

const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;

/// Names of sections; where each begins.
const NAMES: &[u8] = b"\0.text\0.symtab\0.strtab\0.shstrtab\0";
const TEXT: u32 = 1;
const SYMTAB: u32 = 7;
const STRTAB: u32 = 15;
const SHSTRTAB: u32 = 23;

/// Bytes, little-endian.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn half(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn word(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn long(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A section header: name, type, flags, address, place in the file, size, link, info, entry.
    fn section(&mut self, words: [u32; 2], longs: [u64; 4], link: [u32; 2], ends: [u64; 2]) {
        self.word(words[0]).word(words[1]);
        for long in longs {
            self.long(long);
        }
        self.word(link[0]).word(link[1]);
        for end in ends {
            self.long(end);
        }
    }
}

impl Symbols {
    /// An ELF file with these symbols at their addresses in the guest, for a debugger's
    /// `symbol-file`; `machine` is the number of the architecture in ELF.
    ///
    /// All of them are in one section without contents: the debugger reads the guest's memory.
    #[must_use]
    pub fn to_elf(&self, machine: u16) -> Vec<u8> {
        let span = self.linked_span();
        let start = span.start.wrapping_add(self.slide());
        let (table, names, locals) = self.elf_table();
        let table_at = HEADER;
        let names_at = table_at + table.len() as u64;
        let section_names_at = names_at + names.len() as u64;
        let sections_at = (section_names_at + NAMES.len() as u64).next_multiple_of(8);

        let mut out = Bytes::default();
        out.0.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        // An executable, without entry and without segments.
        out.half(2).half(machine).word(1).long(0).long(0);
        out.long(sections_at).word(0);
        out.half(HEADER as u16).half(0).half(0);
        out.half(SECTION_BYTES as u16).half(5).half(4);
        out.0.extend(&table);
        out.0.extend(&names);
        out.0.extend(NAMES);
        out.0.resize(sections_at as usize, 0);

        out.section([0, 0], [0; 4], [0; 2], [0; 2]);
        // Writable, in memory, executable.
        let bytes = span.end - span.start;
        out.section(
            [TEXT, SHT_NOBITS],
            [7, start, HEADER, bytes],
            [0; 2],
            [4, 0],
        );
        let contents = [0, 0, table_at, table.len() as u64];
        out.section([SYMTAB, SHT_SYMTAB], contents, [3, locals], [8, 24]);
        let contents = [0, 0, names_at, names.len() as u64];
        out.section([STRTAB, SHT_STRTAB], contents, [0; 2], [1, 0]);
        let contents = [0, 0, section_names_at, NAMES.len() as u64];
        out.section([SHSTRTAB, SHT_STRTAB], contents, [0; 2], [1, 0]);
        out.0
    }

    /// The symbol table, the names, and the number of the first global symbol.
    fn elf_table(&self) -> (Vec<u8>, Vec<u8>, u32) {
        let (mut table, mut names) = (Bytes(vec![0; 24]), vec![0]);
        let mut locals = 1;
        // Local symbols stand before global ones.
        for local in [true, false] {
            let wanted = |symbol: &super::Symbol| symbol.kind.is_ascii_lowercase() == local;
            for symbol in self.iter().filter(wanted) {
                let function = matches!(symbol.kind, 't' | 'T' | 'w' | 'W');
                let kind = if function { 2 } else { 1 };
                let bind = if local { 0 } else { 0x10 };
                let section = if matches!(symbol.kind, 'a' | 'A') {
                    0xfff1
                } else {
                    1
                };
                table.word(names.len() as u32);
                table.0.extend([bind | kind, 0]);
                table.half(section).long(symbol.addr).long(symbol.bytes);
                names.extend(symbol.name.as_bytes());
                names.push(0);
                locals += u32::from(local);
            }
        }
        (table.0, names, locals)
    }
}
