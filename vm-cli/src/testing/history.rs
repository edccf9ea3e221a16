//! What a guest has printed, and the search in it.

use super::pattern::Pattern;

/// How much of what was printed is kept.
// LIMIT: a guest may print for ever; nobody reads more than this behind a failure.
const KEPT: usize = 4 << 20;
/// How much of a line a regular expression sees: the end of it.
// LIMIT: the line is looked at anew for each byte, which a line without an end would make slow.
const LINE: usize = 1024;

/// What was printed, as plain text: without carriage returns and escape sequences.
#[derive(Debug, Default)]
pub struct History {
    text: Vec<u8>,
    escape: Escape,
    /// Where the search begins: behind the last match.
    from: usize,
    /// Where the last line begins that search has come to.
    line: usize,
    /// How far the search has come.
    searched: usize,
    /// Where what the machine printed since its last start begins.
    boot: usize,
}

/// Where in an escape sequence the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    Outside,
    /// Behind the escape character.
    Begun,
    /// In a sequence that ends with a letter.
    Control,
    /// In a text for the terminal, which ends with a bell or an escape.
    Text,
}

impl Escape {
    /// Takes a byte; false if it belongs to a sequence.
    fn passes(&mut self, byte: u8) -> bool {
        let before = *self;
        *self = match (before, byte) {
            (Self::Text, 7) => Self::Outside,
            (_, 0x1b) => Self::Begun,
            (Self::Begun, b'[') => Self::Control,
            (Self::Begun, b']' | b'P' | b'^' | b'_') => Self::Text,
            // Those that say which character set have one more byte.
            (Self::Begun, b'(' | b')') => Self::Begun,
            (Self::Begun, _) | (Self::Control, 0x40..=0x7e) => Self::Outside,
            // A new line ends what was no sequence after all.
            (_, b'\n') => Self::Outside,
            (other, _) => other,
        };
        byte == b'\n' || before == Self::Outside && *self == Self::Outside
    }
}

impl History {
    /// Takes a byte; true if the text has become longer.
    pub fn push(&mut self, byte: u8) -> bool {
        let printed = self.escape.passes(byte) && (byte >= b' ' || matches!(byte, b'\n' | b'\t'));
        if printed && byte != 0x7f {
            self.text.push(byte);
            if self.text.len() >= 2 * KEPT {
                self.forget(self.text.len() - KEPT);
            }
            return true;
        }
        false
    }

    fn forget(&mut self, count: usize) {
        self.text.drain(..count);
        for place in [
            &mut self.from,
            &mut self.line,
            &mut self.searched,
            &mut self.boot,
        ] {
            *place = place.saturating_sub(count);
        }
    }

    /// Looks at what has not been looked at yet, byte by byte as it was printed; true where the
    /// pattern is found first, and the next search begins there.
    pub fn find(&mut self, pattern: &Pattern) -> bool {
        while self.searched < self.text.len() {
            self.searched += 1;
            if self.ends_with(pattern) {
                self.from = self.searched;
                return true;
            }
            if self.text[self.searched - 1] == b'\n' {
                self.line = self.searched;
            }
        }
        false
    }

