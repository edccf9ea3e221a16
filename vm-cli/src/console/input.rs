//! Where the guest's input comes from.

use std::time::{Duration, Instant};

use vm_runtime::{ConsoleHub, Control, InputSink};

use super::KEYS;
use super::keys::{Action, Keys};
use crate::out;

/// How long to wait for a guest that does not read.
const PATIENCE: Duration = Duration::from_millis(5);

/// Input that is all for the guest.
pub struct Pipe(pub ConsoleHub);

impl InputSink for Pipe {
    fn bytes(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let taken = self.0.feed(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() {
                return true;
            }
            std::thread::sleep(PATIENCE);
        }
    }

    fn end(&mut self) {
        self.0.close();
    }
}

/// A user at a terminal: some keys are for us.
pub struct Keyboard {
    hub: ConsoleHub,
    control: Control,
    keys: Keys,
    start: Instant,
}

impl Keyboard {
    /// A keyboard for a run.
    #[must_use]
    pub fn new(hub: ConsoleHub, control: Control) -> Self {
        Self {
            hub,
            control,
            keys: Keys::default(),
            start: Instant::now(),
        }
    }

    fn status(&self) -> String {
        let (count, seconds) = (
            self.control.instructions(),
            self.start.elapsed().as_secs_f64(),
        );
        let guest = self.control.guest_ns() as f64 / 1e9;
        let mips = count as f64 / 1e6 / seconds.max(1e-9);
        format!(
            "\r\n{count} instructions, guest time {guest:.3} s, \
             {mips:.0} million instructions a second since the start\r\n"
        )
    }
}

impl InputSink for Keyboard {
    fn bytes(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match self.keys.press(*byte, self.start.elapsed()) {
                Action::Wait => {}
                Action::Send(byte) => drop(self.hub.feed(&[byte])),
                Action::SendBoth(byte) => drop(self.hub.feed(&[0x01, byte])),
                Action::SendAndHint(byte) => {
                    self.hub.feed(&[byte]);
                    out::tell("\r\nCtrl-C goes to the guest; Ctrl-] q leaves\r\n");
                }
                Action::Quit => self.control.quit(),
                Action::Reset => {
                    out::tell("\r\nreset\r\n");
                    self.control.reset();
                }
                Action::Help => out::tell(KEYS),
                Action::Status => out::tell(&self.status()),
            }
        }
        self.hub.waker().wake();
        true
    }

    fn end(&mut self) {
        self.hub.close();
    }
}
