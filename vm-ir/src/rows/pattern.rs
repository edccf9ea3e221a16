//! Bit strings: how a row writes an encoding, and the fields that are found in one.
//!
//! A bit string goes from the highest bit to the lowest, as in the manual: `0` and `1` are fixed,
//! `-` is ignored, a letter is a bit of the field of that name; spaces mean nothing.
//! Equal letters are one field, high bits first.
//! A scattered immediate is written as the manual's instruction formats write it:
//! `i[12|10:5]` stands for seven bits which are bits 12 and 10 to 5 of `i`.
//!
//! All of this is evaluated when the crate is compiled, so a wrong bit string does not build.

/// Bits of an encoding that are neighbours in the field too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Segment {
    /// The lowest bit in the encoding.
    from: u8,
    /// How many bits.
    bits: u8,
    /// The lowest bit in the field.
    to: u8,
}

/// The most segments a field has: the eight of `c.j`.
const SEGMENTS: usize = 8;

/// How the bits of a field become its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The highest bit is a sign.
    pub signed: bool,
    /// What is added.
    pub plus: i64,
}

impl Reading {
    /// The bits as they are.
    pub const UNSIGNED: Self = Self::plus(0);
    /// A signed number.
    pub const SIGNED: Self = Self {
        signed: true,
        plus: 0,
    };

    /// An unsigned number that is so much larger than its bits say.
    #[must_use]
    pub const fn plus(plus: i64) -> Self {
        let signed = false;
        Self { signed, plus }
    }
}

/// A field of an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    reading: Reading,
    segments: [Segment; SEGMENTS],
    count: u8,
    /// One more than the field's highest bit.
    width: u8,
}

/// One element of a bit string.
struct Piece {
    what: u8,
    bits: u8,
    /// The lowest bit in the field, if the bit string says it.
    to: Option<u8>,
}

struct Cursor<'a> {
    string: &'a [u8],
    at: usize,
    /// The field whose brackets are open, or zero.
    inside: u8,
}

impl Cursor<'_> {
    const fn new(string: &str) -> Cursor<'_> {
        Cursor {
            string: string.as_bytes(),
            at: 0,
            inside: 0,
        }
    }

    const fn peek(&self) -> u8 {
        if self.at < self.string.len() {
            self.string[self.at]
        } else {
            0
        }
    }

    const fn number(&mut self) -> u8 {
        assert!(self.peek().is_ascii_digit(), "a bit number was expected");
        let mut value = 0;
        while self.peek().is_ascii_digit() {
            value = value * 10 + (self.peek() - b'0');
            self.at += 1;
        }
        value
    }

    const fn next(&mut self) -> Option<Piece> {
        while self.peek() == b' ' {
            self.at += 1;
        }
        if self.inside != 0 {
            return Some(self.range());
        }
        let what = self.peek();
        if what == 0 {
            return None;
        }
        self.at += 1;
        if self.peek() == b'[' {
            self.at += 1;
            self.inside = what;
            return Some(self.range());
        }
        let to = None;
        Some(Piece { what, bits: 1, to })
    }

    const fn range(&mut self) -> Piece {
        let what = self.inside;
        let high = self.number();
        let mut low = high;
        if self.peek() == b':' {
            self.at += 1;
            low = self.number();
        }
        match self.peek() {
            b'|' => {}
            b']' => self.inside = 0,
            _ => panic!("`|` or `]` was expected"),
        }
        self.at += 1;
        assert!(high >= low, "a range goes from the high bit to the low one");
        Piece {
            what,
            bits: high - low + 1,
            to: Some(low),
        }
    }
}

/// How many bits a bit string has.
#[must_use]
pub const fn width(string: &str) -> u32 {
    let mut cursor = Cursor::new(string);
    let mut bits = 0;
    while let Some(piece) = cursor.next() {
        bits += piece.bits as u32;
    }
    bits
}

