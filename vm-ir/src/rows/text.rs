//! Assembly texts: how a row writes an instruction for people.
//!
//! A field stands in braces, with the kind of what it holds behind a colon: `{i:s}`; the kind
//! without a name is the most common one, mostly a register.
//! The kind decides both what is printed and what the row's meaning is given.

/// A part of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<K> {
    /// These characters.
    Literal(&'static str),
    /// The field of this letter.
    Field(u8, K),
}

/// Whether two names are the same.
#[must_use]
pub const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// A field as a text names it.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its letter.
    pub letter: u8,
    /// The name of its kind.
    pub kind: &'a [u8],
    /// Where the braces open.
    pub open: usize,
    /// The place behind them.
    pub end: usize,
}

/// The field in the first braces at or behind `at`.
#[must_use]
pub const fn field_from(text: &[u8], at: usize) -> Option<Named<'_>> {
    let mut open = at;
    while open < text.len() && text[open] != b'{' {
        open += 1;
    }
    if open == text.len() {
        return None;
    }
    let mut close = open;
    while text[close] != b'}' {
        close += 1;
    }
    let (_, rest) = text.split_at(open + 1);
    let (inner, _) = rest.split_at(close - open - 1);
    let kind: &[u8] = match inner {
        [_] => &[],
        [_, b':', name @ ..] => name,
        _ => panic!("braces hold a letter and perhaps a kind"),
    };
    Some(Named {
        letter: inner[0],
        kind,
        open,
        end: close + 1,
    })
}

/// The name of the kind that a text gives a field.
#[must_use]
pub const fn kind_name(text: &str, letter: u8) -> &[u8] {
    let mut at = 0;
    while let Some(found) = field_from(text.as_bytes(), at) {
        if found.letter == letter {
            return found.kind;
        }
        at = found.end;
    }
    panic!("the text has no such field")
}

/// The fields of a text, as bits of a set: bit 0 is `a`.
#[must_use]
pub const fn letters(text: &str) -> u32 {
    let mut set = 0;
    let mut at = 0;
    while let Some(found) = field_from(text.as_bytes(), at) {
        set |= 1 << (found.letter - b'a');
        at = found.end;
    }
    set
}

/// Whether a text names a field of the kind of this name.
#[must_use]
pub const fn has_kind(text: &str, kind: &str) -> bool {
    let mut at = 0;
    while let Some(found) = field_from(text.as_bytes(), at) {
        if same(found.kind, kind.as_bytes()) {
            return true;
        }
        at = found.end;
    }
    false
}

/// The parts of a text; fields with the names of their kinds.
pub fn pieces(text: &'static str) -> impl Iterator<Item = Piece<&'static str>> {
    let mut at = 0;
    let mut field = None;
    std::iter::from_fn(move || {
        if let Some((letter, kind)) = field.take() {
            return Some(Piece::Field(letter, kind));
        }
        if at == text.len() {
            return None;
        }
        let start = at;
        let end = match field_from(text.as_bytes(), at) {
            Some(found) => {
                let kind = std::str::from_utf8(found.kind).unwrap_or_default();
                field = Some((found.letter, kind));
                at = found.end;
                found.open
            }
            None => {
                at = text.len();
                at
            }
        };
        Some(Piece::Literal(&text[start..end]))
    })
}
