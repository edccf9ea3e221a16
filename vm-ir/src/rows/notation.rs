//! What an architecture adds to the rows: kinds of fields, and how encodings are told apart.

use std::fmt::Debug;

use super::{Reading, Row};

/// An architecture's way to write instructions.
///
/// The module above the files of rows has a module `notation` with what
/// [`rows!`](crate::rows!) needs to know when the tables are compiled: `Row`, `Lift`, `Kind`,
/// `kind_of`, `reading`, `marks` and `taken` (see the macro).
pub trait Notation: Copy + Debug + 'static {
    /// What a field holds, see [`kinds!`](crate::kinds!).
    type Kind: Copy + PartialEq + Debug + 'static;
    /// Writes the operations of one instruction, from its encoding.
    type Meaning: Copy + Debug + 'static;

    /// The bits of an encoding that say which form of the keys holds; the same in both keys.
    const FORM: u32;
    /// How wide [`Notation::first_key`] is.
    const FIRST_BITS: u32;
    /// How wide [`Notation::second_key`] is.
    const SECOND_BITS: u32;

    /// The bits that most rows fix, gathered.
    fn first_key(encoding: u32) -> u32;

    /// More bits, for rows that are not told apart by the first key.
    fn second_key(encoding: u32) -> u32;

    /// The row of an encoding; `None` if it is reserved or nothing.
    fn decode(encoding: u32) -> Option<&'static Row<Self>>;

    /// The kind of this name; the names have been checked when the rows were compiled.
    fn kind(name: &'static str) -> Self::Kind;

    /// How the bits of a field of this kind become its value.
    fn reading(kind: Self::Kind) -> Reading;

    /// Writes a field's value for people; the instruction stands at `pc`.
    fn show(out: &mut String, kind: Self::Kind, value: i64, pc: u64);

    /// The value of a field at the start of `text`, and what follows it.
    fn parse(kind: Self::Kind, text: &str, pc: u64) -> Option<(i64, &str)>;
}