/// The fixed bits of a bit string: which they are, and their values.
#[must_use]
pub const fn fixed(string: &str) -> (u32, u32) {
    let mut cursor = Cursor::new(string);
    let (mut mask, mut value) = (0, 0);
    let mut left = width(string);
    while let Some(piece) = cursor.next() {
        left -= piece.bits as u32;
        match piece.what {
            b'0' => mask |= 1 << left,
            b'1' => {
                mask |= 1 << left;
                value |= 1 << left;
            }
            b'-' | b'a'..=b'z' => {}
            _ => panic!("a bit string has 0, 1, -, letters and spaces only"),
        }
    }
    (mask, value)
}

/// The fields of a bit string, as bits of a set: bit 0 is `a`.
#[must_use]
pub const fn letters(string: &str) -> u32 {
    let mut cursor = Cursor::new(string);
    let mut set = 0;
    while let Some(piece) = cursor.next() {
        if piece.what.is_ascii_lowercase() {
            set |= 1 << (piece.what - b'a');
        }
    }
    set
}

impl Field {
    /// The field `name` of a bit string.
    ///
    /// Fails to compile if there is none.
    #[must_use]
    pub const fn of(string: &str, name: &str, reading: Reading) -> Self {
        assert!(name.len() == 1, "a field's name is one letter");
        Self::lettered(string, name.as_bytes()[0], reading)
    }

    /// As [`Field::of`], by the letter.
    #[must_use]
    pub const fn lettered(string: &str, letter: u8, reading: Reading) -> Self {
        let mut plain = 0;
        let mut cursor = Cursor::new(string);
        while let Some(piece) = cursor.next() {
            if piece.what == letter && piece.to.is_none() {
                plain += 1;
            }
        }
        let mut field = Self {
            reading,
            segments: [const {
                Segment {
                    from: 0,
                    bits: 0,
                    to: 0,
                }
            }; SEGMENTS],
            count: 0,
            width: 0,
        };
        let mut left = width(string) as u8;
        let mut cursor = Cursor::new(string);
        while let Some(piece) = cursor.next() {
            left -= piece.bits;
            if piece.what != letter {
                continue;
            }
            let to = match piece.to {
                Some(to) => to,
                None => {
                    plain -= 1;
                    plain
                }
            };
            field.add(Segment {
                from: left,
                bits: piece.bits,
                to,
            });
        }
        assert!(field.count > 0, "the bit string has no such field");
        field
    }

    const fn add(&mut self, new: Segment) {
        if new.to + new.bits > self.width {
            self.width = new.to + new.bits;
        }
        if self.count > 0 {
            let last = &mut self.segments[self.count as usize - 1];
            if last.from == new.from + new.bits && last.to == new.to + new.bits {
                last.bits += new.bits;
                (last.from, last.to) = (new.from, new.to);
                return;
            }
        }
        self.segments[self.count as usize] = new;
        self.count += 1;
    }

    /// The field's value in an encoding.
    #[inline(always)]
    #[must_use]
    pub const fn take(&self, encoding: u32) -> i64 {
        let mut value = 0;
        let mut i = 0;
        while i < self.count as usize {
            let s = self.segments[i];
            let bits = encoding >> s.from & (u32::MAX >> (32 - s.bits as u32));
            value |= (bits as u64) << s.to;
            i += 1;
        }
        let unused = 64 - self.width as u32;
        let value = if self.reading.signed {
            ((value << unused) as i64) >> unused
        } else {
            value as i64
        };
        value + self.reading.plus
    }

    /// The bits of an encoding that hold this value; `None` if the field cannot hold it.
    #[must_use]
    pub fn put(&self, value: i64) -> Option<u32> {
        let raw = value.checked_sub(self.reading.plus)? as u64;
        let mut out = 0u32;
        for s in self.segments.iter().take(usize::from(self.count)) {
            let bits = (raw >> s.to) as u32 & (u32::MAX >> (32 - u32::from(s.bits)));
            out |= bits << s.from;
        }
        (self.take(out) == value).then_some(out)
    }
}
