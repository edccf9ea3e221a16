//! From an encoding to its row, in two short looks.
//!
//! The first look goes by the bits that most rows fix; buckets that are still crowded are split
//! by more bits. Which bits these are is said by the [`Notation`].

use super::{Notation, Row, Status};

/// What is compared of a row; rows that share their key stand side by side, the more specific
/// ones first.
#[derive(Clone, Copy, Debug)]
struct Entry<N: Notation> {
    mask: u32,
    value: u32,
    /// Nothing if the encodings are reserved.
    row: Option<&'static Row<N>>,
}

/// Where to look on.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The first entry; or, if the bucket is split, the place of the second key zero.
    start: u16,
    /// How many entries.
    count: u16,
    split: bool,
}

/// Finds the most specific row of an encoding.
#[derive(Debug)]
pub struct Decoder<N: Notation> {
    /// By the first key; behind them the places of split buckets.
    places: Vec<Place>,
    entries: Vec<Entry<N>>,
}

/// Buckets with more rows than this are split.
const CROWDED: usize = 4;

impl<N: Notation> Decoder<N> {
    /// The tables for these rows.
    #[must_use]
    pub fn new(rows: &'static [Row<N>]) -> Self {
        let mut order: Vec<&'static Row<N>> = rows.iter().collect();
        order.sort_by_key(|row| std::cmp::Reverse(row.mask.count_ones()));
        let mut tables = Self {
            places: Vec::new(),
            entries: Vec::new(),
        };
        let buckets = split(&order, N::first_key, N::FIRST_BITS);
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
            tables.places[key].start = place_number(tables.places.len());
            for rows in split(rows, N::second_key, N::SECOND_BITS) {
                tables.add(&rows);
            }
        }
        tables
    }

    fn add(&mut self, rows: &[&'static Row<N>]) {
        self.places.push(Place {
            start: place_number(self.entries.len()),
            count: place_number(rows.len()),
            split: false,
        });
        self.entries.extend(rows.iter().map(|row| Entry {
            mask: row.mask,
            value: row.value,
            row: (row.status != Status::Reserved).then_some(row),
        }));
    }

    /// The most specific row of an encoding; `None` if that one is reserved, or if there is none.
    #[inline]
    #[must_use]
    pub fn find(&self, encoding: u32) -> Option<&'static Row<N>> {
        let mut place = self.places.get(N::first_key(encoding) as usize)?;
        if place.split {
            let at = usize::from(place.start) + N::second_key(encoding) as usize;
            place = self.places.get(at)?;
        }
        let start = usize::from(place.start);
        let entries = self.entries.get(start..start + usize::from(place.count))?;
        let found = entries
            .iter()
            .find(|entry| encoding & entry.mask == entry.value)?;
        found.row
    }
}

fn place_number(at: usize) -> u16 {
    u16::try_from(at).expect("the tables of one architecture stay below 65536 entries")
}

/// Rows by key.
fn split<N: Notation>(
    rows: &[&'static Row<N>],
    key: fn(u32) -> u32,
    bits: u32,
) -> Vec<Vec<&'static Row<N>>> {
    let mut buckets = vec![Vec::new(); 1 << bits];
    for row in rows {
        for key in keys(row, key, bits) {
            buckets[key as usize].push(*row);
        }
    }
    buckets
}

/// The keys that encodings of a row can have.
fn keys<N: Notation>(
    row: &Row<N>,
    key: fn(u32) -> u32,
    bits: u32,
) -> impl Iterator<Item = u32> + use<N> {
    // A key's bit is free if no fixed bit of the row goes there. The bits that choose the form of
    // the key stay as they are.
    let form = row.value & N::FORM;
    let changing = |bit: u32| key(1 << bit | form) ^ key(form);
    let free = (0..32)
        .filter(|bit| (row.mask | N::FORM) >> bit & 1 == 0)
        .map(changing)
        .fold(0, |a, b| a | b);
    let value = key(row.value);
    (0..1 << bits).filter(move |k| k & !free == value & !free)
}
