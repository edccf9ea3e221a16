//! Reads a saved state's bytes in order.

use super::StateError;

/// Reads bytes in order and never past the end.
pub struct Cursor<'a> {
    /// All bytes.
    pub bytes: &'a [u8],
    /// How many were read.
    pub at: usize,
    /// The section that they belong to, for messages.
    pub section: &'a str,
}

impl<'a> Cursor<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], StateError> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            let section = self.section.to_owned();
            return Err(StateError::Truncated {
                section,
                at: self.bytes.len(),
            });
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The next number.
    pub fn u32(&mut self) -> Result<u32, StateError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// The next wide number.
    pub fn u64(&mut self) -> Result<u64, StateError> {
        let low = u64::from(self.u32()?);
        Ok(low | u64::from(self.u32()?) << 32)
    }

    /// The next wide number, as a length in memory.
    pub fn length(&mut self) -> Result<usize, StateError> {
        let length = self.u64()?;
        usize::try_from(length).map_err(|_| StateError::Truncated {
            section: self.section.to_owned(),
            at: self.bytes.len(),
        })
    }
}
