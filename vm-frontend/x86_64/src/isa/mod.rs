//! The instructions as rows, one file a chapter: Intel SDM volume 1, section 5.1.

mod arithmetic;
mod bits;
mod control;
mod data;
mod find;
mod flags;
mod logical;
mod row;
mod shift;
mod string;
mod system;

pub use find::{row_at, row_of, rows};
pub use row::{FlagSet, Meaning, Row, Undefined};

/// All rows, chapter by chapter.
pub const CHAPTERS: [&[Row]; 9] = [
    data::ROWS,
    arithmetic::ROWS,
    logical::ROWS,
    shift::ROWS,
    bits::ROWS,
    control::ROWS,
    string::ROWS,
    flags::ROWS,
    system::ROWS,
];

#[cfg(test)]
mod tests;
