//! Numbers and names in packets.

/// The value of a hexadecimal digit.
pub fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|value| value as u8)
}

/// Appends bytes as hexadecimal digits.
pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Bytes written as pairs of hexadecimal digits.
pub fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks();
    let byte = |[a, b]: &[u8; 2]| Some(digit(*a)? << 4 | digit(*b)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// A number in hexadecimal digits.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let add = |sum: u64, byte: &u8| Some(sum << 4 | u64::from(digit(*byte)?));
    text.iter().try_fold(0, add)
}

/// Two numbers with something between them.
pub fn pair(text: &[u8], between: u8) -> Option<(u64, u64)> {
    let (first, second) = split(text, between)?;
    Some((number(first)?, number(second)?))
}

/// What stands before and behind the first such byte.
pub fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// Which threads a packet names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threads {
    /// All of them.
    All,
    /// Any of them.
    Any,
    /// The one of this CPU.
    Cpu(usize),
}

impl Threads {
    /// Reads a thread's number, perhaps with a process before it; there is one process.
    pub fn read(text: &[u8]) -> Option<Self> {
        let thread = match text.strip_prefix(b"p") {
            None => text,
            Some(both) => match split(both, b'.') {
                Some((_, thread)) => thread,
                None => return Some(Self::All),
            },
        };
        match thread {
            b"-1" => Some(Self::All),
            b"0" => Some(Self::Any),
            _ => Some(Self::Cpu(
                usize::try_from(number(thread)?.checked_sub(1)?).ok()?,
            )),
        }
    }

    /// Whether a CPU is among them.
    pub fn has(self, cpu: usize) -> bool {
        match self {
            Self::All | Self::Any => true,
            Self::Cpu(one) => one == cpu,
        }
    }
}
