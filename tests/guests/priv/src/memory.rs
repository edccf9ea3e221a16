//! Memory set aside for the checks, and devices, by physical address.
#![expect(unsafe_code, reason = "physical memory is reached by address")]
// UNSAFETY: volatile accesses to RAM behind the image, which no Rust object occupies, and to
// devices of the machine.

/// Where the instructions of a run are written.
pub const CODE: u64 = 0x8010_0000;
/// Data that checked code works on: 2 MiB, at a multiple of that.
pub const DATA: u64 = 0x8020_0000;
/// Page tables.
pub const TABLES: u64 = 0x8040_0000;

/// ACLINT: software interrupt of hart 0.
pub const MSIP: u64 = 0x200_0000;
/// ACLINT: timer compare of hart 0.
pub const MTIMECMP: u64 = 0x200_4000;
/// ACLINT: time.
pub const MTIME: u64 = 0x200_bff8;
/// The device that ends the machine.
pub const FINISHER: u64 = 0x10_0000;
/// The serial line.
pub const UART: u64 = 0x1000_0000;

/// Reads eight bytes.
pub fn read64(address: u64) -> u64 {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *const u64).read_volatile() }
}

/// Writes eight bytes.
pub fn write64(address: u64, value: u64) {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *mut u64).write_volatile(value) };
}

/// Reads four bytes.
pub fn read32(address: u64) -> u32 {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *const u32).read_volatile() }
}

/// Writes four bytes.
pub fn write32(address: u64, value: u32) {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *mut u32).write_volatile(value) };
}

/// Reads a byte.
pub fn read8(address: u64) -> u8 {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *const u8).read_volatile() }
}

/// Writes a byte.
pub fn write8(address: u64, value: u8) {
    // SAFETY: see the module's UNSAFETY line.
    unsafe { (address as *mut u8).write_volatile(value) };
}

/// Ends the machine: pass if `failures` is zero.
pub fn finish(failures: u32) -> ! {
    let value = if failures == 0 {
        0x5555
    } else {
        1 << 16 | 0x3333
    };
    write32(FINISHER, value);
    loop {
        core::hint::spin_loop();
    }
}
