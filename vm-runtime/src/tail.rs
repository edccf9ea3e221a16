//! The last lines of a console.

use std::collections::VecDeque;

/// How many bytes are kept.
// LIMIT: a kernel's report of its panic has some 2 KiB; nobody reads more behind a failure.
const KEPT: usize = 16 << 10;

/// What was printed last.
#[derive(Clone, Debug, Default)]
pub struct Tail(VecDeque<u8>);

impl Tail {
    /// Takes more output.
    pub fn feed(&mut self, bytes: &[u8]) {
        let bytes = bytes
            .get(bytes.len().saturating_sub(KEPT)..)
            .unwrap_or(bytes);
        let surplus = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..surplus);
        self.0.extend(bytes);
    }

    /// The lines as text, without what a terminal would obey; the first one may have lost its
    /// beginning.
    pub fn lines(&self) -> Vec<String> {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<String> = text.split('\n').map(plain).collect();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        lines
    }
}

/// A line without escape sequences and control characters; behind a carriage return it is
/// written anew, unless that is all.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            text.extend((!c.is_control() || c == '\t').then_some(c));
            continue;
        }
        // Sequences of colours and movements end with a letter.
        if chars.next() == Some('[') {
            let _ = chars.find(|c| ('@'..='~').contains(c));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_plain_text() {
        for (bytes, want) in [
            (&b""[..], &[][..]),
            (b"a\r\nb\r\n\r\n", &["a", "b"]),
            (b"50%\r100%\r\n", &["100%"]),
            (b"\x1b[1;31mred\x1b[0m\x07\tx\x1b", &["red\tx"]),
            (b"\x1b[", &[]),
            (b"a\n\n\xff", &["a", "", "\u{fffd}"]),
        ] {
            let mut tail = Tail::default();
            tail.feed(bytes);
            assert_eq!(tail.lines(), want, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.feed(format!("line {number}\n").as_bytes());
        }
        assert!(tail.0.len() <= KEPT);
        let lines = tail.lines();
        assert_eq!(lines.last().map(String::as_str), Some("line 9999"));
        tail.feed(&[b'x'; 3 * KEPT]);
        assert_eq!(tail.lines(), ["x".repeat(KEPT)]);
    }
}
