//! How far a guest's boot has come, by what it prints.
//!
//! The words are those of the programs that boot most guests; a guest that prints others has
//! fewer phases, and nothing but what is shown to the user depends on them.

use std::fmt::Write;
use std::time::Duration;

/// The longest part of a line that is looked at.
// LIMIT: the words stand at the begin of a line, and prompts are short.
const LINE_LIMIT: usize = 200;

/// What a guest does, in the order in which guests do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A firmware.
    Firmware,
    /// A boot loader.
    Loader,
    /// A kernel.
    Kernel,
    /// The first program of a user's.
    Init,
    /// It waits for somebody to log in or to type.
    Ready,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Loader => "loader",
            Self::Kernel => "kernel",
            Self::Init => "init",
            Self::Ready => "ready",
        }
    }
}

/// What lines begin with.
const BEGINS: &[(&str, Phase)] = &[
    ("OpenSBI v", Phase::Firmware),
    ("SeaBIOS (version ", Phase::Firmware),
    ("UEFI firmware (version ", Phase::Firmware),
    ("U-Boot ", Phase::Loader),
    ("Welcome to GRUB!", Phase::Loader),
    ("Linux version ", Phase::Kernel),
    ("Booting Linux on physical CPU ", Phase::Kernel),
    ("systemd[1]: systemd ", Phase::Init),
    ("Welcome to ", Phase::Init),
    ("init started: BusyBox", Phase::Init),
    ("INIT: version ", Phase::Init),
    ("OpenRC ", Phase::Init),
];

/// Where in a control sequence the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Control,
}

/// Follows a boot.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// When each phase was first seen, in order.
    seen: Vec<(Phase, Duration)>,
    /// The begin of the line so far, without what steers the terminal.
    line: Vec<u8>,
    escape: Escape,
}

impl Phases {
    /// Takes output that came at a time since the start; whether something new was seen.
    pub fn feed(&mut self, bytes: &[u8], now: Duration) -> bool {
        if self.is_ready() {
            return false;
        }
        let before = self.seen.len();
        for byte in bytes {
            self.byte(*byte, now);
        }
        if is_prompt(&self.line) {
            self.note(Phase::Ready, now);
        }
        self.seen.len() > before
    }

    /// Whether the guest has come to its prompt.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.seen
            .last()
            .is_some_and(|(last, _)| *last == Phase::Ready)
    }

    /// The phases and when they were seen.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "boot  ".to_owned();
        for (phase, at) in &self.seen {
            let _ = write!(text, "  {} {:.1}s", phase.name(), at.as_secs_f64());
        }
        text
    }

    fn byte(&mut self, byte: u8, now: Duration) {
        match (self.escape, byte) {
            (Escape::Begun, b'[') => self.escape = Escape::Control,
            (Escape::Begun, _) | (Escape::Control, 0x40..=0x7e) => self.escape = Escape::None,
            (Escape::Control, _) => {}
            (Escape::None, 0x1b) => self.escape = Escape::Begun,
            (Escape::None, b'\r' | b'\n') => {
                if let Some(phase) = meaning(&self.line) {
                    self.note(phase, now);
                }
                self.line.clear();
            }
            (Escape::None, _) => {
                if self.line.len() < LINE_LIMIT {
                    self.line.push(byte);
                }
            }
        }
    }

    /// Phases come one after the other: an earlier one, or the same again, means nothing.
    fn note(&mut self, phase: Phase, now: Duration) {
        if self.seen.last().is_none_or(|(last, _)| *last < phase) {
            self.seen.push((phase, now));
        }
    }
}

/// What a whole line says.
fn meaning(line: &[u8]) -> Option<Phase> {
    let line = String::from_utf8_lossy(line);
    let line = without_time(line.trim_start());
    if line.starts_with("Run ") && line.trim_end().ends_with(" as init process") {
        return Some(Phase::Init);
    }
    let mut begins = BEGINS.iter();
    begins.find_map(|(words, phase)| line.starts_with(words).then_some(*phase))
}

/// A line of a kernel's without the time in front.
fn without_time(line: &str) -> &str {
    let time = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let is_time = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || b" .".contains(&b))
    };
    match time {
        Some((time, rest)) if is_time(time) => rest,
        _ => line,
    }
}

/// Whether a line that is not at its end asks for something to be typed.
fn is_prompt(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else {
        return false;
    };
    let shell = line
        .strip_suffix(" # ")
        .or_else(|| line.strip_suffix(" $ "));
    let folder = shell.is_some_and(|at| at.starts_with(['~', '/']) && !at.contains(' '));
    let host = line.strip_suffix(" login: ");
    folder || host.is_some_and(|host| !host.contains(' ')) || line == "login: "
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output in pieces, a second each; the phases by name and second.
    fn check(pieces: &[&str], want: &str) {
        let mut whole = Phases::default();
        for (second, piece) in (1..).zip(pieces) {
            whole.feed(piece.as_bytes(), Duration::from_secs(second));
        }
        assert_eq!(whole.text(), format!("boot  {want}"), "{pieces:?}");
        // However the output is cut, the same is seen.
        let mut bytes = Phases::default();
        for (second, piece) in (1..).zip(pieces) {
            for byte in piece.bytes() {
                bytes.feed(&[byte], Duration::from_secs(second));
            }
        }
        assert_eq!(bytes.text(), whole.text(), "{pieces:?} in bytes");
    }

    #[test]
    fn phases_are_seen_by_the_words_of_the_programs() {
        check(
            &[
                "\r\nOpenSBI v1.6\r\n   ____",
                "\r\nU-Boot 2025.01 (Jan 01)\r\n",
                "[    0.000000] Linux version 6.12.107+deb13-riscv64 (debian)\r\n",
                "[    0.930673] Run /init as init process\r\n",
                "Welcome to \x1b[1mDebian GNU/Linux 13\x1b[0m!\r\n",
                "\r\nDebian GNU/Linux 13 debian ttyS0\r\n\r\ndebian login: ",
            ],
            "  firmware 1.0s  loader 2.0s  kernel 3.0s  init 4.0s  ready 6.0s",
        );
        check(&["\x1b[!p\x1b[?7hlocalhost login: "], "  ready 1.0s");
        check(&["Linux version 6\n", "~ # "], "  kernel 1.0s  ready 2.0s");
    }

    #[test]
    fn what_only_looks_like_a_phase_is_none() {
        for text in [
            "[x] Linux version 6\n",
            "the Linux version 6\n",
            "who may login: all\n",
            "a $ is no prompt $ ",
            "C # ",
            "Run for your life\n",
            "Linux version 6",
        ] {
            check(&[text], "");
        }
    }

    #[test]
    fn after_the_prompt_nothing_counts_and_no_line_is_kept_whole() {
        let mut phases = Phases::default();
        assert!(phases.feed(b"login: ", Duration::from_secs(2)));
        assert!(phases.is_ready());
        assert!(!phases.feed(b"\nLinux version 6\n", Duration::from_secs(3)));
        assert_eq!(phases.text(), "boot    ready 2.0s");
        let mut phases = Phases::default();
        phases.feed(&[b'x'; 100_000], Duration::ZERO);
        assert!(phases.line.len() <= LINE_LIMIT);
    }
}
