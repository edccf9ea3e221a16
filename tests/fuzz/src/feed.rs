//! Bytes as the choices of a stranger.

/// Hands out bytes as numbers; when they are used up, zeroes.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a>(&'a [u8]);

impl<'a> Feed<'a> {
    /// All of these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// At most so many bytes.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (now, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        now
    }

    /// A byte.
    pub fn u8(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// Two bytes.
    pub fn u16(&mut self) -> u16 {
        u16::from(self.u8()) | u16::from(self.u8()) << 8
    }

    /// Four bytes.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) | u32::from(self.u16()) << 16
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> u64 {
        u64::from(self.u32()) | u64::from(self.u32()) << 32
    }

    /// A number below `limit`, from one or two bytes.
    pub fn below(&mut self, limit: u64) -> u64 {
        let number = if limit > 256 {
            u64::from(self.u16())
        } else {
            u64::from(self.u8())
        };
        number % limit.max(1)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u8) -> bool {
        self.u8().is_multiple_of(times)
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// A number of the kind that finds mistakes.
    pub fn odd(&mut self) -> u64 {
        match self.u8() % 8 {
            0 => 0,
            1 => u64::MAX,
            2 => u64::from(self.u8()),
            3 => 1 << (self.u8() % 64),
            4 => u64::from(self.u16()),
            5 => u64::from(self.u32()),
            6 => u64::from(self.u32()).wrapping_neg(),
            _ => self.u64(),
        }
    }
}
