//! From an encoding to its row, in two short looks.
//!
//! The first table goes by the bits that most rows fix: for 32-bit encodings the opcode and
//! `funct3`, for 16-bit ones `funct3` and the quadrant. Buckets that are still crowded are split
//! by seven more bits.

use std::sync::LazyLock;

use super::{ROWS, Row, Status};

/// Rows that share their key, the more specific ones first.
type Bucket = Vec<(u32, u32, u16)>;

enum Place {
    Here(Bucket),
    /// Split by [`second_key`].
    Split(Vec<Bucket>),
}

struct Tables {
    /// By [`first_key`].
    first: Vec<Place>,
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
        let mut order: Vec<usize> = (0..ROWS.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(ROWS[*i].mask.count_ones()));
        let mut flat: Vec<Vec<usize>> = vec![Vec::new(); 1 << FIRST_BITS];
        for i in order {
            for key in keys(&ROWS[i], first_key, FIRST_BITS) {
                flat[key as usize].push(i);
            }
        }
        let entry = |i: usize| (ROWS[i].mask, ROWS[i].value, i as u16);
        let place = |rows: Vec<usize>| {
            if rows.len() <= CROWDED {
                return Place::Here(rows.into_iter().map(entry).collect());
            }
            let mut split: Vec<Bucket> = vec![Vec::new(); 1 << SECOND_BITS];
            for i in rows {
                for key in keys(&ROWS[i], second_key, SECOND_BITS) {
                    split[key as usize].push(entry(i));
                }
            }
            Place::Split(split)
        };
        Self {
            first: flat.into_iter().map(place).collect(),
        }
    }
}

/// The row of an encoding; `None` if it is reserved or nothing.
///
/// A 16-bit encoding stands in the low half; what is above it does not matter.
#[inline]
#[must_use]
pub fn decode(encoding: u32) -> Option<&'static Row> {
    let encoding = if encoding & 3 == 3 {
        encoding
    } else {
        encoding & 0xffff
    };
    let bucket = match TABLES.first.get(first_key(encoding) as usize)? {
        Place::Here(bucket) => bucket,
        Place::Split(split) => split.get(second_key(encoding) as usize)?,
    };
    let (_, _, index) = bucket
        .iter()
        .find(|(mask, value, _)| encoding & mask == *value)?;
    let row = ROWS.get(usize::from(*index))?;
    (row.status != Status::Reserved && !row.is_reserved(encoding)).then_some(row)
}
