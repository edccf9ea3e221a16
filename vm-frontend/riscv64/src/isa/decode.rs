//! From an encoding to its row, in two short looks.
//!
//! The first table goes by the bits that most rows fix: for 32-bit encodings the opcode and
//! `funct3`, for 16-bit ones `funct3` and the quadrant. Buckets that are still crowded are split
//! by seven more bits.

use std::sync::LazyLock;

use super::{ROWS, Row, Status};

/// What is compared of a row; rows that share their key stand side by side, the more specific
/// ones first.
#[derive(Clone, Copy)]
struct Entry {
    mask: u32,
    value: u32,
    /// Nothing if the encodings are reserved.
    row: Option<&'static Row>,
}

/// Where to look on.
#[derive(Clone, Copy)]
struct Place {
    /// The first entry; or, if the bucket is split, the place of [`second_key`] zero.
    start: u16,
    /// How many entries.
    count: u16,
    split: bool,
}

struct Tables {
    /// By [`first_key`]; behind them the places of split buckets.
    places: Vec<Place>,
    entries: Vec<Entry>,
}

/// A key is so many bits wide.
const FIRST_BITS: u32 = 9;
const SECOND_BITS: u32 = 7;
/// Buckets with more rows than this are split.
const CROWDED: usize = 4;

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

const fn first_key(encoding: u32) -> u32 {
    if encoding & 3 == 3 {
        encoding >> 2 & 31 | (encoding >> 12 & 7) << 5 | 1 << 8
    } else {
        encoding & 3 | (encoding >> 13 & 7) << 2
    }
}

const fn second_key(encoding: u32) -> u32 {
    if encoding & 3 == 3 {
        encoding >> 25 & 127
    } else {
        (encoding >> 10 & 7) << 4 | (encoding >> 5 & 3) << 2 | (encoding >> 2 & 3)
    }
}

/// The keys that encodings of a row can have.
fn keys(row: &Row, key: fn(u32) -> u32, bits: u32) -> impl Iterator<Item = u32> {
    // A key's bit is free if no fixed bit of the row goes there.
    let (fixed, value) = (key_of_mask(row, key), key(row.value));
    (0..1 << bits).filter(move |k| k & fixed == value & fixed)
}

/// The bits of a key that are copies of a row's fixed bits.
fn key_of_mask(row: &Row, key: fn(u32) -> u32) -> u32 {
    // The length bits choose the form of the key, so they stay as they are.
    let form = row.value & 3;
    let changing = |bit: u32| key(1 << bit | form) ^ key(form);
    let free = (2..32)
        .filter(|bit| row.mask >> bit & 1 == 0)
        .map(changing)
        .fold(0, |a, b| a | b);
    !free
}

impl Tables {
    fn build() -> Self {
        let mut order: Vec<&'static Row> = ROWS.iter().collect();
        order.sort_by_key(|row| std::cmp::Reverse(row.mask.count_ones()));
        let mut tables = Self {
            places: Vec::new(),
            entries: Vec::new(),
        };
        let buckets = split(&order, first_key, FIRST_BITS);
        let mut crowded = Vec::new();
        for (key, rows) in buckets.iter().enumerate() {
            if rows.len() > CROWDED {
                crowded.push((key, rows));
                tables.places.push(Place {
                    start: 0,
                    count: 0,
                    split: true,
                });
            } else {
                tables.add(rows);
            }
        }
        for (key, rows) in crowded {
            tables.places[key].start = tables.places.len() as u16;
            for rows in split(rows, second_key, SECOND_BITS) {
                tables.add(&rows);
            }
        }
        tables
    }

    fn add(&mut self, rows: &[&'static Row]) {
        self.places.push(Place {
            start: self.entries.len() as u16,
            count: rows.len() as u16,
            split: false,
        });
        self.entries.extend(rows.iter().map(|row| Entry {
            mask: row.mask,
            value: row.value,
            row: (row.status != Status::Reserved).then_some(row),
        }));
    }
}

/// Rows by key.
fn split(rows: &[&'static Row], key: fn(u32) -> u32, bits: u32) -> Vec<Vec<&'static Row>> {
    let mut buckets = vec![Vec::new(); 1 << bits];
    for row in rows {
        for key in keys(row, key, bits) {
            buckets[key as usize].push(*row);
        }
    }
    buckets
}

/// The row of an encoding; `None` if it is reserved or nothing.
///
/// A 16-bit encoding stands in the low half; what is above it does not matter.
#[inline]
#[must_use]
pub fn decode(encoding: u32) -> Option<&'static Row> {
    let long = encoding & 3 == 3;
    let encoding = if long { encoding } else { encoding & 0xffff };
    let tables = &*TABLES;
    let mut place = tables.places.get(first_key(encoding) as usize)?;
    if place.split {
        let at = usize::from(place.start) + second_key(encoding) as usize;
        place = tables.places.get(at)?;
    }
    let start = usize::from(place.start);
    let entries = tables
        .entries
        .get(start..start + usize::from(place.count))?;
    let found = entries
        .iter()
        .find(|entry| encoding & entry.mask == entry.value)?;
    found.row.filter(|row| !row.is_reserved(encoding))
}
