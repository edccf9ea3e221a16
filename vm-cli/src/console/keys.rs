//! What the user types: the guest's keys, and ours.

use std::time::Duration;

const CTRL_A: u8 = 0x01;
const CTRL_C: u8 = 0x03;
const CTRL_BRACKET: u8 = 0x1d;

/// So many Ctrl-C within so long mean that somebody wants to leave.
const IMPATIENT: usize = 3;
const PATIENCE: Duration = Duration::from_secs(1);

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing yet.
    Wait,
    /// A byte for the guest.
    Send(u8),
    /// A Ctrl-A that was kept back, and a byte.
    SendBoth(u8),
    /// A byte for the guest, and a hint for the user how to leave.
    SendAndHint(u8),
    /// End the run.
    Quit,
    /// Restart the machine.
    Reset,
    /// Show the keys.
    Help,
    /// Show how far the guest is.
    Status,
}

/// Tells the guest's keys from ours.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The key that was pressed before and waits for another one.
    prefix: Option<u8>,
    /// When Ctrl-C was last pressed, newest first.
    interrupts: [Option<Duration>; IMPATIENT],
}

impl Keys {
    /// Takes a byte that came at a time.
    pub fn press(&mut self, byte: u8, now: Duration) -> Action {
        match (self.prefix.take(), byte) {
            (None, CTRL_BRACKET | CTRL_A) => {
                self.prefix = Some(byte);
                Action::Wait
            }
            (None, CTRL_C) => self.interrupt(now),
            (None, _) => Action::Send(byte),
            (Some(CTRL_A), b'x' | b'X') => Action::Quit,
            (Some(CTRL_A), b'a' | CTRL_A) => Action::Send(CTRL_A),
            (Some(CTRL_A), CTRL_BRACKET) => {
                self.prefix = Some(CTRL_BRACKET);
                Action::Send(CTRL_A)
            }
            // Whoever means Ctrl-A for a line editor types on.
            (Some(CTRL_A), _) => Action::SendBoth(byte),
            (Some(_), b'q' | b'Q' | b'x') => Action::Quit,
            (Some(_), b'r' | b'R') => Action::Reset,
            (Some(_), b's' | b'S') => Action::Status,
            (Some(_), CTRL_BRACKET) => Action::Send(CTRL_BRACKET),
            (Some(_), _) => Action::Help,
        }
    }

    fn interrupt(&mut self, now: Duration) -> Action {
        self.interrupts.rotate_right(1);
        self.interrupts[0] = Some(now);
        let oldest = self.interrupts[IMPATIENT - 1];
        if oldest.is_some_and(|oldest| now.saturating_sub(oldest) <= PATIENCE) {
            self.interrupts = [None; IMPATIENT];
            return Action::SendAndHint(CTRL_C);
        }
        Action::Send(CTRL_C)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_guests_but_for_two_prefixes() {
        use Action::*;
        for (typed, want) in [
            ("ab", &[Send(b'a'), Send(b'b')][..]),
            ("\x1dq", &[Wait, Quit]),
            ("\x1dr", &[Wait, Reset]),
            ("\x1ds", &[Wait, Status]),
            ("\x1dh", &[Wait, Help]),
            ("\x1d?x", &[Wait, Help, Send(b'x')]),
            ("\x1d\x1d", &[Wait, Send(0x1d)]),
            ("\x01x", &[Wait, Quit]),
            ("\x01a", &[Wait, Send(1)]),
            ("\x01\x01", &[Wait, Send(1)]),
            ("\x01k", &[Wait, SendBoth(b'k')]),
            ("\x01\x1dq", &[Wait, Send(1), Quit]),
            ("\x03\x03", &[Send(3), Send(3)]),
            (
                "\x03\x03\x03\x03",
                &[Send(3), Send(3), SendAndHint(3), Send(3)],
            ),
            ("\x1a\x1c\x04", &[Send(0x1a), Send(0x1c), Send(4)]),
        ] {
            let mut keys = Keys::default();
            let got: Vec<Action> = typed
                .bytes()
                .map(|byte| keys.press(byte, Duration::ZERO))
                .collect();
            assert_eq!(got, want, "{typed:?}");
        }
    }

    #[test]
    fn only_hasty_interrupts_bring_the_hint() {
        for (gap_ms, want) in [(400, Action::SendAndHint(3)), (600, Action::Send(3))] {
            let mut keys = Keys::default();
            let mut last = Action::Wait;
            for press in 0..3 {
                last = keys.press(CTRL_C, Duration::from_millis(gap_ms * press));
            }
            assert_eq!(last, want, "{gap_ms}");
        }
    }
}
