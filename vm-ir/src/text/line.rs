//! The words of one line.

use super::parse::Wrong;

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    rest: &'a str,
}

impl<'a> Line<'a> {
    /// The line without its comment.
    pub(super) fn new(text: &'a str) -> Self {
        let code = text.split_once(';').map_or(text, |(code, _)| code);
        Self { rest: code.trim() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next word, if one is next: letters, digits, and what names have besides.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '#');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return None;
        }
        self.rest = rest.trim_start();
        Some(word)
    }

    /// The next word, which must be there.
    pub(super) fn expect_word(&mut self) -> Result<&'a str, Wrong> {
        self.word().ok_or_else(|| self.wrong("a name"))
    }

    /// Whether this mark or word is next; if so, it is taken.
    pub(super) fn takes(&mut self, text: &str) -> bool {
        let mut line = *self;
        let found = match line.word() {
            Some(word) => word == text,
            None => line.rest.strip_prefix(text).is_some_and(|rest| {
                line.rest = rest.trim_start();
                true
            }),
        };
        if found {
            *self = line;
        }
        found
    }

    /// Takes this mark or word, which must be next.
    pub(super) fn expect(&mut self, text: &'static str) -> Result<(), Wrong> {
        if self.takes(text) {
            Ok(())
        } else {
            Err(self.wrong(text))
        }
    }

    /// A number, decimal or behind `0x`.
    pub(super) fn number(&mut self) -> Result<u64, Wrong> {
        let at = *self;
        let parsed = self.word().and_then(|word| match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        });
        parsed.ok_or_else(|| at.wrong("a number"))
    }

    /// A number of 32 bits.
    pub(super) fn number32(&mut self) -> Result<u32, Wrong> {
        let at = *self;
        u32::try_from(self.number()?).map_err(|_| at.wrong("a smaller number"))
    }

    /// A number with its sign, which must be there.
    pub(super) fn signed(&mut self) -> Result<i64, Wrong> {
        let at = *self;
        let negative = self.takes("-");
        if !negative {
            self.expect("+")?;
        }
        let size = self.number()?;
        let value = if negative {
            0i64.checked_sub_unsigned(size)
        } else {
            i64::try_from(size).ok()
        };
        value.ok_or_else(|| at.wrong("a smaller number"))
    }

    /// Whether a sign is next.
    pub(super) fn has_sign(&self) -> bool {
        self.rest.starts_with(['+', '-'])
    }

    /// Nothing may be left.
    pub(super) fn finish(&self) -> Result<(), Wrong> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.wrong("the end of the line"))
        }
    }

    /// What is next is not what is wanted.
    pub(super) fn wrong(&self, wanted: &'static str) -> Wrong {
        let found = self.rest.to_owned();
        Wrong::Expected { wanted, found }
    }
}
