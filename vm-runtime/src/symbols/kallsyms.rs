//! The table of symbols that a Linux kernel carries in itself, found without knowing where.
//!
//! `scripts/kallsyms.c` of Linux writes it, in one of two orders:
//!
//! - before 6.4: offsets, base, number, names, markers, order by name, tokens, index of tokens;
//! - since then: number, names, markers, tokens, index of tokens, offsets, base, order by name.
//!
//! Every part begins on a multiple of eight bytes.
//! A name is a length and so many numbers of tokens; the first letter that comes out is its type.
//! A marker says where each 256th name begins.
//! The tokens for digits are the digits themselves, since names have them: that is what is
//! searched for, and the index of tokens behind them shows whether it is one.

use super::SymbolError;
use super::memory::{Memory, read_up_to, search};
use super::table::{Collector, Symbols};

/// The token of each digit stands for the digit.
const DIGITS: &[u8] = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00";
/// Which token is the first of them.
const ZERO: usize = b'0' as usize;
const TOKENS: usize = 256;

/// How many places that look like the digits are tried.
// LIMIT: tables of keyboards and fonts look alike, a kernel has some ten; a guest that fills its
// memory with digits only hides its symbols.
const MAX_TRIES: u32 = 4096;
/// How many of them are looked at closely.
// LIMIT: the index of tokens tells a table from all others, so that the first one is it.
const MAX_TABLES: u32 = 8;
/// How many places that look like the first of the markers are tried, and how often names are
/// taken apart, for one table.
// LIMIT: chance gives a handful; work for a guest that lays out many ends here.
const MAX_MARKS: usize = 64;
const MAX_DECODES: u32 = 256;
/// The most bytes of all tokens together.
// LIMIT: each stands for a few letters.
const MAX_TOKENS: u64 = 16 << 10;
/// The most bytes of the parts before the tokens.
// LIMIT: a kernel with everything built in has some 4 MiB of names.
const MAX_NAMES: u64 = 16 << 20;
/// The fewest markers, so that chance does not look like a table.
const LEAST_MARKERS: usize = 3;
/// The most bytes that one name takes: two of length and what they count.
// LIMIT: Linux refuses names of more than 512 letters.
const MAX_NAME: usize = 2 + 1024;
/// The most letters of a name, as Linux has it.
const MAX_LETTERS: usize = 512;

/// The tokens, and where they stand in memory.
struct Tokens {
    texts: Vec<Vec<u8>>,
    start: u64,
    /// Behind their index.
    end: u64,
}

/// Everything before the tokens that matters.
struct Names {
    /// Type and name of each.
    texts: Vec<Vec<u8>>,
    /// The address of the number.
    number_at: u64,
}

impl Symbols {
    /// Finds the table of a Linux kernel: in guest RAM, or in the file of an unpacked kernel.
    pub fn from_kallsyms(memory: &(impl Memory + ?Sized)) -> Result<Self, SymbolError> {
        let (mut tries, mut tables) = (0, 0);
        let mut result = Err(SymbolError::NoKallsyms);
        search(memory, DIGITS, |at| {
            tries += 1;
            if let Some(tokens) = tokens(memory, at) {
                tables += 1;
                if let Some(found) = table(memory, &tokens) {
                    result = found.map(|mut symbols| {
                        symbols.found_at = Some(at);
                        symbols
                    });
                    return false;
                }
            }
            tries < MAX_TRIES && tables < MAX_TABLES
        });
        result
    }
}

/// The table that has these tokens.
fn table(memory: &(impl Memory + ?Sized), tokens: &Tokens) -> Option<Result<Symbols, SymbolError>> {
    let names = names(memory, tokens)?;
    let (offsets, base) = offsets(memory, tokens, &names)?;
    // On machines whose variables of one CPU are counted from zero, what is counted from the
    // base is negative.
    let negative = offsets.iter().filter(|offset| **offset < 0).count();
    let per_cpu = negative * 2 > offsets.len();
    let mut symbols = Collector::default();
    for (offset, text) in offsets.iter().zip(&names.texts) {
        let (kind, name) = text.split_first()?;
        let addr = match (per_cpu, *offset) {
            (false, offset) => base.wrapping_add(u64::from(offset as u32)),
            (true, offset @ 0..) => offset as u64,
            (true, offset) => base.wrapping_add((-1 - i64::from(offset)) as u64),
        };
        if let Err(error) = symbols.add(addr, 0, *kind, name) {
            return Some(Err(error));
        }
    }
    Some(symbols.finish())
}

/// The tokens of which those for digits stand at `at`.
fn tokens(memory: &(impl Memory + ?Sized), at: u64) -> Option<Tokens> {
    let bytes = read_up_to(memory, at, MAX_TOKENS);
    let mut end = 0;
    for _ in ZERO..TOKENS {
        end += bytes.get(end..)?.iter().position(|byte| *byte == 0)? + 1;
    }
    let index_at = (at + end as u64).next_multiple_of(8);
    let mut index = [0; 2 * TOKENS];
    memory.read(index_at, &mut index).then_some(())?;
    let index: Vec<u64> = index
        .as_chunks()
        .0
        .iter()
        .map(|bytes| u64::from(u16::from_le_bytes(*bytes)))
        .collect();
    let start = at.checked_sub(*index.get(ZERO)?)?;
    let all = read_up_to(memory, start, MAX_TOKENS);
    let (mut texts, mut next) = (Vec::with_capacity(TOKENS), 0);
    for place in &index {
        if *place != next as u64 {
            return None;
        }
        let rest = all.get(next..)?;
        let text = rest.get(..rest.iter().position(|byte| *byte == 0)?)?;
        next += text.len() + 1;
        texts.push(text.to_vec());
    }
    let sound = start.is_multiple_of(8) && start + next as u64 == at + end as u64;
    sound.then_some(Tokens {
        texts,
        start,
        end: index_at + 2 * TOKENS as u64,
    })
}

