//! Recognises a kernel panic by what it prints, and remembers one that was told.

/// What the kernel of Linux prints when it panics.
const CERTAIN: &[u8] = b"Kernel panic - not syncing";
/// What it prints when it has said everything about it.
const OVER: &[u8] = b"---[ end Kernel panic";
/// What other kernels print at the beginning of a line, and some programs that end badly.
const LIKELY: &[u8] = b"panic: ";

/// Follows the console's output.
#[derive(Clone, Debug, Default)]
pub struct PanicWatch {
    /// The end of the current line, as much as the longest signature needs.
    line: Vec<u8>,
    /// How many bytes of the line came before that.
    cut: bool,
    likely: bool,
    certain: bool,
    /// The last line of the report has begun.
    last: bool,
    over: bool,
    /// A device was told.
    told: bool,
}

impl PanicWatch {
    /// Whether a panic was printed, by a kernel or by a program, or told to a device.
    #[must_use]
    pub fn seen(&self) -> bool {
        self.certain || self.likely || self.told
    }

    /// A device was told of a panic.
    pub fn told(&mut self) {
        self.told = true;
    }

    /// Whether a device was told of a panic.
    #[must_use]
    pub fn was_told(&self) -> bool {
        self.told
    }

    /// Whether what was printed is a kernel's panic.
    #[must_use]
    pub fn certain(&self) -> bool {
        self.certain
    }

    /// Whether the kernel's report of its panic has come to its end.
    #[must_use]
    pub fn over(&self) -> bool {
        self.over
    }

    /// Takes more output.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.line.clear();
                self.cut = false;
                self.over |= self.last;
                continue;
            }
            if self.line.len() == CERTAIN.len() {
                self.line.remove(0);
                self.cut = true;
            }
            self.line.push(*byte);
            self.likely |= !self.cut && self.line == LIKELY;
            self.certain |= self.line.ends_with(CERTAIN);
            self.last |= self.certain && self.line.ends_with(OVER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_told_from_talk_about_panics() {
        for (text, seen, certain, over) in [
            (
                "[    1.0] Kernel panic - not syncing: Attempted to kill init!\n",
                true,
                true,
                false,
            ),
            (
                "Kernel panic - not syncing: x\n[ 2.0] ---[ end Kernel panic - not syncing: x ]---",
                true,
                true,
                false,
            ),
            (
                "Kernel panic - not syncing: x\r\n---[ end Kernel panic - not syncing: x ]---\r\n",
                true,
                true,
                true,
            ),
            ("---[ end Kernel panic\n", false, false, false),
            ("\r\npanic: page fault\r\n", true, false, false),
            ("Kernel command line: panic=-1\n", false, false, false),
            ("do not panic: it is fine\n", false, false, false),
            ("Kernel panic - not\nsyncing", false, false, false),
            (
                "a long line that goes on and on until its start is forgotten panic: x",
                false,
                false,
                false,
            ),
        ] {
            let mut watch = PanicWatch::default();
            for byte in text.bytes() {
                watch.feed(&[byte]);
            }
            let got = (watch.seen(), watch.certain(), watch.over());
            assert_eq!(got, (seen, certain, over), "{text:?}");
        }
    }
}
