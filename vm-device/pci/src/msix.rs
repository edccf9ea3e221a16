//! Interrupts as messages.
//!
//! PCI Local Bus Specification 3.0, section 6.8.2, "MSI-X Capability and Table Structures".

use vm_core::{Fields, GuestPhys, Section, StateError, Width};
use vm_device_bus::Cx;

/// The bytes of one entry of the table.
const ENTRY_BYTES: u64 = 16;
/// The bit of an entry's control word that masks it.
const MASKED: u32 = 1;

/// One interrupt of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Vector {
    addr: u64,
    data: u32,
    masked: bool,
    pending: bool,
}

/// The vectors of a function, with their tables in the range of a base address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Msix {
    bar: u8,
    table: u64,
    pending: u64,
    vectors: Vec<Vector>,
    enabled: bool,
    masked: bool,
}

impl Msix {
    /// `count` vectors with their tables at these offsets of a base address's range.
    pub(crate) fn new(bar: u8, count: u16, table: u64, pending: u64) -> Self {
        let apart = table + u64::from(count) * ENTRY_BYTES <= pending;
        assert!(
            apart && (table | pending).is_multiple_of(8),
            "the tables do not overlap"
        );
        let mut msix = Self {
            bar,
            table,
            pending,
            vectors: Vec::new(),
            enabled: false,
            masked: false,
        };
        msix.reset(count.into());
        msix
    }

    /// The capability's body: control, and where the tables are.
    pub(crate) fn capability(&self) -> [u8; 10] {
        let mut body = [0; 10];
        let last = (self.vectors.len() as u16).wrapping_sub(1);
        body[..2].copy_from_slice(&last.to_le_bytes());
        let at = |offset: u64| (offset as u32 | u32::from(self.bar)).to_le_bytes();
        body[2..6].copy_from_slice(&at(self.table));
        body[6..].copy_from_slice(&at(self.pending));
        body
    }

    /// Whether the guest has chosen messages instead of the line.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// How many vectors there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.vectors.len()
    }

    /// Takes the two writable bits of the capability's control word.
    pub(crate) fn control(&mut self, high: u8) {
        self.enabled = high & 0x80 != 0;
        self.masked = high & 0x40 != 0;
    }

    /// Notes that a vector has something to tell.
    pub(crate) fn raise(&mut self, vector: u16) {
        if self.enabled
            && let Some(vector) = self.vectors.get_mut(usize::from(vector))
        {
            vector.pending = true;
        }
    }

    /// Sends what is pending and not masked.
    pub(crate) fn send(&mut self, cx: &mut Cx) {
        if !self.enabled || self.masked {
            return;
        }
        for vector in self.vectors.iter_mut().filter(|v| v.pending && !v.masked) {
            vector.pending = false;
            cx.message(GuestPhys(vector.addr), vector.data);
        }
    }

    /// The offset inside the table, if an access of this range means it.
    pub(crate) fn in_table(&self, bar: u8, offset: u64) -> Option<u64> {
        let inside = offset.checked_sub(self.table).filter(|_| bar == self.bar)?;
        (inside < self.vectors.len() as u64 * ENTRY_BYTES).then_some(inside)
    }

    /// The offset inside the pending bits, if an access of this range means them.
    pub(crate) fn in_pending(&self, bar: u8, offset: u64) -> Option<u64> {
        let inside = offset
            .checked_sub(self.pending)
            .filter(|_| bar == self.bar)?;
        (inside < self.vectors.len().div_ceil(64) as u64 * 8).then_some(inside)
    }

    /// Reads the table.
    pub(crate) fn read_table(&self, inside: u64, width: Width) -> u64 {
        let low = u64::from(self.word(inside & !7));
        let both = low | u64::from(self.word(inside & !7 | 4)) << 32;
        both >> (8 * (inside & 7)) & width.mask()
    }

    /// Reads the pending bits.
    pub(crate) fn read_pending(&self, inside: u64, width: Width) -> u64 {
        let first = (inside & !7) * 8;
        let bits = self.vectors.iter().skip(first as usize).take(64);
        let word = bits
            .zip(0..)
            .fold(0, |word, (v, bit)| word | u64::from(v.pending) << bit);
        word >> (8 * (inside & 7)) & width.mask()
    }

    /// Writes the table; the specification permits words and pairs of words only.
    pub(crate) fn write_table(&mut self, inside: u64, width: Width, value: u64) {
        match width {
            Width::B1 | Width::B2 => {}
            Width::B4 => self.set_word(inside, value as u32),
            Width::B8 => {
                self.set_word(inside, value as u32);
                self.set_word(inside | 4, (value >> 32) as u32);
            }
        }
    }

    /// Back to the state after power-on: all vectors are masked.
    pub(crate) fn reset(&mut self, count: usize) {
        let vector = Vector {
            addr: 0,
            data: 0,
            masked: true,
            pending: false,
        };
        self.vectors = vec![vector; count];
        self.enabled = false;
        self.masked = false;
    }

    /// Writes the table down; the control word is part of configuration space.
    pub(crate) fn save(&self, out: &mut Section) {
        let words = self.vectors.iter().flat_map(|v| {
            let flags = u64::from(v.masked) | u64::from(v.pending) << 1;
            [v.addr, u64::from(v.data) << 32 | flags]
        });
        out.words("pci.msix", &words.collect::<Vec<_>>());
    }

    /// Takes a saved table.
    pub(crate) fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let words = from.words("pci.msix")?;
        if words.len() != 2 * self.vectors.len() {
            return Err(from.bad("pci.msix"));
        }
        for (vector, [addr, rest]) in self.vectors.iter_mut().zip(words.as_chunks::<2>().0) {
            *vector = Vector {
                addr: *addr,
                data: (rest >> 32) as u32,
                masked: rest & 1 != 0,
                pending: rest & 2 != 0,
            };
        }
        Ok(())
    }

    fn word(&self, inside: u64) -> u32 {
        let Some(vector) = self.vectors.get((inside / ENTRY_BYTES) as usize) else {
            return 0;
        };
        match inside % ENTRY_BYTES {
            0 => vector.addr as u32,
            4 => (vector.addr >> 32) as u32,
            8 => vector.data,
            _ => u32::from(vector.masked),
        }
    }

    fn set_word(&mut self, inside: u64, value: u32) {
        let Some(vector) = self.vectors.get_mut((inside / ENTRY_BYTES) as usize) else {
            return;
        };
        match inside % ENTRY_BYTES {
            // Messages are aligned words.
            0 => vector.addr = vector.addr & !0xffff_ffff | u64::from(value & !3),
            4 => vector.addr = vector.addr & 0xffff_ffff | u64::from(value) << 32,
            8 => vector.data = value,
            _ => vector.masked = value & MASKED != 0,
        }
    }
}
