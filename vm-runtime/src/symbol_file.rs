//! Symbols from a file of any kind that has some.

use std::path::Path;

use vm_device_boot::container::unpack;

use crate::VmError;
use crate::kept::read_file;
use crate::symbols::{SymbolError, Symbols};
use crate::vm::UNPACK_LIMIT;

/// Reads the symbols of an ELF file, of a `System.map`, or of a Linux kernel that carries its own
/// table, packed or not.
pub fn read_symbols(path: &Path) -> Result<Symbols, VmError> {
    let bytes = read_file(path, "can not be read for its symbols")?;
    parse_symbols(&bytes).map_err(|source| VmError::Symbols {
        path: path.to_owned(),
        source,
    })
}

/// As [`read_symbols`], of bytes.
pub fn parse_symbols(bytes: &[u8]) -> Result<Symbols, SymbolError> {
    if looks_like_map(bytes) {
        return Symbols::from_map(bytes);
    }
    // A kernel may be packed; an object file is no kernel, but has symbols.
    let unpacked = unpack(bytes, UNPACK_LIMIT);
    let bytes = unpacked.as_deref().unwrap_or(bytes);
    if !bytes.starts_with(b"\x7fELF") {
        return Symbols::from_kallsyms(bytes).map_err(|_| SymbolError::Unknown);
    }
    match Symbols::from_elf(bytes) {
        Err(SymbolError::Empty) => Symbols::from_kallsyms(bytes).map_err(|_| SymbolError::Empty),
        other => other,
    }
}

/// Whether it begins as a line of hexadecimal digits, a letter and a name.
fn looks_like_map(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let digits = digits.count();
    let rest = bytes.get(digits..).unwrap_or_default();
    (8..=16).contains(&digits)
        && matches!(rest, [b' ', kind, b' ', ..] if kind.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_found_out() {
        let elf = Symbols::from_map(b"8000000000000000 T main\n")
            .expect("a map")
            .to_elf(243);
        let wrong_map: &[u8] = b"ffffffff80000000 T a\nwhat\n";
        for (bytes, want) in [
            (&b"ffffffff80000000 T _start\n"[..], Ok(1)),
            (&elf, Ok(1)),
            (b"", Err(SymbolError::Unknown)),
            (b"hello, world", Err(SymbolError::Unknown)),
            (wrong_map, Err(SymbolError::Map { line: 2 })),
            (
                b"\x7fELF\x01\x01",
                Err(SymbolError::Elf("it ends in its header")),
            ),
            (&[0; 5000], Err(SymbolError::Unknown)),
        ] {
            let got = parse_symbols(bytes).map(|symbols| symbols.len());
            assert_eq!(got, want);
        }
    }
}
