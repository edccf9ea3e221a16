//! What of the guest's output may reach a terminal.
//!
//! A terminal obeys what is printed to it: it can be asked to answer, and its answer is typed
//! into whatever reads the keyboard; it can be retitled, and made to copy.
//! Here text, colours, movements of the cursor and erasing pass; everything else is taken out.
//! The sequences are those of ECMA-48 and of "XTerm Control Sequences".
//!
//! **Invariant**: no output of a guest makes the terminal send anything, and no sequence is kept
//! beyond a fixed length.

/// The longest control sequence that passes.
// LIMIT: colours of 24 bits with attributes have some thirty bytes.
const SEQUENCE_LIMIT: usize = 64;
/// After so many bytes a string that does not end is taken for text again.
// LIMIT: titles and replies are shorter, and a console must not fall silent for good.
const STRING_LIMIT: u32 = 4096;

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;

/// Finals of control sequences without prefix that write, move, erase, scroll or colour.
const FINALS: &[u8] = b"@ABCDEFGHIJKLMPSTXZ`abdefmrsu";
/// Private modes that may be switched: cursor keys, origin, wrap, blinking and visible cursor,
/// and the second screen in its four spellings.
const MODES: &[&[u8]] = &[
    b"1", b"6", b"7", b"12", b"25", b"47", b"1047", b"1048", b"1049",
];
/// Escapes of two bytes that save, restore or move the cursor, or choose the keypad.
const ESCAPES: &[u8] = b"78DEMH=>";

/// Where in a sequence the output is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Text,
    /// Inside a character of several bytes, of which so many are missing.
    Character(u8),
    /// Behind an escape.
    Escape,
    /// Behind an escape and an intermediate byte.
    Intermediate,
    /// In a control sequence.
    Control,
    /// In a string that is taken out; behind an escape in it or not; so many bytes of it so far.
    String {
        escape: bool,
        bytes: u32,
    },
}

/// Follows the guest's output.
#[derive(Clone, Debug)]
pub struct Filter {
    state: State,
    /// The sequence or character so far.
    kept: Vec<u8>,
    /// The guest has changed what must be put back.
    touched: bool,
    second_screen: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            state: State::Text,
            kept: Vec::new(),
            touched: false,
            second_screen: false,
        }
    }
}

