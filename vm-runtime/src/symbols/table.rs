//! The table itself: by address and by name.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use super::SymbolError;

/// The most symbols of a table.
// LIMIT: a kernel with everything built in has a quarter of a million; a row is 24 bytes.
const MAX_SYMBOLS: usize = 4 << 20;
/// The most bytes of all names together.
// LIMIT: names are addressed with 32 bits; large C++ programs have some hundred bytes a name.
const MAX_TEXT: usize = 1 << 30;
/// The longest name.
// LIMIT: Linux has 512.
const MAX_NAME: usize = 4096;
/// How far behind the last symbol, or one that a gap follows, an address still belongs to it.
// LIMIT: the largest functions and tables of kernels are smaller; beyond that it is somebody else.
const REACH: u64 = 4 << 20;

/// One row: where its name stands is kept, not the name.
#[derive(Clone, Copy, Debug)]
struct Row {
    addr: u64,
    /// Zero if unknown.
    bytes: u32,
    name: u32,
    length: u16,
    kind: u8,
}

/// Addresses at which the program also stands: physical ones, before it uses its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Alias {
    /// The other addresses.
    pub from: Range<u64>,
    /// What to add to get the address that the program was linked at.
    pub addend: u64,
}

/// Names and addresses.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// By address; of several at one address the preferred one first.
    rows: Vec<Row>,
    text: String,
    /// Numbers of rows by name.
    by_name: OnceLock<Vec<u32>>,
    /// What to add to a linked address to get the one it has in the guest.
    slide: u64,
    pub(super) aliases: Vec<Alias>,
    /// Where in memory the table was found, if it is the guest's own.
    pub(super) found_at: Option<u64>,
}

/// One symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol<'a> {
    /// Its address in the guest.
    pub addr: u64,
    /// Its size in bytes, or zero if it is not known.
    pub bytes: u64,
    /// Its type as `nm` prints it: `T` and `t` are code, `A` is a number that is no address.
    pub kind: char,
    /// Its name.
    pub name: &'a str,
}

/// A place in a program: a symbol and the distance from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// The symbol's name.
    pub name: &'a str,
    /// How many bytes behind the symbol.
    pub offset: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.offset {
            0 => f.write_str(self.name),
            offset => write!(f, "{}+{offset:#x}", self.name),
        }
    }
}

/// Collects rows.
#[derive(Default)]
pub(super) struct Collector {
    rows: Vec<Row>,
    text: String,
}

impl Collector {
    /// Adds a symbol; names are cut to a sensible length, and what a terminal would obey in them
    /// is taken out.
    pub fn add(&mut self, addr: u64, bytes: u64, kind: u8, name: &[u8]) -> Result<(), SymbolError> {
        let start = self.text.len();
        if self.rows.len() == MAX_SYMBOLS || start + MAX_NAME > MAX_TEXT {
            return Err(SymbolError::TooMany(MAX_SYMBOLS));
        }
        let name = name.get(..MAX_NAME).unwrap_or(name);
        let plain = |c: char| if c.is_control() { '?' } else { c };
        self.text
            .extend(String::from_utf8_lossy(name).chars().map(plain));
        self.rows.push(Row {
            addr,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            name: start as u32,
            // Three bytes stand for one that is no text.
            length: (self.text.len() - start) as u16,
            kind,
        });
        Ok(())
    }

    /// The table; of several symbols at one address the first one that was added is preferred.
    pub fn finish(mut self) -> Result<Symbols, SymbolError> {
        if self.rows.is_empty() {
            return Err(SymbolError::Empty);
        }
        self.rows.sort_by_key(|row| row.addr);
        Ok(Symbols {
            rows: self.rows,
            text: self.text,
            ..Symbols::default()
        })
    }
}

