//! `System.map`, and what `/proc/kallsyms` prints: lines of address, type and name.

use super::SymbolError;
use super::table::{Collector, Symbols};

/// How long a line may be.
// LIMIT: an address, a type, a name of at most 512 bytes, and a module's name.
const MAX_LINE: usize = 1024;

impl Symbols {
    /// Reads a `System.map`.
    pub fn from_map(file: &[u8]) -> Result<Self, SymbolError> {
        let mut symbols = Collector::default();
        let mut any = false;
        for (index, line) in file.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let (addr, kind, name) = parse(line).ok_or(SymbolError::Map { line: index + 1 })?;
            any |= addr != 0;
            symbols.add(addr, 0, kind, name)?;
        }
        // A kernel that hides its addresses prints zeroes.
        if any {
            symbols.finish()
        } else {
            Err(SymbolError::Empty)
        }
    }
}

fn parse(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    if line.len() > MAX_LINE {
        return None;
    }
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let (addr, kind, name) = (words.next()?, words.next()?, words.next()?);
    let module = words.next().unwrap_or(b"[");
    let addr = str::from_utf8(addr).ok()?;
    let [kind] = kind else { return None };
    let sound = addr.len() <= 16 && !addr.starts_with('+') && kind.is_ascii_alphabetic();
    if !sound || !module.starts_with(b"[") {
        return None;
    }
    Some((u64::from_str_radix(addr, 16).ok()?, *kind, name))
}
