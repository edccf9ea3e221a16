//! Tests of the region compiler.

// HOST-ARCH: reads x86-64 machine code.
#[cfg(target_arch = "x86_64")]
mod code;
mod shapes;
mod singles;
mod spans;