impl Filter {
    /// Appends to `out` what may be shown of `bytes`.
    pub fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            self.byte(*byte, out);
        }
    }

    /// What puts the terminal back after the guest.
    #[must_use]
    pub fn farewell(&self) -> &'static [u8] {
        match (self.touched, self.second_screen) {
            (false, _) => b"",
            // Own screen, soft reset, first character set, colours, wrap, cursor.
            (true, true) => b"\x1b[?1049l\x1b[!p\x1b(B\x0f\x1b[0m\x1b[?7h\x1b[?25h",
            (true, false) => b"\x1b[!p\x1b(B\x0f\x1b[0m\x1b[?7h\x1b[?25h",
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.state {
            State::Text => self.text(byte, out),
            State::Character(missing) => self.character(missing, byte, out),
            State::Escape => self.escape(byte, out),
            State::Intermediate => self.intermediate(byte, out),
            State::Control => self.control(byte, out),
            State::String { escape, bytes } => self.string(escape, bytes, byte, out),
        }
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            ESC => self.begin(State::Escape, byte),
            // Of the controls: bell, back, tab, line and page feeds, return, character sets.
            0x07..=0x0f | 0x20..=0x7e => out.push(byte),
            0xc2..=0xdf => self.begin(State::Character(1), byte),
            0xe0..=0xef => self.begin(State::Character(2), byte),
            0xf0..=0xf4 => self.begin(State::Character(3), byte),
            // Bytes that begin no character are controls to old terminals.
            0x80..=0xff => out.push(b'?'),
            _ => {}
        }
    }

    fn begin(&mut self, state: State, byte: u8) {
        self.kept.clear();
        self.kept.push(byte);
        self.state = state;
    }

    fn character(&mut self, missing: u8, byte: u8, out: &mut Vec<u8>) {
        if !(0x80..=0xbf).contains(&byte) {
            out.push(b'?');
            self.state = State::Text;
            return self.text(byte, out);
        }
        self.kept.push(byte);
        if missing > 1 {
            self.state = State::Character(missing - 1);
            return;
        }
        self.state = State::Text;
        match str::from_utf8(&self.kept) {
            // Controls in two bytes are obeyed like those in one.
            Ok(text) if !text.chars().any(char::is_control) => out.extend(&self.kept),
            _ => out.push(b'?'),
        }
    }

    fn escape(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = State::Text;
        match byte {
            b'[' => {
                self.kept.push(byte);
                self.state = State::Control;
            }
            b']' | b'P' | b'X' | b'^' | b'_' => {
                self.state = State::String {
                    escape: false,
                    bytes: 0,
                };
            }
            0x20..=0x2f => {
                self.kept.push(byte);
                self.state = State::Intermediate;
            }
            0x30..=0x7e => {
                if ESCAPES.contains(&byte) {
                    self.touched = true;
                    out.extend([ESC, byte]);
                }
            }
            // Another escape, a control or a character: what began is dropped.
            _ => self.text(byte, out),
        }
    }

    fn intermediate(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            0x20..=0x2f if self.kept.len() < SEQUENCE_LIMIT => self.kept.push(byte),
            0x30..=0x7e => {
                let set = matches!(self.kept[..], [ESC, b'(' | b')']);
                if set && matches!(byte, b'0' | b'A' | b'B') {
                    self.touched = true;
                    out.extend(&self.kept);
                    out.push(byte);
                }
                self.state = State::Text;
            }
            _ => {
                self.state = State::Text;
                self.text(byte, out);
            }
        }
    }

    fn control(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            0x20..=0x3f => {
                // One byte more than the limit marks a sequence that is too long.
                if self.kept.len() <= SEQUENCE_LIMIT {
                    self.kept.push(byte);
                }
            }
            0x40..=0x7e => {
                self.state = State::Text;
                if self.kept.len() <= SEQUENCE_LIMIT && self.may_pass(byte) {
                    self.touched = true;
                    out.extend(&self.kept);
                    out.push(byte);
                }
            }
            _ => {
                self.state = State::Text;
                self.text(byte, out);
            }
        }
    }

    /// Whether the kept control sequence may end with this byte.
    fn may_pass(&mut self, end: u8) -> bool {
        let body = self.kept.get(2..).unwrap_or_default();
        if let Some(modes) = body.strip_prefix(b"?") {
            let mut all = modes.split(|byte| *byte == b';');
            let known = all.all(|mode| MODES.contains(&mode));
            if known && matches!(end, b'h' | b'l') {
                let screen = |mode: &[u8]| matches!(mode, b"47" | b"1047" | b"1049");
                if modes.split(|byte| *byte == b';').any(screen) {
                    self.second_screen = end == b'h';
                }
                return true;
            }
            return matches!(end, b'J' | b'K') && body.len() <= 2;
        }
        let plain = body
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
        match end {
            // Insert or replace; the other modes change what keys send.
            b'h' | b'l' => body == b"4",
            // The form of the cursor, and the soft reset.
            b'q' => body.strip_suffix(b" ").is_some_and(|n| n.len() <= 1),
            b'p' => body == b"!",
            _ => plain && FINALS.contains(&end),
        }
    }

    fn string(&mut self, escape: bool, bytes: u32, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'\\' if escape => self.state = State::Text,
            BEL | CAN | SUB => self.state = State::Text,
            // An escape that ends no string begins something new.
            _ if escape => {
                self.begin(State::Escape, ESC);
                self.escape(byte, out);
            }
            ESC => {
                self.state = State::String {
                    escape: true,
                    bytes,
                }
            }
            _ if bytes >= STRING_LIMIT => {
                self.state = State::Text;
                self.text(byte, out);
            }
            _ => {
                self.state = State::String {
                    escape: false,
                    bytes: bytes + 1,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(text: &[u8]) -> Vec<u8> {
        let (mut filter, mut out) = (Filter::default(), Vec::new());
        filter.pass(text, &mut out);
        out
    }

    fn check(rows: &[(&str, &str)]) {
        for (given, want) in rows {
            let got = filtered(given.as_bytes());
            assert_eq!(String::from_utf8_lossy(&got), *want, "{given:?}");
            // How the output is cut into pieces decides nothing.
            let (mut filter, mut out) = (Filter::default(), Vec::new());
            for byte in given.bytes() {
                filter.pass(&[byte], &mut out);
            }
            assert_eq!(out, got, "{given:?}");
        }
    }

    #[test]
    fn text_colours_and_movements_pass() {
        for text in [
            "hello\r\n\tworld\x08\x07",
            "grüße 漢字 🦀",
            "\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3m \x1b[4:3m",
            "\x1b[2J\x1b[H\x1b[10;20H\x1b[K\x1b[3A\x1b[2;20r",
            "\x1b7\x1b8\x1bM\x1b(0lqk\x1b(B\x1b[?25l\x1b[?1049h\x1b[?1;25l",
            "\x1b[4h\x1b[2 q\x1b[!p\x1b[?J",
        ] {
            check(&[(text, text)]);
        }
    }

    #[test]
    fn what_makes_a_terminal_answer_or_obey_is_taken_out() {
        check(&[
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"),
            ("a\x1bP+q544e\x1b\\b", "ab"),
            ("a\x1b_app\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\b", "ab"),
            ("a\x1b[cb\x1b[>c\x1b[=c\x1b[0c", "ab"),
            ("a\x1b[6n\x1b[5n\x1b[?6nb", "ab"),
            ("a\x05b\x1bZ\x1bc", "ab"),
            ("a\x1b[21t\x1b[1x\x1b[4i\x1b[?4i\x1b[20hb", "ab"),
            ("a\x1b[?2004h\x1b[?1000h\x1b[?25;1003hb", "ab"),
            ("a\x1b[>4;1m\x1b[>1u\x1b[?u\x1b[$p\x1b[?25$pb", "ab"),
            ("a\u{9b}6n\u{9d}0;x\u{7}b", "a?6n?0;x\u{7}b"),
            ("a\x1b[6\x1b[6nb", "ab"),
            ("a\x1b[6\nnb", "a\nnb"),
            ("a\x1b\x1b]x\x07b", "ab"),
            ("a\x1b]x\x1b[31mb", "a\x1b[31mb"),
            ("a\x1b]x\x1b]y\x07b", "ab"),
            ("a\x1b%Gb\x1b#8c", "abc"),
        ]);
    }

    #[test]
    fn bytes_that_are_no_characters_do_not_reach_the_terminal() {
        for (given, want) in [
            (&b"a\x9b6nb"[..], &b"a?6nb"[..]),
            (b"a\xffb", b"a?b"),
            (b"\xe6\xbcx", b"?x"),
            (b"\xc2\x1b[c!", b"?!"),
            (b"\xed\xa0\x80", b"?"),
            (b"\xc0\x9b", b"??"),
        ] {
            assert_eq!(filtered(given), want, "{given:?}");
        }
    }

    #[test]
    fn nothing_is_kept_without_bound() {
        let (mut filter, mut out) = (Filter::default(), Vec::new());
        filter.pass(b"\x1b[", &mut out);
        filter.pass(&[b'1'; 100_000], &mut out);
        assert!(filter.kept.len() <= SEQUENCE_LIMIT + 1);
        filter.pass(b"mx", &mut out);
        assert_eq!(out, b"x");
        out.clear();
        filter.pass(b"\x1b]", &mut out);
        filter.pass(&[b'y'; STRING_LIMIT as usize + 10], &mut out);
        assert_eq!(out.len(), 10);
    }

    #[test]
    fn a_terminal_that_was_changed_is_put_back() {
        for (text, resets, leaves) in [
            ("plain\r\n", false, false),
            ("\x1b[1m", true, false),
            ("\x1b[?1049h", true, true),
            ("\x1b[?1049h\x1b[?1049l", true, false),
        ] {
            let mut filter = Filter::default();
            filter.pass(text.as_bytes(), &mut Vec::new());
            let end = filter.farewell();
            assert_eq!(!end.is_empty(), resets, "{text:?}");
            assert_eq!(end.starts_with(b"\x1b[?1049l"), leaves, "{text:?}");
        }
    }
}
