//! Packets: `$`, contents, `#`, and a checksum of two digits.

use super::words::{digit, hex};

/// The longest contents of a packet, either way; GDB is told.
// LIMIT: one packet of all registers, or of some KiB of memory.
pub const PACKET_BYTES: usize = 0x4000;

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A packet's contents.
    Packet(Vec<u8>),
    /// A packet that is longer than was agreed.
    TooLong,
    /// A packet whose checksum is wrong.
    Damaged,
    /// The other end asks for the last packet once more.
    Again,
    /// The other end wants the machine to stop.
    Interrupt,
}

/// Where in a packet the input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Outside,
    Inside,
    Escaped,
    /// In the checksum; the first digit, if it came.
    Checksum(Option<u8>),
}

/// Takes bytes apart.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    body: Vec<u8>,
    sum: u8,
    too_long: bool,
}

impl Decoder {
    /// Takes a byte; what it completes.
    pub fn byte(&mut self, byte: u8) -> Option<Input> {
        match self.state {
            State::Outside => return self.outside(byte),
            // A packet that begins anew was cut off.
            State::Inside | State::Escaped if byte == b'$' => self.begin(),
            State::Inside if byte == b'#' => self.state = State::Checksum(None),
            State::Inside => {
                self.sum = self.sum.wrapping_add(byte);
                match byte {
                    b'}' => self.state = State::Escaped,
                    _ => self.push(byte),
                }
            }
            State::Escaped => {
                self.sum = self.sum.wrapping_add(byte);
                self.push(byte ^ 0x20);
                self.state = State::Inside;
            }
            State::Checksum(None) => self.state = State::Checksum(Some(byte)),
            State::Checksum(Some(first)) => {
                self.state = State::Outside;
                return Some(self.ended(first, byte));
            }
        }
        None
    }

    fn outside(&mut self, byte: u8) -> Option<Input> {
        match byte {
            b'$' => {
                self.begin();
                None
            }
            b'-' => Some(Input::Again),
            0x03 => Some(Input::Interrupt),
            _ => None,
        }
    }

    fn begin(&mut self) {
        self.state = State::Inside;
        self.body.clear();
        (self.sum, self.too_long) = (0, false);
    }

    fn push(&mut self, byte: u8) {
        if self.body.len() < PACKET_BYTES {
            self.body.push(byte);
        } else {
            self.too_long = true;
        }
    }

    fn ended(&mut self, first: u8, second: u8) -> Input {
        let sum = digit(first).zip(digit(second)).map(|(a, b)| a << 4 | b);
        match (sum == Some(self.sum), self.too_long) {
            (false, _) => Input::Damaged,
            (true, true) => Input::TooLong,
            (true, false) => Input::Packet(std::mem::take(&mut self.body)),
        }
    }
}

/// Appends a packet with these contents.
pub fn encode(body: &[u8], out: &mut Vec<u8>) {
    out.push(b'$');
    let start = out.len();
    for byte in body {
        match byte {
            b'#' | b'$' | b'}' | b'*' => out.extend([b'}', byte ^ 0x20]),
            _ => out.push(*byte),
        }
    }
    let sum = out
        .iter()
        .skip(start)
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    out.push(b'#');
    hex(&[sum], out);
}