/// Finds markers before the tokens, and the names before them.
fn names(memory: &(impl Memory + ?Sized), tokens: &Tokens) -> Option<Names> {
    let from = memory
        .ranges()
        .into_iter()
        .find(|range| range.contains(&tokens.start))?
        .start
        .max(tokens.start.saturating_sub(MAX_NAMES))
        .next_multiple_of(8);
    let bytes = read_up_to(memory, from, tokens.start - from);
    let word = |at: usize| {
        let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
        found.map(|bytes| u32::from_le_bytes(*bytes))
    };
    let step = |at: usize| Some(word(at + 4)?.wrapping_sub(word(at)?));
    let possible = |step: u32| (512..=256 * MAX_NAME as u32).contains(&step);
    let begins = |at: &usize| {
        word(*at) == Some(0) && (0..LEAST_MARKERS).all(|i| step(*at + 4 * i).is_some_and(possible))
    };
    let mut decodes = 0;
    // The nearest first: what else looks like markers is further away.
    let marks = (0..bytes.len() / 8).rev().map(|i| i * 8).filter(begins);
    for at in marks.take(MAX_MARKS) {
        let steps = (0..).take_while(|i| step(at + 4 * i).is_some_and(possible));
        let most = steps.count() + 1;
        // What follows the last one may look like one more.
        for count in [most, most - 1] {
            let markers: Option<Vec<u32>> = (0..count).map(|i| word(at + 4 * i)).collect();
            let found = names_before(&bytes, at, &markers?, &tokens.texts, &mut decodes);
            if let Some((number_at, texts)) = found {
                return Some(Names {
                    texts,
                    number_at: from + number_at as u64,
                });
            }
        }
    }
    None
}

/// The names that end before `end`, as the markers say, and where their number stands.
fn names_before(
    bytes: &[u8],
    end: usize,
    markers: &[u32],
    tokens: &[Vec<u8>],
    decodes: &mut u32,
) -> Option<(usize, Vec<Vec<u8>>)> {
    // The last marker's names fill what is left, less than 256 of them.
    let last = end.checked_sub(*markers.last()? as usize)?;
    let first = last.saturating_sub(256 * MAX_NAME).next_multiple_of(8);
    for start in (first..=last).rev().filter(|at| at.is_multiple_of(8)) {
        let Some(number_at) = start.checked_sub(8) else {
            break;
        };
        let number: [u8; 8] = *bytes.get(number_at..)?.first_chunk()?;
        let count = usize::try_from(u64::from_le_bytes(number)).unwrap_or(usize::MAX);
        if count.div_ceil(256) == markers.len() && *decodes < MAX_DECODES {
            *decodes += 1;
            if let Some(texts) = decode(bytes.get(start..end)?, count, markers, tokens) {
                return Some((number_at, texts));
            }
        }
    }
    None
}

/// All names, if the markers agree.
fn decode(bytes: &[u8], count: usize, markers: &[u32], tokens: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let (mut at, mut texts) = (0, Vec::new());
    for number in 0..count {
        if number % 256 == 0 && *markers.get(number / 256)? as usize != at {
            return None;
        }
        let mut length = usize::from(*bytes.get(at)?);
        at += 1;
        if length & 0x80 != 0 {
            length = length & 0x7f | usize::from(*bytes.get(at)?) << 7;
            at += 1;
        }
        let mut text: Vec<u8> = Vec::new();
        for token in bytes.get(at..at + length)? {
            text.extend(tokens.get(usize::from(*token))?);
            // One letter more for the type.
            if text.len() > MAX_LETTERS + 1 {
                return None;
            }
        }
        at += length;
        // A type and at least one letter.
        if text.len() < 2 || !text[0].is_ascii_alphabetic() {
            return None;
        }
        texts.push(text);
    }
    Some(texts)
}

/// The offsets, in the order of the names, and the base that they are counted from.
fn offsets(
    memory: &(impl Memory + ?Sized),
    tokens: &Tokens,
    names: &Names,
) -> Option<(Vec<i32>, u64)> {
    let bytes = (4 * names.texts.len() as u64).next_multiple_of(8);
    let before = names.number_at.checked_sub(8 + bytes);
    [Some(tokens.end), before]
        .into_iter()
        .flatten()
        .find_map(|at| {
            let mut words = vec![0; bytes as usize + 8];
            memory.read(at, &mut words).then_some(())?;
            let (words, base) = words.split_last_chunk()?;
            let offsets = words.as_chunks().0.iter().take(names.texts.len());
            let offsets: Vec<i32> = offsets.map(|word| i32::from_le_bytes(*word)).collect();
            let base = u64::from_le_bytes(*base);
            // Kernels stand in the upper half, and their tables are in order.
            let placed = offsets.iter().filter(|offset| **offset != 0).count();
            (base >> 63 == 1 && placed * 2 > names.texts.len() && in_order(&offsets))
                .then_some((offsets, base))
        })
}

fn in_order(offsets: &[i32]) -> bool {
    let rising = offsets.is_sorted_by_key(|offset| *offset as u32);
    let falling = offsets.iter().filter(|offset| **offset < 0);
    rising || falling.is_sorted_by(|a, b| a >= b)
}