    /// Whether the pattern is found in what was printed last.
    ///
    /// It is asked for each byte, so that it is found as soon as it is there.
    #[must_use]
    pub fn has_now(&self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Text(wanted) => self.text.ends_with(wanted),
            Pattern::Regex(regex) => {
                let end = self.text.len();
                let least = end.saturating_sub(LINE);
                let line = self.text[least..end].iter().rposition(|b| *b == b'\n');
                regex.is_match(&self.text[line.map_or(least, |at| least + at + 1)..])
            }
        }
    }

    /// Whether the pattern is found at the place to which the search has come.
    fn ends_with(&self, pattern: &Pattern) -> bool {
        let begin = match pattern {
            Pattern::Text(_) => self.from,
            Pattern::Regex(_) => self
                .from
                .max(self.line)
                .max(self.searched.saturating_sub(LINE)),
        };
        let seen = &self.text[begin.min(self.searched)..self.searched];
        match pattern {
            Pattern::Text(wanted) => seen.ends_with(wanted),
            Pattern::Regex(_) if seen.last() == Some(&b'\n') => false,
            Pattern::Regex(regex) => regex.is_match(seen),
        }
    }

    /// Whether the pattern is anywhere in what the machine printed since it was started.
    #[must_use]
    pub fn has(&self, pattern: &Pattern) -> bool {
        let text = &self.text[self.boot..];
        match pattern {
            Pattern::Text(_) => pattern.is_in(text),
            Pattern::Regex(regex) => text.split(|b| *b == b'\n').any(|line| regex.is_match(line)),
        }
    }

    /// Goes back to the last match: what was printed behind it is looked at again.
    pub fn search_anew(&mut self) {
        self.searched = self.from;
        let begin = self.text[..self.from].iter().rposition(|b| *b == b'\n');
        self.line = begin.map_or(0, |at| at + 1);
    }

    /// Begins anew: what was printed before belongs to a machine that has been reset.
    pub fn new_boot(&mut self) {
        self.boot = self.text.len();
        self.from = self.boot;
        self.search_anew();
    }

    /// The place behind the last match, for [`History::since`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.from
    }

    /// What was printed between a mark and the last match.
    #[must_use]
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.text[mark.min(self.from)..self.from]
    }

    /// The last lines.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let lines = text.rsplit(|b| *b == b'\n').take(count);
        let mut lines: Vec<String> = lines
            .map(|line| {
                let text = String::from_utf8_lossy(line).replace('\t', "    ");
                // LIMIT: a line that is shown; a guest may print one without an end.
                let mut cut: String = text.chars().take(300).collect();
                if cut.len() < text.len() {
                    cut.push_str(" ...");
                }
                cut
            })
            .collect();
        lines.reverse();
        lines
    }

    /// The last line that has one of these in it.
    #[must_use]
    pub fn line_with(&self, signs: &[&str]) -> Option<String> {
        let mut lines = self.text.rsplit(|b| *b == b'\n');
        let found = lines.find_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            signs.iter().any(|sign| line.contains(sign)).then_some(line)
        });
        found.map(|line| line.chars().take(200).collect())
    }
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;

    fn text(wanted: &str) -> Pattern {
        Pattern::Text(wanted.as_bytes().to_vec())
    }

    fn regex(wanted: &str) -> Pattern {
        Pattern::Regex(Regex::new(wanted).expect("an expression"))
    }

    fn printed(bytes: &str) -> History {
        let mut history = History::default();
        for byte in bytes.bytes() {
            history.push(byte);
        }
        history
    }

    #[test]
    fn text_is_plain() {
        for (bytes, want) in [
            ("a\r\nb", "a\nb"),
            ("\x1b[1;32m  OK  \x1b[0m done", "  OK   done"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]0;title\x1b\\x", "x"),
            ("\x1b(Bx", "x"),
            ("a\x1b[6n# ", "a# "),
            ("a\x08\x7fb\tc", "ab\tc"),
            ("\x1b[12\nx", "\nx"),
            ("\x1bcx", "x"),
        ] {
            assert_eq!(printed(bytes).text, want.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn the_first_place_counts_whenever_one_asks() {
        let said = "one two\nthree two\n~ # ";
        for (pattern, behind) in [
            (text("two"), "one two"),
            (text("two\nth"), "one two\nth"),
            (regex("t\\w"), "one tw"),
            (regex("^th"), "one two\nth"),
            (regex("# $"), said),
        ] {
            // In history, and while it is printed.
            let mut history = printed(said);
            assert!(history.find(&pattern), "{pattern:?}");
            assert_eq!(history.since(0), behind.as_bytes(), "{pattern:?}");
            let mut live = History::default();
            for byte in said.bytes() {
                live.push(byte);
                if live.find(&pattern) {
                    break;
                }
            }
            assert_eq!(live.since(0), behind.as_bytes(), "{pattern:?}");
        }
    }

    #[test]
    fn a_search_begins_behind_the_last_match() {
        let mut history = printed("ab ab ab");
        assert!(history.find(&text("ab")) && history.find(&text("ab")));
        assert_eq!(history.since(0), b"ab ab");
        assert!(!history.find(&text("abc")));
        history.search_anew();
        assert!(history.find(&text(" ab")) && !history.find(&text("ab")));
        history.search_anew();
        assert!(!history.find(&text("ab")));
    }

    #[test]
    fn a_new_boot_hides_the_one_before() {
        let mut history = printed("old\n");
        history.new_boot();
        assert!(!history.has(&text("old")) && !history.find(&text("old")));
        for byte in b"new\n" {
            history.push(*byte);
        }
        assert!(history.has(&regex("^new$")) && history.find(&text("new")));
        assert_eq!(history.last_lines(5), ["old", "new"]);
    }

    #[test]
    fn memory_has_a_bound_and_places_survive() {
        let mut history = History::default();
        for number in 0..3 * KEPT {
            history.push(if number % 64 == 63 { b'\n' } else { b'x' });
        }
        assert!(history.text.len() < 2 * KEPT);
        for byte in b"end" {
            history.push(*byte);
        }
        assert!(history.find(&text("end")));
        assert_eq!(history.last_lines(1), ["end"]);
    }
}
