//! Recognises a kernel panic by what it prints.

/// What kernels print when they panic.
const SIGNATURES: [&[u8]; 2] = [b"Kernel panic - not syncing", b"panic: "];

/// The first of [`SIGNATURES`] counts anywhere, the others only at the beginning of a line.
const ANYWHERE: usize = 1;

/// Follows the console's output.
#[derive(Clone, Debug, Default)]
pub struct PanicWatch {
    /// The end of the current line, as much as the longest signature needs.
    line: Vec<u8>,
    /// How many bytes of the line came before that.
    cut: bool,
    seen: bool,
}

impl PanicWatch {
    /// Whether a panic was printed.
    #[must_use]
    pub fn seen(&self) -> bool {
        self.seen
    }

    /// Takes more output.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.line.clear();
                self.cut = false;
                continue;
            }
            if self.line.len() == SIGNATURES[0].len() {
                self.line.remove(0);
                self.cut = true;
            }
            self.line.push(*byte);
            let anywhere = SIGNATURES[..ANYWHERE]
                .iter()
                .any(|s| self.line.ends_with(s));
            let begins = !self.cut && SIGNATURES[ANYWHERE..].contains(&&*self.line);
            self.seen |= anywhere || begins;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_told_from_talk_about_panics() {
        for (text, want) in [
            (
                "[    1.0] Kernel panic - not syncing: Attempted to kill init!\n",
                true,
            ),
            ("\r\npanic: page fault\r\n", true),
            ("Kernel command line: panic=-1\n", false),
            ("do not panic: it is fine\n", false),
            ("Kernel panic - not\nsyncing", false),
            (
                "a long line that goes on and on until its start is forgotten panic: x",
                false,
            ),
        ] {
            let mut watch = PanicWatch::default();
            for byte in text.bytes() {
                watch.feed(&[byte]);
            }
            assert_eq!(watch.seen(), want, "{text:?}");
        }
    }
}
