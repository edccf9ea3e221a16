//! What is made, read back with another decoder.
//!
//! That native code does what it should is tested where engines are: in `tests/engine`, and by
//! boots whose state is compared.

// HOST-ARCH: reads x86-64 machine code.
#[cfg(target_arch = "x86_64")]
mod shape;
// HOST-ARCH: reads and writes x86-64 machine code.
#[cfg(target_arch = "x86_64")]
mod x64;
