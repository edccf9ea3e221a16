//! An architecture under test.

use std::sync::Arc;

use vm_ir::Frontend;

/// How encodings are written in case files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// As numbers, which stand in memory with their lowest byte first.
    Number,
    /// Byte for byte as memory holds them.
    Bytes,
}

/// An architecture under test.
#[derive(Clone)]
pub struct Guest {
    /// The folder of its case files.
    pub folder: &'static str,
    /// The architecture.
    pub frontend: Arc<dyn Frontend>,
    /// How its encodings are written.
    pub order: Order,
}

impl Guest {
    /// The bytes of an encoding; `None` if the digits are no encoding.
    #[must_use]
    pub fn bytes(&self, digits: &str) -> Option<Vec<u8>> {
        if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let mut bytes: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(byte)
            .collect::<Option<_>>()?;
        if self.order == Order::Number {
            bytes.reverse();
        }
        Some(bytes)
    }
}
