//! What stands where no code is: instructions that trap.

// HOST-ARCH: the encoding of the instruction that traps.
#[cfg(target_arch = "x86_64")]
/// `int3`, four times.
pub const PADDING: [u8; 4] = [0xcc; 4];

// HOST-ARCH: as above.
#[cfg(target_arch = "aarch64")]
/// `brk #0`.
pub const PADDING: [u8; 4] = 0xd420_0000_u32.to_le_bytes();

// HOST-ARCH: as above.
#[cfg(target_arch = "riscv64")]
/// `ebreak`.
pub const PADDING: [u8; 4] = 0x0010_0073_u32.to_le_bytes();

// HOST-ARCH: no code is made for any other processor.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
)))]
/// Zeroes.
pub const PADDING: [u8; 4] = [0; 4];