impl Symbols {
    /// How many symbols there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All symbols, by address.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        self.rows.iter().map(|row| self.symbol(row))
    }

    /// The place that an address of the guest is in.
    #[must_use]
    pub fn lookup(&self, addr: u64) -> Option<Place<'_>> {
        let linked = addr.wrapping_sub(self.slide);
        self.linked_place(linked).or_else(|| {
            let other = self
                .aliases
                .iter()
                .find(|alias| alias.from.contains(&addr))?;
            self.linked_place(addr.wrapping_add(other.addend))
        })
    }

    /// The address in the guest of a symbol; of several with one name a global one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u64> {
        self.row(name).map(|row| self.symbol(row).addr)
    }

    /// The addresses from a symbol to the next one, or to its end if that is known.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<Range<u64>> {
        let row = self.row(name)?;
        let end = row.addr.saturating_add(self.reach(row));
        Some(row.addr.wrapping_add(self.slide)..end.wrapping_add(self.slide))
    }

    /// An address written as a symbol, perhaps with `+` and a distance behind it.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<u64> {
        if let Some(addr) = self.find(text) {
            return Some(addr);
        }
        let (name, offset) = text.rsplit_once('+')?;
        let offset = match offset.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => offset.parse().ok()?,
        };
        Some(self.find(name)?.wrapping_add(offset))
    }

    /// How far the program stands from where it was linked.
    #[must_use]
    pub fn slide(&self) -> u64 {
        self.slide
    }

    /// Says how far the program stands from where it was linked.
    pub fn set_slide(&mut self, slide: u64) {
        self.slide = slide;
    }

    /// The address that a symbol was linked at.
    pub(super) fn linked(&self, name: &str) -> Option<u64> {
        self.row(name).map(|row| row.addr)
    }

    /// The linked addresses from the first symbol to behind the last.
    pub(super) fn linked_span(&self) -> Range<u64> {
        let mut placed = self.rows.iter().filter(|row| row.is_place());
        let first = placed.next().map_or(0, |row| row.addr);
        let last = placed.next_back().map_or(first, |row| row.addr);
        first..last.saturating_add(1)
    }

    fn symbol(&self, row: &Row) -> Symbol<'_> {
        let slide = if row.is_place() { self.slide } else { 0 };
        Symbol {
            addr: row.addr.wrapping_add(slide),
            bytes: u64::from(row.bytes),
            kind: char::from(row.kind),
            name: self.name(row),
        }
    }

    fn name(&self, row: &Row) -> &str {
        let start = row.name as usize;
        let name = self.text.get(start..start + usize::from(row.length));
        name.unwrap_or_default()
    }

    fn row(&self, name: &str) -> Option<&Row> {
        let order = self.by_name.get_or_init(|| {
            let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
            let key = |index: &u32| {
                let row = &self.rows[*index as usize];
                (self.name(row), row.kind.is_ascii_lowercase(), *index)
            };
            order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
            order
        });
        let first = order.partition_point(|i| self.name(&self.rows[*i as usize]) < name);
        let row = &self.rows[*order.get(first)? as usize];
        (self.name(row) == name).then_some(row)
    }

    fn linked_place(&self, addr: u64) -> Option<Place<'_>> {
        let behind = self.rows.partition_point(|row| row.addr <= addr);
        let before = self.rows.get(..behind)?;
        let near = before.iter().rev().find(|row| row.is_place())?;
        // The preferred one at the same address.
        let first = before.partition_point(|row| row.addr < near.addr);
        let row = before.get(first..)?.iter().find(|row| row.is_place())?;
        let offset = addr - row.addr;
        (offset < self.reach(row)).then(|| Place {
            name: self.name(row),
            offset,
        })
    }

    /// How many bytes belong to a symbol: up to the next one, or all that it says, whichever is
    /// more certain.
    fn reach(&self, row: &Row) -> u64 {
        let behind = self.rows.partition_point(|other| other.addr <= row.addr);
        let next = self.rows.get(behind..).unwrap_or_default();
        let next = next.iter().find(|row| row.is_place());
        match (next, row.bytes) {
            (Some(next), 0) => (next.addr - row.addr).min(REACH),
            (Some(next), bytes) => (next.addr - row.addr).min(u64::from(bytes)),
            (None, 0) => REACH,
            (None, bytes) => u64::from(bytes),
        }
    }
}

impl Row {
    /// Whether it stands for an address, and not for a number.
    const fn is_place(&self) -> bool {
        !matches!(self.kind, b'A' | b'a')
    }
}
