//! From an encoding to its row.
//!
//! The first key is the top eleven bits, where most groups are told apart; the second has the
//! bits that tell register forms apart.

use std::sync::LazyLock;

use vm_ir::rows::Decoder;

use super::notation::{A64, CHECKED, Row};
use super::{ROWS, text};

static DECODER: LazyLock<Decoder<A64>> = LazyLock::new(|| Decoder::new(ROWS));

/// The row of an encoding; `None` if it is reserved or nothing.
#[inline]
#[must_use]
pub fn decode(encoding: u32) -> Option<&'static Row> {
    let row = DECODER.find(encoding)?;
    (row.marks & CHECKED == 0 || fields_hold(row, encoding)).then_some(row)
}

/// Whether all fields have values that are not reserved.
fn fields_hold(row: &Row, encoding: u32) -> bool {
    row.fields()
        .all(|(field, kind)| text::permits(kind, field.take(encoding)))
}
