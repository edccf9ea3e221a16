//! Device registers and raw memory outside the image.
#![expect(unsafe_code, reason = "devices are reached by address")]
// UNSAFETY: volatile accesses to addresses that the device tree names. None of them lies in the
// image, so no Rust object is touched.

/// A block of device registers.
#[derive(Clone, Copy)]
pub struct Registers(usize);

impl Registers {
    /// The registers at `base`.
    pub const fn at(base: usize) -> Self {
        Self(base)
    }

    /// The first address.
    pub fn base(self) -> usize {
        self.0
    }

    /// Reads a byte register.
    pub fn read8(self, offset: usize) -> u8 {
        let register = (self.0 + offset) as *const u8;
        // SAFETY: see the module's UNSAFETY line.
        unsafe { register.read_volatile() }
    }

    /// Writes a byte register.
    pub fn write8(self, offset: usize, value: u8) {
        let register = (self.0 + offset) as *mut u8;
        // SAFETY: see the module's UNSAFETY line.
        unsafe { register.write_volatile(value) };
    }

    /// Reads a word register.
    pub fn read32(self, offset: usize) -> u32 {
        let register = (self.0 + offset) as *const u32;
        // SAFETY: see the module's UNSAFETY line.
        unsafe { register.read_volatile() }
    }

    /// Writes a word register.
    pub fn write32(self, offset: usize, value: u32) {
        let register = (self.0 + offset) as *mut u32;
        // SAFETY: see the module's UNSAFETY line.
        unsafe { register.write_volatile(value) };
    }
}

/// RAM that nothing else uses, as words.
///
/// `start` must be a multiple of 8, and the range free RAM of this machine. `Machine::scratch`, the
/// only caller, sees to both, and hands the memory to one borrower at a time.
pub fn free_ram<'a>(start: usize, words: usize) -> &'a mut [u64] {
    // SAFETY: see above; any bytes are valid words.
    unsafe { core::slice::from_raw_parts_mut(start as *mut u64, words) }
}

/// Reads one word of RAM, whatever the compiler thinks of it.
pub fn read_word(word: &u64) -> u64 {
    // SAFETY: a reference is readable.
    unsafe { core::ptr::from_ref(word).read_volatile() }
}

/// Writes one word of RAM, whatever the compiler thinks of it.
pub fn write_word(word: &mut u64, value: u64) {
    // SAFETY: an exclusive reference is writable.
    unsafe { core::ptr::from_mut(word).write_volatile(value) }
}

/// The bytes at `start`, which firmware put there for the guest to read.
pub fn firmware_bytes(start: usize, bytes: usize) -> &'static [u8] {
    // SAFETY: the boot protocol says that this memory is there and stays as it is.
    unsafe { core::slice::from_raw_parts(start as *const u8, bytes) }
}
